using static Run.Tests.Trees.Packed;

namespace Run.Tests.Pinning;

/// <summary><c>trust: ask</c>: the copy that was accepted stays until a change of it is accepted, whoever looks or fetches.</summary>
public sealed class AcceptedCopyTests
{
    private const string Question = "run it? [y/N] ";

    [Theory]
    [InlineData("one")]
    [InlineData("tree")]
    public async Task To_look_at_a_change_does_not_replace_what_was_accepted(string kind)
    {
        await using var world = await Accepted(kind, "max-age: 0s");
        Serve(world, "two");
        var shown = (await world.Run("--view", "asks:bin/other").Result()).Stdout;
        Assert.Equal(Saying("two"), shown);
        Assert.Equal(shown, (await world.Run("--view", "-u", "asks:bin/other").Result()).Stdout);
        await world.Run("--offline", "asks:bin/other").Succeeds("one\n");
        await world.Run("--view", "--offline", "asks:bin/other").Succeeds(Saying("one"));
    }

    [Theory]
    [InlineData("one", "-u")]
    [InlineData("one", "-q")]
    [InlineData("tree", "-u")]
    [InlineData("tree", "-q")]
    public async Task Nor_does_a_fetch_which_says_so(string kind, string option)
    {
        await using var world = await Accepted(kind, "max-age: 0s");
        await world.Run("--fetch", option, "asks:bin/other").Succeeds("");
        Serve(world, "two");
        await world.Run("--fetch", option, "asks:bin/other")
            .Fails(ExitStatus.Refused, "asks:bin/other", "not accepted", "run -u asks:bin/other");
        await world.Run("--offline", "asks:bin/other").Succeeds("one\n");

        // On a terminal it is a change, which is shown as one.
        await using (var child = world.Run("-u", "asks:bin/other").Env("PAGER", "cat").OnTerminal().Start())
        {
            await child.Output("has changed");
            await child.Output("+echo two");
            await child.Output(Question);
            await child.Type("y\n");
            Assert.EndsWith("two\r\n", (await child.Exit()).Stdout, StringComparison.Ordinal);
        }

        await world.Run("--fetch", option, "asks:bin/other").Succeeds("");
        await world.Run("--offline", "asks:bin/other").Succeeds("two\n");
    }

    [Fact]
    public async Task By_a_digest_it_is_only_looked_at_too()
    {
        await using var world = await Accepted("one");
        Serve(world, "two");
        await world.Run("--view", "--sha256", DigestOf(Saying("two")), "asks:bin/other").Succeeds(Saying("two"));
        await world.Run("--offline", "asks:bin/other").Succeeds("one\n");
    }

    [Fact]
    public async Task What_nobody_has_accepted_is_fetched_and_fetched_again()
    {
        await using var world = await World.Serving();
        Serve(world, "one");
        world.Conf(Source(world, "one"));
        await world.Run("--fetch", "asks:bin/other").Succeeds("");
        Serve(world, "two");
        await world.Run("--fetch", "-u", "asks:bin/other").Succeeds("");
        await world.Run("--offline", "--view", "asks:bin/other").Succeeds(Saying("two"));
        await world.Run("asks:bin/other").Fails(ExitStatus.Refused, "not accepted");
    }

    [Fact]
    public async Task With_the_server_away_the_old_copy_is_shown_with_a_note()
    {
        await using var world = await Accepted("one", "max-age: 0s");
        world.Server.Status("/bin/other", 404);
        await world.Run("--view", "asks:bin/other").Fails(ExitStatus.NotFound, "404");
        await world.Server.DisposeAsync();
        var result = await world.Run("--view", "asks:bin/other").Result();
        result.Check(result is { Status: 0 } && result.Stdout == Saying("one"), "the old copy");
        Assert.Matches("^run: asks:bin/other: using the copy of .*refused", result.Stderr);
        await world.Run("--view", "-u", "asks:bin/other").Fails(ExitStatus.Unavailable, "refused");
    }

    /// <summary>The script says "one", and that was accepted on a terminal.</summary>
    private static async Task<World<ScriptServer>> Accepted(string kind, params string[] keys)
    {
        var world = await World.Serving();
        Serve(world, "one");
        world.Conf(Source(world, kind, keys));
        await using var child = world.Run("asks:bin/other").OnTerminal().Start();
        await child.Output(Question);
        await child.Type("y\n");
        Assert.EndsWith("one\r\n", (await child.Exit()).Stdout, StringComparison.Ordinal);
        return world;
    }

    private static string Source(World<ScriptServer> world, string kind, params string[] keys) =>
        $"sources:\n  asks:\n    url: {world.Server.Url}/{(kind == "tree" ? "x.tgz//" : "")}%s\n    trust: ask\n"
        + string.Concat(keys.Select(static key => $"    {key}\n"));

    private static void Serve(World<ScriptServer> world, string word)
    {
        world.Server["/bin/other"] = Saying(word);
        world.Server.Archive("/x.tgz", TarGz(("bin/other", Saying(word)), ("lib/x", "x\n")));
    }
}
