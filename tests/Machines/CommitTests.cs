using Run.Tests.Pinning;

namespace Run.Tests.Machines;

/// <summary>What is handed on is named by the commit that has its bytes, if the server can tell.</summary>
public sealed class CommitTests
{
    private const string Script = "gh:o/r/x.sh";
    private const string Api = "/repos/o/r/commits/HEAD";

    [Fact]
    public async Task The_URL_is_that_of_the_commit_and_the_server_is_asked_once()
    {
        await using var world = await Serving();
        var told = Told(world, Forge.FirstCommit, Saying("one"));
        await world.Run("--on", "tell", Script, "a").Succeeds(told + "[a]");
        world.Server.ForgetRequests();
        await world.Run("--on", "tell", Script, "a").Succeeds(told + "[a]");
        await world.Run("--on", "tell", "--offline", Script).Succeeds(told.Replace("[run]", "[run][--offline]", StringComparison.Ordinal));
        Assert.Equal(world.Server.Url + $"/raw/o/r/{Forge.FirstCommit}/x.sh", (await WouldRun.Of(world, "--on", "tell", Script)).Argv[^1]);
        Assert.Empty(world.Server.Requests);

        // The next version.
        Forge.GitHub(world.Server, "HEAD", Forge.SecondCommit, "x.sh", Saying("two"));
        await world.Run("--on", "tell", Script).Succeeds(told);
        await world.Run("--on", "tell", "-u", Script).Succeeds(Told(world, Forge.SecondCommit, Saying("two")));
    }

    [Fact]
    public async Task A_copy_that_is_older_than_the_commit_keeps_its_own_URL()
    {
        await using var world = await Serving();
        await world.Run("--fetch", Script).Result();
        Forge.GitHub(world.Server, "HEAD", Forge.SecondCommit, "x.sh", Saying("two"));
        await world.Run("--on", "tell", Script).Expect(0, Told(world, "HEAD", Saying("one")), $"""
            run: {Script}: the server has another version by now; the one that is cached here is handed on
                 run -u runs what the server has; a machine that can get only that refuses it

            """);
    }

    [Fact]
    public async Task A_server_that_does_not_tell_is_no_reason_to_fail()
    {
        await using var world = await Serving();
        world.Server.Status(Api, 403);
        var result = await world.Run("--on", "tell", Script).Result();
        result.Check(result.Stdout == Told(world, "HEAD", Saying("one")) && result.Status == 0, "the URL of the ref");
        Assert.StartsWith($"run: {Script}: handed on without its commit: ", result.Stderr, StringComparison.Ordinal);
        await world.Run("--on", "tell", "-q", Script).Succeeds(
            Told(world, "HEAD", Saying("one")).Replace("[run]", "[run][--quiet]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_commit_and_a_pin_are_taken_as_they_are()
    {
        await using var world = await Serving();
        var told = Told(world, Forge.FirstCommit, Saying("one"));
        await world.Run("--on", "tell", $"{Script}@{Forge.FirstCommit}").Succeeds(told);
        await world.Run("--pin", Script).Result();
        world.Server.ForgetRequests();
        Forge.GitHub(world.Server, "HEAD", Forge.SecondCommit, "x.sh", Saying("two"));
        await world.Run("--on", "tell", "--pinned", Script).Succeeds(told);
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task All_versions_of_a_script_share_the_lock_that_is_handed_on()
    {
        await using var world = await Serving();
        var (named, rest) = ($"{world.Server.Url}/raw/o/r/HEAD/x.sh", Told(world, Forge.FirstCommit, Saying("one"))["[run]".Length..]);
        await world.Run("--on", "tell", "--lock", Script).Succeeds($"[run][--lock={named}]{rest}");
        await world.Run("--on", "tell", "--wait=5", Script).Succeeds($"[run][--lock={named}][--wait=5]{rest}");
        await world.Run("--on", "tell", "--lock=mine", Script).Succeeds($"[run][--lock=mine]{rest}");
        await world.Run("--on", "tell", "--lock=/dev/sda:", Script).Succeeds($"[run][--lock=/dev/sda:]{rest}");
        await world.Run("--on", "tell", Script).Succeeds($"[run]{rest}");
    }

    private static string Told(World<ScriptServer> world, string reference, string text) =>
        $"[run][--sha256][{DigestOf(text)}][{world.Server.Url}/raw/o/r/{reference}/x.sh]";

    private static async Task<World<ScriptServer>> Serving()
    {
        var world = await Forge.Serving();
        Forge.GitHub(world.Server, "HEAD", Forge.FirstCommit, "x.sh", Saying("one"));
        var tell = world.Put("tell", "#!/bin/sh\nprintf '[%s]' \"$@\"\n");
        world.Conf(File.ReadAllText(world.ConfFile) + $"launchers: {{tell: {tell}}}\n");
        return world;
    }
}
