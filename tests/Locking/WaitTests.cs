namespace Run.Tests.Locking;

/// <summary><c>--wait</c>.</summary>
public sealed class WaitTests
{
    [Fact]
    public async Task It_speaks_only_when_it_has_to_wait()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await box.Run("--wait", "./x").Succeeds("started\nended\n");
        await using var holder = await box.Holds("./x");
        await using var waiting = box.Run("--wait", "./x").Start();
        await waiting.Errors($"run: ./x is already running (pid {holder.Pid}): waiting\n");
        Assert.Equal("", waiting.OutputSoFar);
        await holder.Ends();
        (await waiting.Exit()).Is(0, "started\nended\n", $"run: ./x is already running (pid {holder.Pid}): waiting\n");
    }

    [Fact]
    public async Task It_waits_no_longer_than_it_is_told()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        await using var patient = box.Run("--wait=60", "./x").Start();
        await patient.Errors("waiting for at most 60 s");

        // It gives up although nothing has changed, and the one that was told to wait for longer does not.
        await box.Run("--wait=0.5", "./x").Expect(75, "",
            $"run: ./x is already running (pid {holder.Pid}): waiting for at most 0.5 s\nrun: ./x is already running (pid {holder.Pid})\n");
        await box.Run("--wait=0", "./x").Expect(75, "", $"run: ./x is already running (pid {holder.Pid})\n");
        Assert.False(patient.HasExited);

        await holder.Ends();
        Assert.Equal("started\nended\n", (await patient.Exit()).Stdout);
    }

    [Theory]
    [InlineData("--wait")]
    [InlineData("--wait=1000")]
    public async Task Interrupted_it_exits_130_and_leaves_no_trace(string option)
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        var before = Directory.GetFileSystemEntries(box.Home, "*", SearchOption.AllDirectories);
        await using var waiting = box.Run(option, "./x").Start();
        await waiting.Errors("waiting");
        waiting.Signal(Libc.SIGINT);
        var result = await waiting.Exit();
        Assert.Equal((130, ""), (result.Status, result.Stdout));
        Assert.Equal(before, Directory.GetFileSystemEntries(box.Home, "*", SearchOption.AllDirectories));
        Assert.Equal($"{holder.Pid} exclusive ./x\n", await box.Ps());
        await holder.Ends();
    }

    [Fact]
    public async Task The_script_finds_nothing_of_the_waiting()
    {
        using var box = new Sandbox();
        box.PutHolder();
        File.CreateSymbolicLink(box.Work + "/tell", Suite.Tell);
        var direct = await box.Exec("./tell").WithAlarm(1000).Ignoring(Libc.SIGHUP).Result();
        await using var holder = await box.Holds("--lock=name", "./x");
        await using var waiting = box.Run("--wait=1000", "--lock=name", "./tell").WithAlarm(1000).Ignoring(Libc.SIGHUP).Start();
        await waiting.Errors("waiting");
        await holder.Ends();
        var told = (await waiting.Exit()).Stdout.Split('\n');
        Assert.Contains(told, static line => line.StartsWith("timer 0: set", StringComparison.Ordinal));
        Assert.Equal(direct.Stdout.Split('\n'), told.Where(static line => !line.Contains("/locks/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Where_to_wait_would_be_for_ever_it_does_not()
    {
        // x, which holds its lock, becomes a run that waits for y, and y one that waits for x.
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho started; read -r _; exec run --wait=20 ./y\n");
        box.Put("y", "#!/bin/sh\necho started; read -r _; exec run --wait=20 ./x\n");
        await using var x = await box.Holds("--lock", "./x");
        await using var y = await box.Holds("--lock", "./y");
        x.CloseInput();
        await x.Errors("waiting");
        y.CloseInput();
        var result = await y.Exit();
        Assert.Equal(75, result.Status);
        Assert.Contains("deadlock", result.Stderr, StringComparison.Ordinal);
        Assert.True(result.Time.TotalSeconds < 15, "the kernel tells at once");
        await x.Output("started\nstarted\n");
    }
}
