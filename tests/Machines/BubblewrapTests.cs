namespace Run.Tests.Machines;

/// <summary><c>--on</c> with bwrap, a launcher that works on the files of this machine.</summary>
[Needs("bwrap")]
public sealed class BubblewrapTests
{
    [Fact]
    public async Task The_script_sees_what_the_launcher_shows_it()
    {
        await using var world = await World.Serving(
            ("/look", "#!/bin/sh\ntouch here 2>/dev/null || echo read-only; echo \"$0\"; exit 7\n"));
        var start = await world.Exec("bwrap", "--bind", "/", "/", "true").Result();
        Assert.SkipUnless(start.Status == 0, $"bwrap cannot be started here: {start.Stderr}");
        world.Conf(File.ReadAllText(world.ConfFile) + """
            launchers:
              box: {command: bwrap --ro-bind / / --dev /dev, hands: path}
              inside: bwrap --bind / / --dev /dev

            """);
        await world.Run("--fetch", "look").Result();
        await world.Run("--on", "box", "look").Expect(7, $"read-only\n{world.CachedScript("look")}\n");
        await world.Run("--on", "inside", "look").Expect(7, $"{world.CachedScript("look")}\n");
    }

    [Fact]
    public async Task A_lock_is_held_inside_by_the_script_itself()
    {
        await using var world = await World.Serving(("/hold", "#!/bin/sh\necho started; read -r _ || :\n"));
        var start = await world.Exec("bwrap", "--bind", "/", "/", "true").Result();
        Assert.SkipUnless(start.Status == 0, $"bwrap cannot be started here: {start.Stderr}");
        world.Conf(File.ReadAllText(world.ConfFile) + "launchers:\n  inside: bwrap --bind / / --dev /dev\n");
        await using var holder = world.Run("--on", "inside", "--lock", "hold").InputStaysOpen().Start();
        await holder.Output("started");
        (await world.Run("--lock", "hold").Result()).Failed(75, "hold is already running (pid ");
        holder.CloseInput();
        (await holder.Exit()).Is(0, "started\n");
    }
}
