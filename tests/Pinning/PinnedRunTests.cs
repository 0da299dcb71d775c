using Run.Reporting;
using Run.Tests.Infra;
using static Run.Tests.Pinning.Forge;

namespace Run.Tests.Pinning;

/// <summary>What a pin does to a run: that URL and those bytes, or nothing.</summary>
public sealed class PinnedRunTests
{
    [Fact]
    public async Task A_cached_copy_with_the_pinned_digest_runs_whatever_the_server_has()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("one");
        await box.Run("--pin", "plain:x").Succeeds("");
        server["/plain/x"] = Saying("two");
        server.ForgetRequests();
        await box.Run("plain:x").Succeeds("one\n");
        Assert.Empty(server.Requests);

        var (one, two) = (Sha256(Saying("one")), Sha256(Saying("two")));
        await box.Run("-u", "plain:x").Fails(ExitStatus.Data, "plain:x", server.Url + "/plain/x", one, two, "run --diff plain:x", "run --pin plain:x");
        await box.Run("plain:x").Succeeds("one\n");
        await box.Run("--pin", "plain:x").Succeeds("");
        await box.Run("plain:x").Succeeds("two\n");
    }

    [Fact]
    public async Task Without_a_copy_the_servers_other_bytes_are_refused_and_not_kept()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("one");
        await box.Run("--pin", "plain:x").Succeeds("");
        await box.Run("--clean", "--yes", "plain:x").Succeeds("");
        server["/plain/x"] = Saying("two");
        await box.Run("plain:x").Fails(ExitStatus.Data, "plain:x", Sha256(Saying("one")), Sha256(Saying("two")));
        Assert.DoesNotContain(box.CachedFiles(), static path => Path.GetFileName(path) == "x");
        server["/plain/x"] = Saying("one");
        await box.Run("plain:x").Succeeds("one\n");
    }

    [Fact]
    public async Task A_copy_with_other_bytes_than_the_pin_is_none()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("one");
        await box.Run("plain:x").Succeeds("one\n");
        server["/plain/x"] = Saying("two");
        box.Put("run.pins", $"plain:x {server.Url}/plain/x sha256:{Sha256(Saying("two")).ToUpperInvariant()}\n");
        await box.Run("plain:x").Succeeds("two\n");
    }

    [Fact]
    public async Task A_cached_copy_that_was_tampered_with_does_not_run_although_it_looks_the_same()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("one");
        await box.Run("--pin", "plain:x").Succeeds("");
        await box.Run("plain:x").Succeeds("one\n");
        var file = box.CachedScript("x");
        var (mode, time) = (File.GetUnixFileMode(file), File.GetLastWriteTimeUtc(file));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(file, Saying("bad"));
        File.SetLastWriteTimeUtc(file, time);
        File.SetUnixFileMode(file, mode);
        await box.Run("plain:x").Succeeds("one\n");
        server.Status("/plain/x", 500);
        await box.Run("plain:x").Succeeds("one\n");
    }

    [Fact]
    public async Task The_default_source_is_the_same_with_and_without_its_name()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/default/x"] = Saying("one");
        await box.Run("--pin", "x").Succeeds("");
        await box.Run("--pinned", "default:x").Succeeds("one\n");
        await box.Run("--pin", "default:x").Succeeds("");
        Assert.Equal($"default:x {server.Url}/default/x sha256:{Sha256(Saying("one"))}\n", Pins(box));
    }

    [Fact]
    public async Task A_digest_that_contradicts_the_pin_runs_nothing()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("one");
        await box.Run("--pin", "plain:x").Succeeds("");
        var other = Sha256("other");
        await box.Run("plain:x#sha256=" + other).Fails(ExitStatus.Data, "plain:x", Sha256(Saying("one")), other);
        await box.Run("plain:x#sha256=" + Sha256(Saying("one"))).Succeeds("one\n");
    }

    [Fact]
    public async Task A_mirror_may_have_the_bytes()
    {
        await using var server = await ScriptServer.Start();
        await using var mirror = await ScriptServer.Start();
        using var box = new Sandbox();
        box.Conf($"sources:\n  default:\n    url: {server.Url}/{{ref}}/%s\n    mirrors: {mirror.Url}/m/{{ref}}/%s\n");
        box.Put("run.pins", $"x {server.Url}/v7/x sha256:{Sha256(Saying("one"))}\n");
        server["/v7/x"] = Saying("two");
        mirror["/m/v7/x"] = Saying("one");
        await box.Run("x").Succeeds("one\n");
        mirror["/m/v7/x"] = Saying("three");
        await box.Run("-u", "x").Fails(ExitStatus.Data, "x", Sha256(Saying("one")));
        await box.Run("x").Succeeds("one\n");
    }

    [Fact]
    public async Task The_lock_is_the_scripts_whatever_its_pin()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        GitHub(server, "HEAD", FirstCommit, "x", "#!/bin/sh\necho here\nexec sleep 1000\n");
        await using var holder = box.Run("--lock", "gh:o/r/x").Start();
        await holder.Output("here");
        await box.Run("--pin", "gh:o/r/x").Succeeds("");
        await box.Run("--lock", "gh:o/r/x").Fails(ExitStatus.AlreadyRunning, "gh:o/r/x");
        await box.Run("--stop", "gh:o/r/x").Succeeds("");
        await holder.Exit();
    }

    [Fact]
    public async Task What_is_not_pinned_is_refused_where_all_must_be()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("one");
        box.Put("local", Saying("local"));
        await box.Run("--pinned", "plain:x").Fails(ExitStatus.Refused, "plain:x", "run --pin plain:x");
        await box.Run("plain:x").Env("RUN_PINNED", "1").Fails(ExitStatus.Refused, "plain:x", "run --pin plain:x");
        await box.Run("strict:x").Fails(ExitStatus.Refused, "strict:x", "run --pin strict:x", "trust: pinned");
        await box.Run("--dry-run", "strict:x").Fails(ExitStatus.Refused, "strict:x");
        await box.Run("--pinned", $"{server.Url}/plain/x").Fails(ExitStatus.Refused, "/plain/x");
        Assert.Empty(server.Requests);

        await box.Run("plain:x").Env("RUN_PINNED", "0").Succeeds("one\n");
        await box.Run("--pinned", "plain:x#sha256=" + Sha256(Saying("one"))).Succeeds("one\n");
        await box.Run("--sha256", Sha256(Saying("one")), "strict:x").Succeeds("one\n");
        await box.Run("--pinned", "./local").Succeeds("local\n");
        await box.Run("--view", "strict:x").Succeeds(Saying("one"));
        await box.Run("--pin", "strict:x").Env("RUN_PINNED", "1").Succeeds("");
        await box.Run("--pinned", "strict:x").Succeeds("one\n");
    }

    [Fact]
    public async Task A_warm_run_notices_what_becomes_of_run_pins()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("one");
        var below = Directory.CreateDirectory(box.Work + "/a/b").FullName;
        async Task RunsWarm(string says)
        {
            for (var i = 0; i < 3; i++)
            {
                await box.Run("plain:x").In(below).Succeeds(says);
            }
        }

        await RunsWarm("one\n");
        var pin = $"plain:x {server.Url}/plain/x sha256:";
        box.Put("run.pins", pin + Sha256(Saying("two")) + "\n");
        await box.Run("plain:x").In(below).Fails(ExitStatus.Data, "plain:x");
        box.Put("run.pins", pin + Sha256(Saying("one")) + "\n");
        await RunsWarm("one\n");
        box.Put("a/run.pins", pin + Sha256(Saying("two")) + "\n");
        await box.Run("plain:x").In(below).Fails(ExitStatus.Data, "plain:x");
        File.Delete(box.Work + "/a/run.pins");
        await RunsWarm("one\n");
        File.SetUnixFileMode(box.Work + "/run.pins", (UnixFileMode)0x1b6);
        await box.Run("plain:x").In(below).Fails(ExitStatus.Refused, "run.pins");
    }
}
