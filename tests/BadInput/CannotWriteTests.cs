using Run.Reporting;
using Run.Tests.Infra;

namespace Run.Tests.BadInput;

/// <summary>Places that cannot be written: a plain run needs none of them where the script is there already.</summary>
public sealed class CannotWriteTests
{
    private const string Script = "#!/bin/sh\necho ran\n";

    [Fact]
    public async Task A_cache_that_is_a_file()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        box.Sources(server);
        var cache = box.Put("cache", "a file");
        box.Put("y", Script);
        await box.Run("x").Env("RUN_CACHE", cache).Fails(ExitStatus.CannotWrite, cache);
        await box.Run("x").Env("RUN_CACHE", cache + "/below").Fails(ExitStatus.CannotWrite, cache);
        await box.Run("x").Env("RUN_CACHE", "/proc/run").Fails(ExitStatus.CannotWrite, "/proc/run");
        await box.Run("./y").Env("RUN_CACHE", cache).Succeeds("ran\n");
        Assert.Equal("a file", File.ReadAllText(cache));
    }

    [Fact]
    public async Task Without_a_place_for_locks_a_plain_run_goes_on_with_a_note()
    {
        using var box = new Sandbox();
        box.Put("x", Script);
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
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        server["/new"] = Script;
        box.Sources(server);
        await box.Run("x").Succeeds("ran\n");
        var readOnly = $"mount --bind {box.Home} {box.Home}; mount -o remount,bind,ro {box.Home}";
        await box.Run("x").InMountNamespace(readOnly).Succeeds("ran\n");
        await box.Run("x").InMountNamespace(readOnly).Succeeds("ran\n");
        await box.Run("-q", "new").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite, box.Cache, "read-only");
        await box.Run("-q", "-u", "x").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite, box.Cache, "read-only");
        await box.Run("--clean", "--yes").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite, box.Cache);
        await box.Run("x").Succeeds("ran\n");
    }

    [RootFact]
    public async Task A_cache_and_locks_that_belong_to_somebody_else()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        box.Sources(server);
        await box.Run("x").Succeeds("ran\n");
        Libc.ChangeOwner(box.Cache, 65534);
        await box.Run("x").Fails(ExitStatus.Refused, box.Cache);
        await box.Run("--clean", "--yes").Fails(ExitStatus.Refused, box.Cache);
        Libc.ChangeOwner(box.Cache, 0);
        Libc.ChangeOwner(box.Locks, 65534);
        await box.Run("x").Fails(ExitStatus.Refused, box.Locks);
        Libc.ChangeOwner(box.Locks, 0);
        await box.Run("x").Succeeds("ran\n");
    }

    [Fact]
    public async Task A_cache_that_others_can_write()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        box.Sources(server);
        await box.Run("x").Umask("000").Succeeds("ran\n");
        await box.Run("x").Succeeds("ran\n");
        var script = new FileInfo(box.CachedScript("x"));
        foreach (var path in (string[])[box.Cache, script.Directory!.Parent!.FullName, script.Directory.FullName, script.FullName])
        {
            var mode = File.GetUnixFileMode(path);
            File.SetUnixFileMode(path, mode | UnixFileMode.OtherWrite);
            await box.Run("x").Fails(ExitStatus.Refused, path, "chmod go-w");
            File.SetUnixFileMode(path, mode | UnixFileMode.GroupWrite);
            await box.Run("x").Fails(ExitStatus.Refused, path);
            File.SetUnixFileMode(path, mode);
            await box.Run("x").Succeeds("ran\n");
        }
    }
}
