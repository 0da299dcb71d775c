using System.Text.Json;
using Run.Tests.Documentation;
using Run.Tests.Planning;

namespace Run.Tests.Locking.Shared;

/// <summary>Locks that several machines share, with a real PostgreSQL.</summary>
public sealed class SharedLockTests(PostgreSql server) : IClassFixture<PostgreSql>
{
    [Fact]
    public async Task Only_one_machine_runs_the_script()
    {
        var database = server.Database();
        using var one = Machines.New(server.Url(database));
        using var two = Machines.New(server.Url(database));
        await using var holder = await one.Holds("--lock=fleet:job", "./x");
        var refusal = $"run: ./x is already running on {Machines.Name} (pid {holder.Pid}) and holds the lock fleet:job\n";
        await two.Run("--lock=fleet:job", "./y").Expect(75, "", refusal);
        await two.Run("--lock=fleet:job", "-E", "7", "./y").Expect(7, "", refusal);
        await two.Run("--lock=fleet:job", "-E", "0", "./y").Expect(0, "", refusal);
        await two.Run("--lock=fleet:job", "-q", "-E", "0", "./y").Expect(0, "");

        // Another name is another lock, and so is the name without a place.
        await two.Run("--lock=fleet:other", "./y").Succeeds("started\nended\n");
        await two.Run("--lock=job", "./y").Succeeds("started\nended\n");
        await holder.Ends();
        await Eventually.True(() => server.Locked(database) == 0, "the lock is free");
        await two.Run("--lock=fleet:job", "./y").Succeeds("started\nended\n");
    }

    [Fact]
    public async Task Without_a_name_it_is_the_script_that_is_locked()
    {
        var database = server.Database();
        await using var one = await World.Serving(("/x", "#!/bin/sh\necho started; read -r _; echo ended\n"));
        using var two = new Sandbox();
        var places = $"locks:\n  fleet: {server.Url(database)}\n";
        one.Conf($"sources:\n  ops: {one.Server.Url}/%s\n{places}");
        two.Conf($"sources:\n  scripts: {one.Server.Url}/%s\n{places}");
        await using var holder = await one.Holds("--lock=fleet:", "ops:x");

        // What runs is the same URL, whatever it is called here.
        await two.Run("--lock=fleet:", "scripts:x").Expect(
            75, "", $"run: scripts:x is already running on {Machines.Name} (pid {holder.Pid})\n");
        await holder.Ends();

        // For a local file it is the path.
        two.PutHolder();
        await using var local = await two.Holds("--lock=fleet:", "./x");
        one.Put("link", "");
        File.Delete(one.Work + "/link");
        File.CreateSymbolicLink(one.Work + "/link", two.Work + "/x");
        await one.Run("--lock=fleet:", "./link").Fails(
            ExitStatus.AlreadyRunning, $"./link is already running on {Machines.Name} (pid {local.Pid})");
        await local.Ends();
    }

    [Fact]
    public async Task The_lock_on_this_machine_is_taken_as_well()
    {
        using var box = Machines.New(server.Url(server.Database()));
        await using var own = await box.Holds("--lock=fleet:", "./x");
        await box.Run("--lock", "./x").Fails(ExitStatus.AlreadyRunning, $"./x is already running (pid {own.Pid})");
        await box.Run("./x").Fails(ExitStatus.AlreadyRunning, $"./x is already running (pid {own.Pid})");
        await own.Ends();

        await using var named = await box.Holds("--lock=fleet:job", "./x");
        await box.Run("--lock=job", "./y").Fails(ExitStatus.AlreadyRunning, $"(pid {named.Pid}) and holds the lock job");
        await named.Ends();
    }

    [Fact]
    public async Task Killed_the_script_frees_it_and_nothing_is_left_running()
    {
        var database = server.Database();
        using var one = Machines.New(server.Url(database));
        using var two = Machines.New(server.Url(database));
        await using var holder = await one.Holds("--lock=fleet:job", "./x");
        Assert.Equal([holder.Pid], Processes.Under(one.Root));
        holder.Signal(Libc.SIGKILL);
        await holder.Exit();
        var next = await two.Run("--wait=20", "--lock=fleet:job", "./y").Result();
        Assert.Equal((0, "started\nended\n"), (next.Status, next.Stdout));
    }

    [Fact]
    public async Task Waiting_ends_when_the_other_machine_has_finished()
    {
        var database = server.Database();
        using var one = Machines.New(server.Url(database));
        using var two = Machines.New(server.Url(database));
        await using var holder = await one.Holds("--lock=fleet:job", "./x");
        var held = $"run: ./x is already running on {Machines.Name} (pid {holder.Pid}) and holds the lock fleet:job";
        await two.Run("--wait=0", "--lock=fleet:job", "./x").Expect(75, "", $"{held}\n");
        await two.Run("--wait=0.5", "--lock=fleet:job", "./x").Expect(75, "", $"{held}: waiting for at most 0.5 s\n{held}\n");

        foreach (var option in (string[])["--wait", "--wait=1000"])
        {
            await using var interrupted = two.Run(option, "--lock=fleet:job", "./x").Start();
            await interrupted.Errors("waiting");
            interrupted.Signal(Libc.SIGINT);
            Assert.Equal((130, ""), ((await interrupted.Exit()).Status, interrupted.OutputSoFar));
        }

        await using var waiting = two.Run("--wait", "--lock=fleet:job", "./x").Start();
        await waiting.Errors($"{held}: waiting\n");
        Assert.Equal("", waiting.OutputSoFar);
        await holder.Ends();
        (await waiting.Exit()).Is(0, "started\nended\n", $"{held}: waiting\n");
    }

    [Fact]
    public async Task A_source_may_ask_for_it()
    {
        var database = server.Database();
        await using var one = await World.Serving(("/x", "#!/bin/sh\necho started; read -r _; echo ended\n"));
        using var two = Machines.New(server.Url(database));
        one.Conf($"sources:\n  default: {one.Server.Url}/%s\n");
        await Planned.Is(() => one.Run("x"), "started\nended\n");

        // The plan of the run before knows no place, and must not be followed.
        var conf = $"sources:\n  default:\n    url: {one.Server.Url}/%s\n    lock: fleet\nlocks:\n  fleet: {server.Url(database)}\n";
        one.Conf(conf);
        two.Conf(conf);
        foreach (var run in (int[])[1, 2])
        {
            await using var holder = await one.Holds("x");
            await two.Run("x").Expect(75, "", $"run: x is already running on {Machines.Name} (pid {holder.Pid})\n");
            await two.Run("--lock", "x").Fails(ExitStatus.AlreadyRunning, $"on {Machines.Name} (pid {holder.Pid})");
            await two.Run("--lock=mine", "x").Succeeds("started\nended\n");
            await two.Run("--replace", "x").Fails(ExitStatus.Usage, "--replace stops scripts of this machine only");
            await holder.Ends();
        }

        // Each of them needs libpq, so none is planned.
        await Planned.IsNot(() => one.Run("x"));
        await Planned.IsNot(() => one.Run("--lock=fleet:job", "x"));
    }

    [Fact]
    public async Task The_holders_are_listed()
    {
        var database = server.Database();
        using var box = Machines.New(server.Url(database));
        await box.Run("--ps", "fleet:").Succeeds("");
        await box.Run("--ps", "--json", "fleet:").Succeeds("[]\n");
        const string Long = "a-script-with-a-name-that-is-too-long-for-the-server-to-keep \u00e9.sh";
        box.PutHolder(Long);
        await using var one = await box.Holds("--lock=fleet:one", "./x");
        await using var two = await box.Holds("--lock=fleet:two", "./" + Long);

        // Others may use advisory locks for what they like.
        using var other = server.AsOwner(
            "psql", "-X", "-h", server.Sockets, "-p", $"{server.Port}", "-U", "postgres", "-d", database, "-c",
            "SELECT pg_advisory_lock(5), pg_sleep(1000)");
        await Eventually.True(() => server.Locked(database) == 3, "there are three locks");
        var result = await box.Run("--ps", "--json", "fleet:").Result();
        var list = JsonSerializer.Deserialize<JsonElement[]>(result.Stdout)!;
        Assert.Equal(new[] { one.Pid, two.Pid }.Order(), list.Select(static item => item.GetProperty("pid").GetInt32()));
        foreach (var item in list)
        {
            Assert.Equal(["host", "pid", "mode", "seconds", "script", "user"], item.EnumerateObject().Select(static p => p.Name));
            Assert.Equal(Machines.Name, item.GetProperty("host").GetString());
            Assert.Equal(Environment.UserName, item.GetProperty("user").GetString());
            Assert.InRange(item.GetProperty("seconds").GetInt64(), 0, 60);
            if (item.GetProperty("pid").GetInt32() == two.Pid)
            {
                // Its end is what tells it from others.
                Assert.Matches("^\\.\\.\\..*-server-to-keep \u00e9\\.sh$", item.GetProperty("script").GetString());
            }
        }

        var lines = (await box.Run("--ps", "fleet:").Result()).Stdout;
        Assert.Matches($@"(?m)^{Machines.Name} +{one.Pid} +\d+s +{Environment.UserName} +\./x$", lines);
        await box.Run("--ps", "fleet:", "--json").Fails(ExitStatus.Usage, "--json");
        await box.Run("--ps", "fleet:one").Fails(ExitStatus.Usage, "--ps", "PLACE:");
        await box.Run("--ps", "flet:").Fails(ExitStatus.Usage, "flet: no such place", "did you mean fleet:?");
        await one.Ends();
        await two.Ends();
        other.Kill();
    }

    [Fact]
    public async Task What_another_role_or_program_says_of_itself_is_made_harmless()
    {
        var database = server.Database();
        using var box = Machines.New(server.Url(database, user: "other"));
        using var super = Machines.New(server.Url(database));
        await using var holder = await super.Holds("--lock=fleet:job", "./x");

        // Another role sees who it is, but not since when.
        await box.Run("--lock=fleet:job", "./x").Fails(
            ExitStatus.AlreadyRunning, $"./x is already running on {Machines.Name} (pid {holder.Pid})");
        var list = JsonSerializer.Deserialize<JsonElement[]>((await box.Run("--ps", "--json", "fleet:").Result()).Stdout)!;
        Assert.Equal(JsonValueKind.Null, Assert.Single(list).GetProperty("seconds").ValueKind);
        await holder.Ends();

        // --lock=fleet:job has this key, and anybody can hold it.
        var key = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData("run\0job"u8))[..16];
        foreach (var (name, said) in ((string, string)[])
        [
            ("run web2 812 root %1B%5B2Jx", @"\x1b[2Jx is already running on web2 (pid 812)"),
            ("psql", "fleet:job is held by another session"),
        ])
        {
            await Eventually.True(() => server.Locked(database) == 0, "the lock is free");
            using var other = server.AsOwner(
                "psql", "-X", "-h", server.Sockets, "-p", $"{server.Port}", "-U", "postgres", "-d", database, "-c",
                $"SET application_name = '{name}'", "-c", $"SELECT pg_advisory_lock(x'{key}'::bigint), pg_sleep(1000)");
            await Eventually.True(() => server.Locked(database) == 1, "the lock is held");
            await box.Run("--lock=fleet:job", "./x").Fails(ExitStatus.AlreadyRunning, said);
            server.Terminate(database);
            await other.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Detached_it_holds_it_too()
    {
        var database = server.Database();
        using var one = Machines.New(server.Url(database));
        using var two = Machines.New(server.Url(database));
        one.Put("daemon", Machines.Telling);
        var started = await one.Run("-q", "--detach", "--lock=fleet:job", "./daemon").Result();
        var pid = int.Parse(started.Stdout, null);
        var refusal = $"./daemon is already running on {Machines.Name} (pid {pid}) and holds the lock fleet:job";
        await two.Run("--lock=fleet:job", "./x").Fails(ExitStatus.AlreadyRunning, refusal);
        await two.Run("--detach", "--lock=fleet:job", "./x").Fails(ExitStatus.AlreadyRunning, refusal);
        server.Terminate(database);
        await Eventually.True(() => !Libc.IsAlive(pid), "it has ended");
        await one.Run("--logs", "./daemon").Succeeds("started\ntold\n");
    }

    [Fact]
    public async Task The_crontab_of_the_README_works()
    {
        var line = Documents.Blocks(Documents.Readme, "crontab").Single(static block => block.Contains("fleet:", StringComparison.Ordinal));
        var command = line.Trim().Split("  ", 2)[1];
        var place = Documents.Blocks(Documents.Readme, "yaml").Single(static block => block.Contains("locks:", StringComparison.Ordinal));
        await using var world = await World.Serving(("/backup.sh", "#!/bin/sh\necho started; read -r _; echo ended\n"));
        using var other = new Sandbox();
        place = place.Replace(
            "postgresql://cron@db.example.com/ops?sslmode=verify-full", server.Url(server.Database()), StringComparison.Ordinal);
        world.Conf($"sources:\n  ops: {world.Server.Url}/%s\n{place}\n");
        other.Conf(File.ReadAllText(world.ConfFile));
        await using var holder = await world.Holds(world.Sh(command));
        await other.Sh(command).Succeeds("");
        await holder.Ends();
    }

    [Fact]
    public async Task The_script_sees_one_more_descriptor_and_nothing_else()
    {
        using var box = Machines.New(server.Url(server.Database()));
        TestFile.Copy(Suite.Tell, box.Work + "/tell");
        async Task<string[]> Told(params string[] options)
        {
            var file = box.Root + "/told";
            File.Delete(file);
            (await box.Run([.. options, "./tell", "a", "\udcff"]).Env("TELL_TO", file).Result()).Is(0, "");
            return await File.ReadAllLinesAsync(file);
        }

        var alone = await Told("--lock");
        var shared = await Told("--lock=fleet:");
        var more = Assert.Single(shared.Except(alone));
        Assert.Matches(@"^fd 1\d\d: socket mode 140777 flags 24002 fd-flags 0 ", more);
        Assert.Empty(alone.Except(shared));
    }

    [Fact]
    public async Task A_run_in_the_script_does_not_wait_for_itself()
    {
        using var box = Machines.New(server.Url(server.Database()));
        box.Put("again", "#!/bin/sh\nexec run --wait --lock=fleet:job ./x\n");
        await box.Run("--lock=fleet:job", "./again").Fails(ExitStatus.AlreadyRunning, "deadlock", "fleet:job is held by this process");
        box.Put("child", "#!/bin/sh\nrun --lock=fleet:job ./x; echo $?\n");
        var result = await box.Run("--lock=fleet:job", "./child").Result();
        Assert.Equal("75\n", result.Stdout);
    }

    /// <summary>As in containers: the PID is the same in each, and the name of the machine may be.</summary>
    [RootFact]
    public async Task Another_machine_of_the_same_name_and_PID_is_not_itself()
    {
        var url = server.Url(server.Database());
        using var one = Machines.New(url);
        using var other = Machines.New(url);
        static Command Alone(Command run) => run.Through("unshare", "--pid", "--fork", "--kill-child", "--mount-proc");
        await using var holder = Alone(one.Run("--lock=fleet:job", "./x")).InputStaysOpen().Start();
        await holder.Output("started");
        await using var waiting = Alone(other.Run("--wait=60", "--lock=fleet:job", "./x")).Start();
        await waiting.Errors($"is already running on {Machines.Name} (pid 1) and holds the lock fleet:job: waiting");
        await holder.Ends();
        await waiting.Output("started");
    }

    [Fact]
    public async Task Of_the_command_line_only_what_can_work_is_taken()
    {
        using var box = Machines.New(server.Url(server.Database()));
        await box.Run("--lock=flet:job", "./x").Fails(ExitStatus.Usage, "flet: no such place for locks", "did you mean fleet:?");
        await box.Run("-n", "--lock=flet:job", "./x").Fails(ExitStatus.Usage, "flet: no such place for locks");
        await box.Run("--replace", "--lock=fleet:job", "./x").Fails(ExitStatus.Usage, "--replace", "fleet");
        await box.Run("--stop", "fleet:").Fails(ExitStatus.Usage, "fleet: no such source", "a place for locks");
        await box.Run("fleet:x").Fails(ExitStatus.Usage, "fleet: no such source", "--lock=fleet:NAME");
        await box.Run("--lock", "fleet:job", "./x").Fails(ExitStatus.Usage, "fleet: no such source", "--lock=fleet:NAME");

        // What cannot be a place is a name, as ever.
        foreach (var name in (string[])["/dev/sda:1", ":", ":x", "a b:c", "https://host/x"])
        {
            await box.Run($"--lock={name}", "./x").Succeeds("started\nended\n");
        }

        // --dry-run takes no lock, and asks nobody.
        box.Conf("locks:\n  fleet: postgresql://127.0.0.1:1/x\n");
        Assert.Equal(0, (await box.Run("-n", "--lock=fleet:job", "./x").Result()).Status);
    }
}
