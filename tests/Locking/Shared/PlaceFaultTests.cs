namespace Run.Tests.Locking.Shared;

/// <summary>What is wrong with a place: run.conf, libpq, the server, what stands between. Nothing runs without the lock.</summary>
public sealed class PlaceFaultTests(PostgreSql server) : IClassFixture<PostgreSql>
{
    [Theory]
    [InlineData("  fleet: https://db/x\n", "2:10: fleet: a place for locks is the URL of a PostgreSQL database")]
    [InlineData("  fleet: host=db password=hunter2\n", "2:10: fleet: a place for locks is the URL")]
    [InlineData("  fleet: postgresql://me:a@hunter2@db/x\n", "2:10: fleet: its URL has an @ that does not end a user and a password")]
    [InlineData("  fleet: postgresql://me:hunter2/a@db/x\n", "write %40 for @ and %2F for /")]
    [InlineData("  fleet: postgresql://me:a@hunter2/b@db/x\n", "write %40 for @ and %2F for /")]
    [InlineData(
        "  fleet: postgresql://me:hunter2@127.0.0.1:abc/x\n", "2:10: fleet: its URL has a port that is not a number from 1 to 65535")]
    [InlineData("  fleet: postgresql://me:hunter2\n", "2:10: fleet: its URL has a port")]
    [InlineData("  fleet: postgresql://me:hunter2/x\n", "2:10: fleet: its URL has a port")]
    [InlineData("  fleet: postgresql://me:hunter2?sslmode=disable\n", "2:10: fleet: its URL has a port")]
    [InlineData("  fleet: postgresql://db:1,db:65536/x\n", "2:10: fleet: its URL has a port")]
    [InlineData("  fleet: postgresql://me@[::1]:0/x\n", "2:10: fleet: its URL has a port")]
    [InlineData("  fleet: postgresql://me@[::1]:hunter2,db/x\n", "2:10: fleet: its URL has a port")]
    [InlineData("  fleet: postgresql:///x?host=a,b&port=1%2Chunter2\n", "2:10: fleet: its URL has a port")]
    [InlineData("  exclusive: postgresql://db/x\n", "2:3: 'exclusive' cannot be the name of a place for locks")]
    [InlineData("  -a: postgresql://db/x\n", "2:3: '-a' cannot be the name of a place")]
    [InlineData("  a:\n    b: c\n", "3:5: the place a: expected a single value")]
    [InlineData("  a: postgresql://db/x\n  a: postgresql://db/x\n", "3:3: a is defined twice")]
    [InlineData("sources:\n  ops:\n    url: https://h/%s\n    lock: flet\n", "5:11: lock: unknown value 'flet'")]
    [InlineData("  fleet: postgresql://db/x\nsources:\n  ops:\n    url: https://h/%s\n    lock: flet\n", "did you mean fleet?")]
    public async Task Mistakes_in_run_conf_have_a_line_and_a_column(string rest, string message)
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.Conf("locks:\n" + rest);
        var result = await box.Run("--lock=fleet:x", "./x").Result();
        result.Failed(78, message);
        Assert.DoesNotContain("hunter2", result.Stderr, StringComparison.Ordinal);
    }

    [RootFact]
    public async Task A_place_may_be_in_the_file_of_the_system()
    {
        using var box = new Sandbox();
        box.Put(box.Root + "/etc/run.conf", $"locks:\n  fleet: {server.Url(server.Database())}\n", executable: false);
        var setup = $"mount --bind {box.Root}/etc /etc";
        box.PutHolder();
        foreach (var sources in (string[])["sources", "\"sources\""])
        {
            var conf = $"{sources}:\n  here:\n    url: {box.Work}/%s\n    lock: fleet\n";
            box.Conf(conf);
            await box.Run("here:x").InMountNamespace(setup).Succeeds("started\nended\n");
            await box.Run("--ps", "fleet:").InMountNamespace(setup).Succeeds("");
            box.Conf(conf.Replace("fleet", "flet", StringComparison.Ordinal));
            await box.Run("here:x").InMountNamespace(setup).Fails(
                ExitStatus.Configuration, ":4:11: lock: unknown value 'flet'", "did you mean fleet?");
        }
    }

    [Fact]
    public async Task A_key_in_the_singular_is_a_slip()
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.Conf("lock:\n");
        await box.Run("x").Fails(ExitStatus.Configuration, "1:1: unknown key lock", "did you mean locks?");
    }

    [Theory]
    [InlineData(
        "postgresql://postgres:hunter2@127.0.0.1:1/x", 69,
        "fleet: connection to server at \"127.0.0.1\", port 1 failed: Connection refused")]
    [InlineData("postgresql://guarded:hunter2@HERE/postgres", 69, "password authentication failed for user \"guarded\"")]
    [InlineData("postgresql://guarded@HERE/postgres", 69, "no password supplied")]
    [InlineData("postgresql://postgres:hunter2@HERE/nothing", 69, "database \"nothing\" does not exist")]
    [InlineData("postgresql://postgres:hunter2@no-such-host.invalid/x", 69, "could not translate host name")]
    [InlineData("postgresql://postgres:hunter2@HERE/postgres?sslrootcert=/etc/passwd&sslmode=verify-full", 69, "root certificate file")]
    [InlineData("postgresql://postgres:hunter2@127.0.0.1:1,127.0.0.1:2/x", 69, "port 1 failed: Connection refused; connection to server")]
    [InlineData(
        "postgresql://postgres:hunter2@HERE/postgres?sslmod=hunter2", 78,
        "run.conf:2:10: fleet: its URL is wrong: invalid URI query parameter")]
    [InlineData("postgresql://postgres:hunter2%zz@HERE/postgres", 78, "its URL is wrong: invalid percent-encoded token")]
    [InlineData(
        "postgresql://postgres@HERE/postgres?sslmode=hunter2", 78,
        "run.conf:2:10: fleet: its URL, or a variable of libpq, is wrong: invalid sslmode value")]
    [InlineData("postgresql://postgres@HERE/postgres?keepalives_idle=hunter2", 78, "is wrong: invalid integer value")]
    public async Task A_server_that_does_not_let_us_in_is_named_and_no_secret_is(string url, int status, string message)
    {
        PostgreSql.Need();
        using var box = Machines.New(url.Replace("HERE", $"127.0.0.1:{server.Port}", StringComparison.Ordinal));
        foreach (var arguments in (string[][])[
            ["--lock=fleet:job", "./x"], ["--verbose", "--wait=9", "--lock=fleet:job", "./x"], ["--detach", "--lock=fleet:", "./x"],
            ["--ps", "fleet:"]])
        {
            var result = await box.Run(arguments).Result();
            Assert.Equal((status, ""), (result.Status, result.Stdout));
            Assert.Contains(message, result.Stderr, StringComparison.Ordinal);
            if (!arguments.Contains("--verbose"))
            {
                Assert.Single(result.Stderr.TrimEnd('\n').Split('\n'));
            }

            Assert.DoesNotContain("hunter2", result.Stderr, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_password_works_and_is_not_written_anywhere()
    {
        using var box = Machines.New(server.Url(server.Database(), $"guarded:{Uri.EscapeDataString(PostgreSql.Password)}"));
        await using var holder = await box.Holds("--lock=fleet:job", "./x");
        var said = await box.Run("--verbose", "-n", "--lock=fleet:job", "./x").Result();
        Assert.DoesNotContain("Sesame", said.Stdout + said.Stderr, StringComparison.Ordinal);
        said = await box.Run("--verbose", "--lock=fleet:job", "./x").Result();
        Assert.DoesNotContain("Sesame", said.Stdout + said.Stderr, StringComparison.Ordinal);
        var sessions = server.Sql("SELECT string_agg(application_name, ' ') FROM pg_stat_activity");
        Assert.DoesNotContain("Sesame", sessions, StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(box.Home, "*", SearchOption.AllDirectories).Where(file => file != box.ConfFile))
        {
            var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            Assert.DoesNotContain("Sesame", text, StringComparison.Ordinal);
        }

        await holder.Ends();

        // .pgpass is libpq's own affair.
        box.Conf($"locks:\n  fleet: {server.Url("postgres", "guarded")}\n");
        box.Put(box.Home + "/.pgpass", $"*:*:*:guarded:{PostgreSql.Password}\n", executable: false);
        await box.Sh("chmod 600 ~/.pgpass; run --lock=fleet:job ./x </dev/null").Succeeds("started\nended\n");
    }

    [Fact]
    public async Task A_server_that_never_answers_is_an_error_in_the_end()
    {
        using var silent = Ports.Silent(out var port);
        using var box = Machines.New($"postgresql://postgres@127.0.0.1:{port}/x?connect_timeout=2");
        await box.Run("--lock=fleet:job", "./x").Within(TimeSpan.FromSeconds(20)).Fails(ExitStatus.Unavailable, "no answer within 2 s");
    }

    [RootFact]
    public async Task Without_libpq_the_package_is_named()
    {
        using var box = Machines.New(server.Url("postgres"));
        const string hide = "for f in /usr/lib/*/libpq.so.* /usr/lib/libpq.so.*; do [ ! -e \"$f\" ] || mount --bind /dev/null \"$f\"; done";
        var result = await box.Run("--lock=fleet:job", "./x").InMountNamespace(hide).Result();
        result.Failed(73, "libpq.so.5", "libpq5");
        Assert.Single(result.Stderr.TrimEnd('\n').Split('\n'));
        await box.Run("--lock=job", "./x").InMountNamespace(hide).Succeeds("started\nended\n");
    }

    [Fact]
    public async Task The_certificate_is_verified_if_the_URL_says_so()
    {
        var database = server.Database();
        using var box = Machines.New(server.Url(database, rest: $"?sslmode=verify-full&sslrootcert={server.Authority}"));
        await using var holder = await box.Holds("--lock=fleet:job", "./x");
        Assert.Equal("t", server.Sql(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
            + $"WHERE datname = '{database}' AND backend_type LIKE 'client%'"));
        await holder.Ends();

        // localhost is not the name in the certificate; another authority has not issued it.
        using var other = new Certificates();
        var wrong = box.Put("other.pem", other.AuthorityPem);
        var verified = $"?sslmode=verify-full&sslrootcert={server.Authority}";
        box.Conf($"locks:\n  fleet: {server.Url(database, host: "localhost", rest: verified)}\n");
        await box.Run("--lock=fleet:job", "./x").Fails(ExitStatus.Unavailable, "certificate", "localhost");
        box.Conf($"locks:\n  fleet: {server.Url(database, rest: $"?sslmode=verify-full&sslrootcert={wrong}")}\n");
        await box.Run("--lock=fleet:job", "./x").Fails(ExitStatus.Unavailable, "certificate verify failed");
    }

    [Fact]
    public async Task A_standby_has_other_locks_than_its_primary()
    {
        await using var standby = await PostgreSql.Start();
        await standby.Down(Libc.SIGINT);
        TestFile.Write(standby.Data + "/standby.signal", "");
        await standby.Up();
        using var box = Machines.New(standby.Url("postgres"));
        await box.Run("--lock=fleet:job", "./x").Fails(ExitStatus.Unavailable, "fleet: ", "standby");
        box.Conf($"locks:\n  fleet: {standby.Url("postgres", rest: "?target_session_attrs=any")}\n");
        await box.Run("--lock=fleet:job", "./x").Fails(ExitStatus.Unavailable, "fleet: the server is a standby");

        // Of several hosts the primary is found.
        var hosts = $"postgresql://postgres@127.0.0.1:{standby.Port},127.0.0.1:{server.Port}/postgres";
        box.Conf($"locks:\n  fleet: {hosts}\n");
        await box.Run("--lock=fleet:job", "./x").Succeeds("started\nended\n");
    }

    [Theory]
    [InlineData("session")]
    [InlineData("transaction")]
    [InlineData("statement")]
    [Needs("pgbouncer")]
    public async Task A_pooler_must_not_share_the_session(string mode)
    {
        var database = server.Database();
        var port = Ports.Free();
        var directory = Directory.CreateDirectory(Path.Combine(server.Sockets, mode)).FullName;
        TestFile.Write(directory + "/users", "\"postgres\" \"\"\n");
        TestFile.Write(directory + "/ini", $"""
            [databases]
            * = host=127.0.0.1 port={server.Port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {directory}/users
            pool_mode = {mode}

            """);
        using var pooler = server.AsOwner("pgbouncer", directory + "/ini");
        await Eventually.True(() => Ports.IsOpen(port), "pgbouncer listens");
        using var box = Machines.New($"postgresql://postgres@127.0.0.1:{port}/{database}");
        using var direct = Machines.New(server.Url(database));
        try
        {
            if (mode != "session")
            {
                await box.Run("--lock=fleet:job", "./x").Fails(ExitStatus.Unavailable, "fleet: ", "pooler");
                return;
            }

            await using var holder = await box.Holds("--lock=fleet:job", "./x");
            await direct.Run("--lock=fleet:job", "./x").Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
            await holder.Ends();
            await Eventually.True(() => server.Locked(database) == 0, "the lock is free");
            box.Put("telling", Machines.Telling);
            await using var script = box.Run("--lock=fleet:job", "./telling").Start();
            await script.Output("started");
            server.Terminate(database);
            (await script.Exit()).Is(9, "started\ntold\n");
        }
        finally
        {
            pooler.Kill();
            await pooler.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }
}
