using System.Globalization;
using System.Text;

namespace Run.Tests.Locking.Shared;

/// <summary>The connection that is the lock ends while the script runs: the script is told. Nothing less tells it anything.</summary>
public sealed class LostLockTests(PostgreSql server) : IClassFixture<PostgreSql>
{
    [Theory]
    [InlineData("")]
    [InlineData("?sslmode=disable")]
    [InlineData("socket")]
    public async Task The_end_of_the_session_is_told_and_a_reload_is_not(string how)
    {
        var database = server.Database();
        using var box = Machines.New(how == "socket"
            ? $"postgresql://postgres@/{database}?host={server.Sockets}&port={server.Port}"
            : server.Url(database, rest: how));
        box.Put("telling", Machines.Telling);
        await using var script = box.Run("--lock=fleet:job", "./telling").Start();
        await script.Output("started");

        // TimeZone is one of the settings whose change a server reports to its clients, when it next has something to say.
        server.Sql($"ALTER DATABASE {database} SET TimeZone = 'Asia/Tokyo'");
        server.Sql("ALTER SYSTEM SET TimeZone = 'Europe/Berlin'");
        server.Sql("SELECT pg_reload_conf()");
        server.Sql("NOTIFY nobody", database);
        await Eventually.True(() => server.Sql("SHOW TimeZone") == "Europe/Berlin", "the server has read its configuration");
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal("started\n", script.OutputSoFar);
        Assert.Equal(1, server.Locked(database));

        server.Terminate(database);
        (await script.Exit()).Is(9, "started\ntold\n");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bytes_that_nobody_reads_are_no_end(bool reset)
    {
        using var relay = new Relay(server.Port);
        using var box = Machines.New($"postgresql://postgres@127.0.0.1:{relay.Port}/{server.Database()}?sslmode=disable");
        box.Put("telling", Machines.Telling);
        await using var script = box.Run("--lock=fleet:job", "./telling").Start();
        await script.Output("started");

        // What a server may say of itself: a notice of a few hundred bytes, and then a hundred more of them.
        var notice = (byte[])[(byte)'N', 0, 0, 1, 4, .. Encoding.ASCII.GetBytes(new string('x', 256))];
        await relay.Says(notice);
        for (var i = 0; i < 100; i++)
        {
            await relay.Says(notice);
        }

        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal("started\n", script.OutputSoFar);
        await relay.Ends(reset);
        (await script.Exit()).Is(9, "started\ntold\n");
    }

    [Theory]
    [InlineData(Libc.SIGINT)]
    [InlineData(Libc.SIGQUIT)]
    [InlineData(Libc.SIGKILL)]
    public async Task However_the_server_ends_the_script_is_told(int signal)
    {
        await using var own = await PostgreSql.Start();
        using var box = Machines.New(own.Url(own.Database()));
        box.Put("telling", Machines.Telling);
        await using var script = box.Run("--lock=fleet:job", "./telling").Start();
        await script.Output("started");
        await own.Down(signal);
        (await script.Exit()).Is(9, "started\ntold\n");

        // Killed, it has left shared memory, which it finds when it starts again.
        await own.Up();
        await box.Run("--lock=fleet:job", "./x").Succeeds("started\nended\n");
    }

    [Fact]
    public async Task The_server_may_start_again_while_a_run_waits()
    {
        await using var own = await PostgreSql.Start();
        var database = own.Database();
        using var one = Machines.New(own.Url(database));
        using var two = Machines.New(own.Url(database));
        one.Put("telling", Machines.Telling);
        await using var script = one.Run("--lock=fleet:job", "./telling").Start();
        await script.Output("started");
        await using var waiting = two.Run("--wait=120", "--lock=fleet:job", "./x").Start();
        await waiting.Errors("waiting");
        await own.Down(Libc.SIGINT);
        (await script.Exit()).Is(9, "started\ntold\n");
        await own.Up();
        var result = await waiting.Exit();
        Assert.Equal((0, "started\nended\n"), (result.Status, result.Stdout));

        // It has no time left to wait for a server that is gone.
        await using var again = await one.Holds("--lock=fleet:job", "./x");
        await using var short_ = two.Run("--wait=3", "--lock=fleet:job", "./x").Start();
        await short_.Errors("waiting");
        await own.Down(Libc.SIGINT);
        Assert.Equal((69, ""), ((await short_.Exit()).Status, short_.OutputSoFar));
        await own.Up();
    }

    [Fact]
    public async Task A_killed_run_that_waited_leaves_the_queue()
    {
        var database = server.Database();
        using var one = Machines.New(server.Url(database));
        using var two = Machines.New(server.Url(database));
        await using var holder = await one.Holds("--lock=fleet:job", "./x");
        await using var waiting = two.Run("--wait", "--lock=fleet:job", "./x").Start();
        await waiting.Errors("waiting");
        string Queue() => server.Sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
            + $"(SELECT oid FROM pg_database WHERE datname = '{database}')");
        await Eventually.True(() => Queue() == "1", "it waits in the server");
        waiting.Signal(Libc.SIGKILL);
        await waiting.Exit();
        await Eventually.True(() => Queue() == "0", "it has left the queue");
        await holder.Ends();
    }

    [Fact]
    public async Task A_lock_that_is_lost_before_the_script_begins_is_no_lock()
    {
        var database = server.Database();
        await using var world = await World.Serving(("/x", "#!/bin/sh\necho ran\n"));
        world.Conf($"sources:\n  default: {world.Server.Url}/%s\nlocks:\n  fleet: {server.Url(database)}\n");
        var gate = world.Server.Hold("/x");
        await using var run = world.Run("--lock=fleet:", "x").Start();
        await gate.Reached;
        Assert.Equal(1, server.Locked(database));
        server.Terminate(database);
        await Eventually.True(() => server.Locked(database) == 0, "the session has ended");
        gate.Open();
        (await run.Exit()).Failed(69, "fleet: the connection was lost before the script began");
    }

    [Fact]
    public async Task The_next_start_is_not_refused_because_the_server_is_slow()
    {
        var database = server.Database();
        using var box = Machines.New(server.Url(database));
        await using var script = await box.Holds("--lock=fleet:job", "./x");
        var session = int.Parse(
            server.Sql(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
                + $"(SELECT oid FROM pg_database WHERE datname = '{database}')"),
            CultureInfo.InvariantCulture);
        Libc.Signal(session, Libc.SIGSTOP);
        try
        {
            script.Signal(Libc.SIGKILL);
            await script.Exit();
            await using var next = box.Run("--lock=fleet:job", "./x").Start();
            await Eventually.True(
                () => server.Sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
                    + $"(SELECT oid FROM pg_database WHERE datname = '{database}')") == "1",
                "it waits for the server");
            Libc.Signal(session, Libc.SIGCONT);
            (await next.Exit()).Is(0, "started\nended\n");
        }
        finally
        {
            Libc.Signal(session, Libc.SIGCONT);
        }
    }

    [Fact]
    public async Task A_child_in_the_background_keeps_the_connection()
    {
        var database = server.Database();
        using var box = Machines.New(server.Url(database));
        box.Put("leaves", "#!/bin/sh\nsleep 1000 >/dev/null 2>&1 & echo $!\n");
        var child = int.Parse((await box.Run("--lock=fleet:job", "./leaves").Result()).Stdout, CultureInfo.InvariantCulture);
        Assert.Equal(1, server.Locked(database));
        Libc.Signal(child, Libc.SIGKILL);
        await Eventually.True(() => server.Locked(database) == 0, "the lock is free");
    }
}
