using Run.Tests.Caching;

namespace Run.Tests.Locking;

/// <summary>
/// A run that has a lock keeps it. A process loses its record locks on a file as soon as it closes any descriptor of that file, so it must
/// never open its own lock file a second time.
/// </summary>
public sealed class OwnLockTests
{
    private const string Holder = "echo started; read -r _; echo ended\n";

    /// <summary>An update that removes old versions looks at who runs the script, and so at the script's lock file.</summary>
    [Theory]
    [InlineData("--lock")]
    [InlineData("--lock=name")]
    public async Task An_update_does_not_lose_it_although_the_descriptor_is_below_100(string option)
    {
        await using var world = await WithOldVersions();
        await using var holder = await world.Holds(world.Run(option, "-u", "x").Limit("nofile", 60));
        await world.Run(option, "x").Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        await holder.Ends();
    }

    [Theory]
    [Needs("strace")]
    [InlineData("fcntl", 4)]
    [InlineData("statx", 3)]
    [InlineData("openat", 2)]
    public async Task An_update_does_not_lose_it_although_a_call_fails(string call, int first)
    {
        // The calls on the lock file that open and lock it succeed; all later ones fail.
        await using var world = await WithOldVersions();
        var file = Assert.Single(Directory.GetFiles(world.Locks));
        await using var holder = await world.Holds(world.Run("--lock", "-u", "x").Traced(
            out _, "-P", file, "-e", $"trace={call}", "-e", $"inject={call}:error=EIO:when={first}+"));
        await world.Run("--lock", "x").Fails(ExitStatus.AlreadyRunning, "x is already running");
        holder.CloseInput();
        (await holder.Exit()).Is(0, "started\nended\n");
    }

    [Theory]
    [InlineData(60)]
    [InlineData(100)]
    [InlineData(1000)]
    public async Task A_script_that_becomes_another_run_of_itself_does_not_let_go_whatever_the_limit(int limit)
    {
        using var box = new Sandbox();
        box.Put("x", """
            #!/bin/sh
            echo "start $1" >>marks
            [ "$1" = other ] && exit
            [ "$1" -lt 20 ] && exec run $2 ./x $(($1 + 1)) $2
            echo started; read -r _; echo end >>marks
            """);
        await using var holder = box.Run("--lock", "./x", "1", "--lock").Limit("nofile", limit).InputStaysOpen().Start();
        await Eventually.True(() => File.Exists(box.Work + "/marks"), "it has begun");
        await using var waiting = box.Run("--wait", "./x", "other").Start();
        await waiting.Errors("waiting");
        await holder.Output("started");
        Assert.False(waiting.HasExited);
        holder.CloseInput();
        Assert.Equal(0, (await holder.Exit()).Status);
        Assert.Equal(0, (await waiting.Exit()).Status);
        var expected = string.Concat(Enumerable.Range(1, 20).Select(static n => $"start {n}\n")) + "end\nstart other\n";
        Assert.Equal(expected, File.ReadAllText(box.Work + "/marks"));
    }

    /// <summary>A world with three versions of a script, so that another update has one to remove.</summary>
    private static async Task<World<ScriptServer>> WithOldVersions()
    {
        var world = await World.Serving();
        for (var version = 1; version <= 3; version++)
        {
            world.Server["/x"] = Versions.Script(version, lines: 1);
            await world.Run("-u", "x").Succeeds($"whole {version} {version}\n");
        }

        world.Server["/x"] = "#!/bin/sh\n" + Holder;
        return world;
    }
}
