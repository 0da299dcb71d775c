using static Run.Tests.Pinning.Forge;

namespace Run.Tests.Pinning;

/// <summary>A pinned script runs from the pinned URL with the pinned bytes, or not at all.</summary>
public sealed class PinnedRunTests
{
    [Fact]
    public async Task A_cached_copy_with_the_pinned_digest_runs_whatever_the_server_has()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("-q", "--pin", "plain:x").Succeeds("");
        world.Server["/plain/x"] = Saying("two");
        world.Server.ForgetRequests();
        await world.Run("plain:x").Succeeds("one\n");
        Assert.Empty(world.Server.Requests);

        var (one, two) = (DigestOf(Saying("one")), DigestOf(Saying("two")));
        await world.Run("-u", "plain:x")
            .Fails(ExitStatus.Data, "plain:x", world.Server.Url + "/plain/x", one, two, "run --diff plain:x", "run --pin plain:x");
        await world.Run("plain:x").Succeeds("one\n");
        await world.Run("-q", "--pin", "plain:x").Succeeds("");
        await world.Run("plain:x").Succeeds("two\n");
    }

    [Fact]
    public async Task Without_a_copy_the_servers_other_bytes_are_refused_and_not_kept()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("-q", "--pin", "plain:x").Succeeds("");
        await world.Run("--clean", "--yes", "plain:x").Succeeds("");
        world.Server["/plain/x"] = Saying("two");
        await world.Run("plain:x").Fails(ExitStatus.Data, "plain:x", DigestOf(Saying("one")), DigestOf(Saying("two")));
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x");
        world.Server["/plain/x"] = Saying("one");
        await world.Run("plain:x").Succeeds("one\n");
    }

    [Fact]
    public async Task A_copy_with_other_bytes_than_the_pin_is_not_used()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("plain:x").Succeeds("one\n");
        world.Server["/plain/x"] = Saying("two");
        world.Put("run.pins", $"plain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("two")).ToUpperInvariant()}\n");
        await world.Run("plain:x").Succeeds("two\n");
    }

    [Fact]
    public async Task A_cached_copy_that_was_tampered_with_does_not_run_although_it_looks_the_same()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("-q", "--pin", "plain:x").Succeeds("");
        await world.Run("plain:x").Succeeds("one\n");
        var file = world.CachedScript("x");
        var (mode, time) = (File.GetUnixFileMode(file), File.GetLastWriteTimeUtc(file));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        TestFile.Write(file, Saying("bad"));
        File.SetLastWriteTimeUtc(file, time);
        File.SetUnixFileMode(file, mode);
        await world.Run("plain:x").Succeeds("one\n");
        world.Server.Status("/plain/x", 500);
        await world.Run("plain:x").Succeeds("one\n");
    }

    [Fact]
    public async Task The_default_source_is_the_same_with_and_without_its_name()
    {
        await using var world = await Forge.Serving(("/default/x", Saying("one")));
        await world.Run("-q", "--pin", "x").Succeeds("");
        await world.Run("--pinned", "default:x").Succeeds("one\n");
        await world.Run("-q", "--pin", "default:x").Succeeds("");
        Assert.Equal($"default:x {world.Server.Url}/default/x sha256:{DigestOf(Saying("one"))}\n", Pins(world));
    }

    [Fact]
    public async Task A_digest_that_contradicts_the_pin_runs_nothing()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("-q", "--pin", "plain:x").Succeeds("");
        var other = DigestOf("other");
        await world.Run("plain:x#sha256=" + other).Fails(ExitStatus.Data, "plain:x", DigestOf(Saying("one")), other);
        await world.Run("plain:x#sha256=" + DigestOf(Saying("one"))).Succeeds("one\n");
    }

    [Fact]
    public async Task A_mirror_may_have_the_bytes()
    {
        await using var world = await World.Serving(("/v7/x", Saying("two")));
        await using var mirror = await ScriptServer.Start();
        world.Conf($"sources:\n  default:\n    url: {world.Server.Url}/{{ref}}/%s\n    mirrors: {mirror.Url}/m/{{ref}}/%s\n");
        world.Put("run.pins", $"x {world.Server.Url}/v7/x sha256:{DigestOf(Saying("one"))}\n");
        mirror["/m/v7/x"] = Saying("one");
        await world.Run("x").Succeeds("one\n");
        mirror["/m/v7/x"] = Saying("three");
        await world.Run("-u", "x").Fails(ExitStatus.Data, "x", DigestOf(Saying("one")));
        await world.Run("x").Succeeds("one\n");
    }

    [Fact]
    public async Task The_lock_is_the_scripts_whatever_its_pin()
    {
        await using var world = await Forge.Serving();
        GitHub(world.Server, "HEAD", FirstCommit, "x", "#!/bin/sh\necho here\nexec sleep 1000\n");
        await using var holder = world.Run("--lock", "gh:o/r/x").Start();
        await holder.Output("here");
        await world.Run("-q", "--pin", "gh:o/r/x").Succeeds("");
        await world.Run("--lock", "gh:o/r/x").Fails(ExitStatus.AlreadyRunning, "gh:o/r/x");
        await world.Run("--stop", "gh:o/r/x").Succeeds("");
        await holder.Exit();
    }

    [Fact]
    public async Task What_is_not_pinned_is_refused_where_all_must_be()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        world.Put("local", Saying("local"));
        await world.Run("--pinned", "plain:x").Fails(ExitStatus.Refused, "plain:x", "run --pin plain:x");
        await world.Run("plain:x").Env("RUN_PINNED", "1").Fails(ExitStatus.Refused, "plain:x", "run --pin plain:x");
        await world.Run("strict:x").Fails(ExitStatus.Refused, "strict:x", "run --pin strict:x", "trust: pinned");
        await world.Run("--dry-run", "strict:x").Fails(ExitStatus.Refused, "strict:x");
        await world.Run("--pinned", $"{world.Server.Url}/plain/x").Fails(ExitStatus.Refused, "/plain/x");
        Assert.Empty(world.Server.Requests);

        await world.Run("plain:x").Env("RUN_PINNED", "0").Succeeds("one\n");
        await world.Run("--pinned", "plain:x#sha256=" + DigestOf(Saying("one"))).Succeeds("one\n");
        await world.Run("--sha256", DigestOf(Saying("one")), "strict:x").Succeeds("one\n");
        await world.Run("--pinned", "./local").Succeeds("local\n");
        await world.Run("--view", "strict:x").Succeeds(Saying("one"));
        await world.Run("-q", "--pin", "strict:x").Env("RUN_PINNED", "1").Succeeds("");
        await world.Run("--pinned", "strict:x").Succeeds("one\n");
    }

    [Fact]
    public async Task A_warm_run_notices_what_becomes_of_run_pins()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        var below = Directory.CreateDirectory(world.Work + "/a/b").FullName;
        async Task RunsWarm(string says)
        {
            for (var i = 0; i < 3; i++)
            {
                await world.Run("plain:x").In(below).Succeeds(says);
            }
        }

        await RunsWarm("one\n");
        var pin = $"plain:x {world.Server.Url}/plain/x sha256:";
        world.Put("run.pins", pin + DigestOf(Saying("two")) + "\n");
        await world.Run("plain:x").In(below).Fails(ExitStatus.Data, "plain:x");
        world.Put("run.pins", pin + DigestOf(Saying("one")) + "\n");
        await RunsWarm("one\n");
        world.Put("a/run.pins", pin + DigestOf(Saying("two")) + "\n");
        await world.Run("plain:x").In(below).Fails(ExitStatus.Data, "plain:x");
        File.Delete(world.Work + "/a/run.pins");
        await RunsWarm("one\n");
        File.SetUnixFileMode(world.Work + "/run.pins", (UnixFileMode)0x1b6);
        await world.Run("plain:x").In(below).Fails(ExitStatus.Refused, "run.pins");
    }
}
