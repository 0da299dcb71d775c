using System.Globalization;
using System.Text.Json;
using static Run.Tests.Pinning.Forge;

namespace Run.Tests.Pinning;

/// <summary>Verbs that work on several scripts, or on all pins: <c>--fetch</c>, <c>--pin</c>, <c>--outdated</c>, <c>--diff</c>.</summary>
public sealed class SeveralTests
{
    [Fact]
    public async Task Fetch_gets_all_and_runs_nothing_and_each_failure_is_a_line()
    {
        await using var world = await World.Serving(("/a", Saying("a")), ("/b", Saying("b")));
        world.Server.Status("/refused", 403);
        var result = await world.Run("--fetch", "missing", "a", "refused", "./local", "b").Result();
        Assert.Equal((127, ""), (result.Status, result.Stdout));
        string[] failures = ["/missing: not found (404)", "/refused: the server answered 403", "./local: local files are not fetched"];
        var lines = result.Stderr.Split('\n').Where(static line => line.StartsWith("run: ", StringComparison.Ordinal));
        Assert.All(lines.Zip(failures), static pair => Assert.Contains(pair.Second, pair.First, StringComparison.Ordinal));
        Assert.Equal(failures.Length, lines.Count());

        // What is there is not asked for again, but with -u it is.
        await world.Run("--fetch", "a", "b").Succeeds("");
        Assert.Equal(1, world.Server.Count("/a"));
        await world.Run("--fetch", "-u", "a", "b").Succeeds("");
        Assert.Equal(2, world.Server.Count("/a"));
        await world.Run("--offline", "a").Succeeds("a\n");
        await world.Run("--offline", "--fetch", "a", "other").Fails(ExitStatus.Unavailable, "other: not cached");
    }

    [Fact]
    public async Task Fetch_without_SCRIPT_gets_what_is_pinned()
    {
        await using var world = await World.Serving(("/a", Saying("a")), ("/b", Saying("b")), ("/c", Saying("c")));
        await world.Run("--fetch").Fails(ExitStatus.Usage, "no SCRIPT given", "run.pins");
        await world.Run("-q", "--pin", "a", "b").Succeeds("");
        await world.Run("--clean", "--yes").Succeeds("");
        using var list = JsonDocument.Parse((await world.Run("--fetch", "--json").Result()).Stdout);
        Assert.Equal(["a", "b"], list.RootElement.EnumerateArray().Select(static one => one.GetProperty("script").GetString()));
        Assert.All(list.RootElement.EnumerateArray(), static one => Assert.Null(one.GetProperty("error").GetString()));
        await world.Run("--offline", "b").Succeeds("b\n");

        // Only the pinned bytes count.
        world.Server["/a"] = Saying("changed");
        await world.Run("--clean", "--yes").Succeeds("");
        var changed = await world.Run("--fetch", "--json").Result();
        Assert.Equal(65, changed.Status);
        using var failed = JsonDocument.Parse(changed.Stdout);
        Assert.Contains("does not match the pin", failed.RootElement[0].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Null(failed.RootElement[0].GetProperty("sha256").GetString());
        await world.Run("--pinned", "--fetch", "c").Fails(ExitStatus.Refused, "c: not pinned");
    }

    [Fact]
    public async Task Eight_are_fetched_at_a_time_and_a_terminal_shows_how_far_it_is()
    {
        await using var world = await World.Serving();
        var names = Enumerable.Range(0, 20).Select(static i => $"s{i}").ToArray();
        foreach (var name in names)
        {
            world.Server["/" + name] = Saying(name);
        }

        var gates = names.Select(name => world.Server.Hold("/" + name)).ToList();
        await using var child = world.Run(["--fetch", .. names]).Env("TERM", "xterm").OnTerminal().Start();
        await child.Output("fetching 0/20");
        await Eventually.True(() => world.Server.Requests.Length == 8, "eight have been asked for");
        gates[..8].ForEach(static gate => gate.Open());
        await Eventually.True(() => world.Server.Requests.Length == 16, "and then eight more");
        await child.Output("fetching 8/20");
        gates.ForEach(static gate => gate.Open());
        var result = await child.Exit();
        Assert.Equal(0, result.Status);
        Assert.EndsWith("\r\e[K", result.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupted_it_leaves_nothing_of_those_that_were_under_way()
    {
        await using var world = await World.Serving();
        string[] names = ["a", "b", "c", "d"];
        foreach (var name in names)
        {
            world.Server["/" + name] = Saying(name);
            world.Server.Hold("/" + name);
        }

        await using var child = world.Run(["--fetch", .. names]).Start();
        await Eventually.True(() => world.Server.Requests.Length == names.Length, "all are under way");
        child.Signal(Libc.SIGINT);
        Assert.Equal(130, (await child.Exit()).Status);
        Assert.Empty(Directory.GetFiles(world.Cache + "/tmp"));
    }

    [Fact]
    public async Task Pin_without_SCRIPT_moves_all_pins_and_says_what_it_wrote()
    {
        await using var world = await World.Serving(("/a", Saying("a")), ("/b", Saying("b")), ("/c", Saying("c")));
        await world.Run("--pin").Fails(ExitStatus.Usage, "no SCRIPT given");
        await world.Run("--pin", "a", "b").Expect(0, "", "run: run.pins: 2 added\n");
        await world.Run("--pin", "b", "c").Expect(0, "", "run: run.pins: 1 added, 1 unchanged\n");
        world.Server["/b"] = Saying("newer");
        var below = Directory.CreateDirectory(world.Work + "/below").FullName;
        await world.Run("--pin").In(below).Expect(0, "", "run: ../run.pins: 1 moved, 2 unchanged\n");
        await world.Run("--pinned", "b").Succeeds("newer\n");

        // One failure, and nothing is written; each failure is said.
        var before = File.ReadAllText(world.Work + "/run.pins");
        world.Server["/a"] = Saying("newer");
        world.Server.Status("/b", 404);
        world.Server.Status("/c", 403);
        var result = await world.Run("--pin").Result();
        Assert.Equal(127, result.Status);
        Assert.Matches("(?s)^run: [^\n]*/b: not found .*\nrun: [^\n]*/c: [^\n]*403", result.Stderr);
        Assert.Equal(before, File.ReadAllText(world.Work + "/run.pins"));
    }

    [Fact]
    public async Task Outdated_lists_the_pins_that_would_move_and_moves_none()
    {
        await using var world = await Forge.Serving(("/plain/a", Saying("a")), ("/plain/b", Saying("b")));
        GitHub(world.Server, "HEAD", FirstCommit, "x", Saying("one"));
        await world.Run("-q", "--pin", "plain:a", "plain:b", "gh:o/r/x").Succeeds("");
        world.Server.ForgetRequests();
        await world.Run("--outdated").Succeeds("");
        Assert.DoesNotContain(world.Server.Requests, static request => request.Path.Contains(FirstCommit, StringComparison.Ordinal));

        world.Server["/plain/b"] = Saying("newer");
        GitHub(world.Server, "HEAD", SecondCommit, "x", Saying("two"));
        string Line(string script, string from, string to) => $"{script}  {DigestOf(Saying(from))}  {DigestOf(Saying(to))}\n";
        await world.Run("--outdated").Expect(1, Line("gh:o/r/x", "one", "two") + Line("plain:b ", "b", "newer"));
        await world.Run("--outdated", "plain:a").Succeeds("");
        await world.Run("--outdated", "plain:b").Expect(1, Line("plain:b", "b", "newer"));
        using var list = JsonDocument.Parse((await world.Run("--outdated", "--json").Result()).Stdout);
        Assert.Equal(DigestOf(Saying("two")), list.RootElement[0].GetProperty("now").GetString());
        await world.Run("--outdated", "plain:c").Fails(ExitStatus.Usage, "plain:c: not pinned", "run --pin plain:c");
        await world.Run("--outdated", "--offline").Fails(ExitStatus.Usage, "--outdated", "--offline");
        await world.Run("--pinned", "plain:b").Succeeds("b\n");

        world.Server.Status("/plain/a", 404);
        var failed = await world.Run("--outdated").Result();
        Assert.Equal(127, failed.Status);
        Assert.Contains("plain:b ", failed.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Diff_takes_several_or_all_pins()
    {
        await using var world = await World.Serving(("/a", Saying("a")), ("/b", Saying("b")), ("/c", Saying("c")));
        await world.Run("--diff").Fails(ExitStatus.Usage, "no SCRIPT given");
        await world.Run("-q", "--pin", "a", "b", "c").Succeeds("");
        await world.Run("--diff").Succeeds("");
        world.Server["/a"] = Saying("newer a");
        world.Server["/c"] = Saying("newer c");
        var all = await world.Run("--diff").Result();
        Assert.Equal(1, all.Status);
        Assert.Matches("(?s)^--- .*-echo a\n\\+echo newer a\n--- .*-echo c\n\\+echo newer c\n$", all.Stdout);
        var two = await world.Run("--diff", "b", "c").Result();
        Assert.Equal((1, false), (two.Status, two.Stdout.Contains("newer a", StringComparison.Ordinal)));
        await world.Run("--diff", "b").Succeeds("");
    }

    [Fact]
    public async Task Each_failure_says_which_script_it_is_of()
    {
        await using var world = await World.Serving(("/a", Saying("a")), ("/b", Saying("b")));
        world.Sources(world.Server, "dead: http://127.0.0.1:9/%s");
        var refused = await world.Run("--fetch", "dead:a", "dead:b").Result();
        Assert.Matches("^run: dead:a: 127.0.0.1:9: .*\n(     .*\n)?run: dead:b: 127.0.0.1:9: ", refused.Stderr);
        Assert.Equal((int)ExitStatus.Unavailable, refused.Status);

        // Alone it has just been typed.
        await world.Run("--fetch", "dead:a").Fails(ExitStatus.Unavailable, "run: 127.0.0.1:9: ");
    }

    [Fact]
    [Needs("strace")]
    public async Task A_script_that_cannot_be_saved_is_named()
    {
        await using var world = await World.Serving(("/a", Saying("a")), ("/b", Saying("b")));
        var full = await world.Run("--fetch", "a", "b")
            .Traced(out _, "-e", "trace=ftruncate", "-e", "inject=ftruncate:error=ENOSPC").Result();
        Assert.Equal(73, full.Status);
        string Line(string name) => $"run: {world.Server.Url}/{name}: cannot be saved: no space left on device\n";
        Assert.Equal(Line("a") + Line("b"), full.Stderr);
    }

    /// <summary>One answer may be that for several scripts, and its URL is not theirs.</summary>
    [Fact]
    public async Task A_ref_that_there_is_not_is_said_of_each_script()
    {
        await using var world = await Forge.Serving();
        var url = world.Server.Url;
        var missing = await world.Run("--pin", "gh:o/r/x@nope", "gh:o/r/y@nope").Result();
        Assert.Equal(127, missing.Status);
        foreach (var script in (string[])["gh:o/r/x@nope", "gh:o/r/y@nope"])
        {
            Assert.Contains(
                $"run: {script}: {url}/repos/o/r/commits/nope: not found (404)\n     check the name and its ref, nope\n", missing.Stderr,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing is pinned yet\n")]
    public async Task Pin_without_SCRIPT_says_if_there_are_no_pins(string text)
    {
        using var box = new Sandbox();
        box.Put("run.pins", text, executable: false);
        await box.Run("--pin").Expect(0, "", "run: run.pins: no pins\n     run --pin SCRIPT adds one\n");
        Assert.Equal(text, File.ReadAllText(box.Work + "/run.pins"));
    }

    [Fact]
    public async Task Three_hundred_pins_behind_a_slow_server_take_seconds()
    {
        const int Count = 300;
        await using var world = await World.Serving();
        var pins = new List<string>();
        for (var i = 0; i < Count; i++)
        {
            var (name, text) = (i.ToString("000", CultureInfo.InvariantCulture), Saying($"{i}"));
            world.Server.Map("/" + name, async context =>
            {
                await Task.Delay(100, TestContext.Current.CancellationToken);
                await ScriptServer.Send(context, text);
            });
            pins.Add($"{name} {world.Server.Url}/{name} sha256:{DigestOf(text)}\n");
        }

        world.Put("run.pins", string.Concat(pins), executable: false);
        var outdated = (await world.Run("--outdated").Result()).Is(0, "");
        var pinned = (await world.Run("--pin").Result()).Is(0, "", "run: run.pins: 300 unchanged\n");
        Assert.All([outdated, pinned], static result => Assert.InRange(result.Time.TotalSeconds, 0, 6));
        Assert.Equal(2 * Count, world.Server.Requests.Length);
    }
}
