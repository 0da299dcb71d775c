namespace Run.Tests.BadInput;

/// <summary>Directories that cannot be written. A plain run needs none of them if the script is already there.</summary>
public sealed class CannotWriteTests
{
    [Fact]
    public async Task A_cache_that_is_a_file()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var cache = world.Put("cache", "a file");
        world.Put("y", Saying("ran"));
        await world.Run("x").Env("RUN_CACHE", cache).Fails(ExitStatus.CannotWrite, cache);
        await world.Run("x").Env("RUN_CACHE", cache + "/below").Fails(ExitStatus.CannotWrite, cache);
        await world.Run("x").Env("RUN_CACHE", "/proc/run").Fails(ExitStatus.CannotWrite, "/proc/run");
        await world.Run("./y").Env("RUN_CACHE", cache).Succeeds("ran\n");
        Assert.Equal("a file", File.ReadAllText(cache));
    }

    [Fact]
    public async Task Without_a_place_for_locks_a_plain_run_goes_on_with_a_note()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        foreach (var state in (string[])[box.Put("state", "a file"), "/proc"])
        {
            var run = await box.Run("./x").Env("XDG_STATE_HOME", state).Result();
            Assert.Equal((0, "ran\n"), (run.Status, run.Stdout));
            Assert.Matches($"^run: {state}/.*\n {{5}}.*without a lock.*\n$", run.Stderr);
            await box.Run("-q", "./x").Env("XDG_STATE_HOME", state).Succeeds("ran\n");
            await box.Run("--lock", "./x").Env("XDG_STATE_HOME", state).Fails(ExitStatus.CannotWrite, state);
            await box.Run("--wait", "./x").Env("XDG_STATE_HOME", state).Fails(ExitStatus.CannotWrite, state);
        }
    }

    [RootFact]
    public async Task A_home_that_is_read_only()
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/new", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        var readOnly = $"mount --bind {world.Home} {world.Home}; mount -o remount,bind,ro {world.Home}";
        await world.Run("x").InMountNamespace(readOnly).Succeeds("ran\n");
        await world.Run("x").InMountNamespace(readOnly).Succeeds("ran\n");
        await world.Run("-q", "new").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite, world.Cache, "read-only");
        await world.Run("-q", "-u", "x").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite, world.Cache, "read-only");
        await world.Run("--clean", "--yes").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite, world.Cache);
        await world.Run("x").Succeeds("ran\n");
    }

    [RootFact]
    public async Task A_cache_and_locks_that_belong_to_somebody_else()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        Libc.ChangeOwner(world.Cache, 65534);
        await world.Run("x").Fails(ExitStatus.Refused, world.Cache);
        await world.Run("--clean", "--yes").Fails(ExitStatus.Refused, world.Cache);
        Libc.ChangeOwner(world.Cache, 0);
        Libc.ChangeOwner(world.Locks, 65534);
        await world.Run("x").Fails(ExitStatus.Refused, world.Locks);
        Libc.ChangeOwner(world.Locks, 0);
        await world.Run("x").Succeeds("ran\n");
    }

    [Fact]
    public async Task A_cache_that_others_can_write()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Umask("000").Succeeds("ran\n");
        await world.Run("x").Succeeds("ran\n");
        var script = new FileInfo(world.CachedScript("x"));
        foreach (var path in (string[])[world.Cache, script.Directory!.Parent!.FullName, script.Directory.FullName, script.FullName])
        {
            var mode = File.GetUnixFileMode(path);
            File.SetUnixFileMode(path, mode | UnixFileMode.OtherWrite);
            await world.Run("x").Fails(ExitStatus.Refused, path, "chmod go-w");
            File.SetUnixFileMode(path, mode | UnixFileMode.GroupWrite);
            await world.Run("x").Fails(ExitStatus.Refused, path);
            File.SetUnixFileMode(path, mode);
            await world.Run("x").Succeeds("ran\n");
        }
    }
}
