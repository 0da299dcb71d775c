namespace Run.Tests.CommandLine;

/// <summary><c>--list</c> with something to look for, and on terminals that are narrow; <c>--logs</c>.</summary>
public sealed class ListTests
{
    [Fact]
    public async Task A_word_selects_among_the_cached_scripts()
    {
        await using var world = await World.Serving(("/tools/a", Saying("a")), ("/b", Saying("b")));
        world.Sources(world.Server, $"ops: {world.Server.Url}/%s");

        // A copy has the name that fetched it, and several at a time are fetched in no order.
        await world.Run("--fetch", "tools/a").Succeeds("");
        await world.Run("--fetch", "b", "ops:b?c", "ops:tools/a").Result();
        async Task<string> Listed(string pattern) => string.Join(' ', (await world.Run("--list", pattern).Result()).Stdout
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(' ')[0]));
        Assert.Equal("tools/a", await Listed("tool"));
        Assert.Equal("tools/a", await Listed("t*/?"));
        Assert.Equal("b", await Listed("b"));
        Assert.Equal("b tools/a", await Listed(world.Server.Url));
        Assert.Equal("", await Listed("nothing"));
        await world.Run("--list", "a", "b").Fails(ExitStatus.Usage, "--list takes one");
    }

    [Fact]
    public async Task A_bare_name_is_one_of_the_source_default()
    {
        await using var world = await World.Serving(("/a", Saying("a")), ("/b", Saying("b")), ("/c", Saying("c")));
        world.Sources(world.Server, $"ops: {world.Server.Url}/%s");
        foreach (var script in (string[])["a", "default:b", "ops:c"])
        {
            await world.Run("--fetch", script).Succeeds("");
        }

        foreach (var (pattern, names) in ((string, string)[])
            [("default:", "a default:b"), ("default:a", "a"), ("d*t:?", "a default:b"), ("ops:", "ops:c")])
        {
            var listed = (await world.Run("--quiet", "--list", pattern).Result()).Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(names, string.Join(' ', listed.Select(static line => line.Split(' ')[0])));
        }
    }

    [Theory]
    [InlineData(80)]
    [InlineData(60)]
    public async Task It_fits_the_terminal(int columns)
    {
        var name = new string('d', 60) + "/script.sh";
        await using var world = await World.Serving(("/" + name, Saying("a")));
        await world.Run("--fetch", name).Succeeds("");
        var shown = await world.Sh($"stty cols {columns}; run --list").OnTerminal().Result();
        Assert.All(shown.Stdout.Split("\r\n"), line => Assert.InRange(line.Length, 0, columns));
        Assert.Contains("…", shown.Stdout, StringComparison.Ordinal);
        Assert.Contains(name, (await world.Run("--list").Result()).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_cut_to_fit_is_not_cut_within_a_character()
    {
        // Each of these is two units of UTF-16, and one of two widths falls between the two.
        var name = string.Concat(Enumerable.Repeat("\U0001F600", 60));
        await using var world = await World.Serving(("/" + Uri.EscapeDataString(name), Saying("a")));
        await world.Run("--fetch", name).Succeeds("");
        foreach (var columns in (int[])[60, 61])
        {
            var shown = (await world.Sh($"stty cols {columns}; run --list").OnTerminal().Result()).Stdout;
            Assert.Contains("\U0001F600…", shown, StringComparison.Ordinal);
            Assert.DoesNotContain('\ufffd', shown);
        }
    }

    [Fact]
    public async Task Logs_shows_what_a_detached_run_has_said()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho \"said $1\"\n");
        await box.Run("--logs", "./x").Fails(ExitStatus.NotFound, "./x: no log", "run --detach ./x");
        await box.Run("-q", "--detach", "./x", "one").Result();
        await Eventually.True(() => Log(box).Contains("one", StringComparison.Ordinal), "it has ended");
        await box.Run("--logs", "./x").Succeeds("said one\n");
        box.Put("pager", "#!/bin/sh\necho paged; cat\n");
        (await box.Run("--logs", "./x").Env("PAGER", "./pager").OnTerminal().Result()).Is(0, "paged\r\nsaid one\r\n");
        File.Delete(box.Work + "/x");
        await box.Run("--logs", "./x").Succeeds("said one\n");
    }

    [Fact]
    public async Task A_log_that_has_grown_large_is_turned_over()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho \"said $1\"\n");
        await box.Run("-q", "--detach", "./x", "one").Result();
        var log = Directory.GetFiles(box.StateHome + "/run/logs").Single();
        await Eventually.True(() => File.ReadAllText(log).Length > 0, "it has ended");
        TestFile.Append(log, new string('x', 11 << 20));
        await box.Run("-q", "--detach", "./x", "two").Result();
        await Eventually.True(() => File.ReadAllText(log) == "said two\n", "a new log has begun");
        Assert.StartsWith("said one\n", File.ReadAllText(log + ".1"), StringComparison.Ordinal);
    }

    private static string Log(Sandbox box) =>
        string.Concat(Directory.GetFiles(box.StateHome + "/run/logs").Select(File.ReadAllText));
}
