using System.Globalization;

namespace Run.Tests.Locking;

/// <summary>Which runs exclude each other, and who holds the lock, and for how long.</summary>
public sealed class LockTests
{
    [Fact]
    public async Task Plain_runs_go_side_by_side_and_a_locked_one_goes_alone()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var first = await box.Holds("./x");
        await using var second = await box.Holds("./x");
        await box.Run("--lock", "./x").Fails(ExitStatus.AlreadyRunning, "./x is already running (pid ");
        await first.Ends();
        await second.Ends();

        await using var alone = await box.Holds("--lock", "./x");
        await box.Run("--lock", "./x").Expect(75, "", $"run: ./x is already running (pid {alone.Pid})\n");
        await box.Run("./x").Fails(ExitStatus.AlreadyRunning, $"./x is already running (pid {alone.Pid})", "--wait");
        await alone.Ends();
        await box.Run("--lock", "./x").Succeeds("started\nended\n");
    }

    [Fact]
    public async Task Of_fifty_starts_at_one_moment_one_runs()
    {
        using var box = new Sandbox();
        box.PutHolder();
        var all = Enumerable.Range(0, 50).Select(_ => box.Run("--lock", "./x").InputStaysOpen().Start()).ToList();
        await Eventually.True(() => all.Count(static one => one.HasExited) == 49, "49 of 50 have given up");
        var winner = Assert.Single(all, static one => !one.HasExited);
        await winner.Output("started");
        foreach (var loser in all.Where(one => one != winner))
        {
            (await loser.Exit()).Failed(75, "already running");
        }

        await winner.Ends();
    }

    [Fact]
    public async Task Thirty_that_wait_run_one_after_the_other_and_all_of_them()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho start >>marks\nread -r _ </dev/null\nsleep 0.02\necho end >>marks\n");
        var all = Enumerable.Range(0, 30).Select(_ => box.Run("--quiet", "--wait", "./x").Start()).ToList();
        foreach (var one in all)
        {
            (await one.Exit()).Is(0, "");
        }

        Assert.Equal(
            Enumerable.Repeat("start\nend\n", 30), File.ReadAllText(box.Work + "/marks").Chunk(10).Select(static c => new string(c)));
    }

    [Fact]
    public async Task What_is_locked_is_the_file_however_it_is_named()
    {
        using var box = new Sandbox();
        var path = box.PutHolder();
        File.CreateSymbolicLink(box.Work + "/link", path);
        Directory.CreateDirectory(box.Work + "/below");
        await using var holder = await box.Holds("--lock", "./x");
        await box.Run("--lock", "./link").Fails(ExitStatus.AlreadyRunning, $"./link is already running (pid {holder.Pid})");
        await box.Run("--lock", "../x").In(box.Work + "/below").Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        await box.Run(path).Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        await holder.Ends();
    }

    [Fact]
    public async Task A_name_is_locked_instead_of_the_script()
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.PutHolder("y");
        await using var holder = await box.Holds("--lock=backup", "./x");
        await box.Run("--lock=backup", "./y").Fails(ExitStatus.AlreadyRunning, $"./x is already running (pid {holder.Pid})", "backup");
        await box.Run("./x").Succeeds("started\nended\n");
        await box.Run("--lock=other", "./y").Succeeds("started\nended\n");
        await holder.Ends();
        await box.Run("--lock=backup", "./y").Succeeds("started\nended\n");
    }

    [Fact]
    public async Task The_status_of_a_conflict_can_be_chosen()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        await box.Run("--lock", "-E", "0", "./x").Expect(0, "", $"run: ./x is already running (pid {holder.Pid})\n");
        (await box.Run("-E", "200", "./x").Result()).Failed(200, "already running");
    }

    [Fact]
    public async Task A_killed_holder_leaves_nothing()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        holder.Signal(Libc.SIGKILL);
        await holder.Exit();
        await box.Run("--lock", "./x").Succeeds("started\nended\n");
    }

    [Fact]
    public async Task What_the_script_leaves_in_the_background_does_not_keep_the_lock()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\nsleep 1000 </dev/null >/dev/null 2>&1 &\necho $!\n");
        var left = int.Parse((await box.Run("--lock", "./x").Result()).Stdout, CultureInfo.InvariantCulture);
        var again = await box.Run("--lock", "./x").Result();
        Assert.True(Libc.IsAlive(left));
        Assert.Equal(0, again.Status);
    }

    [Fact]
    public async Task A_run_of_the_same_script_inside_it_fails_and_does_not_release_the_lock()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\nrun --lock ./x; echo $?\nrun ./x; echo $?\necho started; read -r _; echo ended\n");
        await using var holder = await box.Holds("--lock", "./x");
        Assert.Equal("75\n75\nstarted\n", holder.OutputSoFar);
        Assert.Contains($"./x is already running (pid {holder.Pid})", holder.ErrorsSoFar, StringComparison.Ordinal);
        await box.Run("--lock", "./x").Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        holder.CloseInput();
        Assert.Equal(0, (await holder.Exit()).Status);
    }

    [Fact]
    public async Task A_script_that_becomes_another_run_of_itself_keeps_the_lock_throughout()
    {
        using var box = new Sandbox();
        box.Put("x", """
            #!/bin/sh
            echo "start $1" >>marks
            [ "$1" = other ] && exit
            [ "$1" -lt 20 ] && exec run $2 ./x $(($1 + 1)) $2
            echo started; read -r _; echo end >>marks
            """);
        await using var holder = box.Run("--lock", "./x", "1", "--lock").InputStaysOpen().Start();
        await Eventually.True(() => File.Exists(box.Work + "/marks"), "it has begun");
        await using var waiting = box.Run("--wait", "./x", "other").Start();
        await waiting.Errors("waiting");
        await holder.Output("started");

        // It has become a plain run of itself, and still holds the lock exclusively.
        Assert.False(waiting.HasExited);
        holder.CloseInput();
        Assert.Equal(0, (await holder.Exit()).Status);
        Assert.Equal(0, (await waiting.Exit()).Status);
        var expected = string.Concat(Enumerable.Range(1, 20).Select(static n => $"start {n}\n")) + "end\nstart other\n";
        Assert.Equal(expected, File.ReadAllText(box.Work + "/marks"));
    }

    [Fact]
    public async Task An_exclusive_script_that_becomes_a_plain_run_of_itself_stays_alone()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\n[ $# = 0 ] && exec run ./x again\necho started; read -r _; echo ended\n");
        await using var holder = await box.Holds("--lock", "./x");
        await box.Run("./x").Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        Assert.Equal($"{holder.Pid} exclusive ./x\n", await box.Ps());
        await holder.Ends();
    }

    [Fact]
    public async Task Removing_the_cache_breaks_no_lock()
    {
        await using var world = await World.Serving(("/x", "#!/bin/sh\necho started; read -r _; echo ended\n"));
        await using var holder = await world.Holds("--lock", "x");
        await world.Run("--quiet", "--clean", "--yes").Succeeds("");
        await world.Run("--lock", "x").Fails(ExitStatus.AlreadyRunning, $"x is already running (pid {holder.Pid})");
        await world.Sh("rm -rf \"$XDG_CACHE_HOME\"").Succeeds("");
        await world.Run("--lock", "x").Fails(ExitStatus.AlreadyRunning, $"x is already running (pid {holder.Pid})");
        await holder.Ends();
    }

    [Fact]
    public async Task A_source_can_ask_for_the_lock_and_the_digest_is_no_part_of_it()
    {
        await using var world = await World.Serving();
        const string script = "#!/bin/sh\necho started; read -r _; echo ended\n";
        world.Server["/x"] = script;
        world.Sources(world.Server, "ops:", $"  url: {world.Server.Url}/%s", "  lock: exclusive");
        await using var holder = await world.Holds("ops:x");
        await world.Run("ops:x").Fails(ExitStatus.AlreadyRunning, $"ops:x is already running (pid {holder.Pid})");
        await world.Run($"x#sha256={DigestOf(script)}").Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        await holder.Ends();
    }

    [Theory]
    [InlineData(1024, 100)]
    [InlineData(101, 100)]
    [InlineData(100, 99)]
    [InlineData(40, 39)]
    public async Task The_descriptor_is_out_of_the_scripts_way(int limit, int expected)
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\nfor f in /proc/$$/fd/*; do case $(readlink $f) in */locks/*) basename $f;; esac; done\n");
        await box.Run("--lock", "./x").Limit("nofile", limit).Succeeds($"{expected}\n");
    }

    [Fact]
    public async Task Before_Linux_5_11_it_uses_another_kind_of_lock()
    {
        // setarch(8) makes uname(2) report an old version, and run tells kernels apart by nothing else.
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\nrun --lock ./x; echo $?; echo started; read -r _; echo ended\n");
        await using var holder = await box.Holds(box.Run("--lock", "./x").Through("setarch", "--uname-2.6"));
        Assert.Equal("75\nstarted\n", holder.OutputSoFar);
        Assert.Contains("OFDLCK", File.ReadAllText("/proc/locks"), StringComparison.Ordinal);
        await box.Run("--lock", "./x").Through("setarch", "--uname-2.6").Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        await box.Run("--lock", "./x").Fails(ExitStatus.AlreadyRunning, "already running");
        await box.Run("--stop", "./x").Through("setarch", "--uname-2.6").Succeeds("");
        Assert.Equal(128 + Libc.SIGTERM, (await holder.Exit()).Status);
    }
}
