using System.Text.Json;

namespace Run.Tests.CommandLine;

/// <summary>What run prints on standard output when asked to, and its messages.</summary>
public sealed class OutputTests
{
    [Fact]
    public async Task The_help_fits_a_small_terminal()
    {
        using var box = new Sandbox();
        var help = await box.Run("--help").Result();
        help.Check(help is { Status: 0, Stderr: "" }, "the help");
        var lines = help.Stdout.Split('\n');
        Assert.InRange(lines.Length, 20, 41);
        Assert.All(lines, static line => Assert.InRange(line.Length, 0, 80));
        await box.Run("-h").Succeeds(help.Stdout);
        await box.Run().Succeeds(help.Stdout);
        await box.Run("-h", "--list", "x").Succeeds(help.Stdout);
    }

    [Fact]
    public async Task The_version_is_one_line()
    {
        using var box = new Sandbox();
        var version = await box.Run("-V").Result();
        Assert.Matches(@"^run \d+\.\d+\.\d+\n$", version.Stdout);
        await box.Run("--version").Succeeds(version.Stdout);
    }

    [Fact]
    public async Task The_help_needs_no_configuration_and_no_home()
    {
        using var box = new Sandbox();
        box.Conf("a mistake");
        Assert.Equal(0, (await box.Run("-h").Result()).Status);
        Assert.Equal(0, (await box.Run("-V").Env("HOME", null).Result()).Status);
    }

    [Fact]
    public async Task View_prints_the_bytes_as_they_are_and_runs_nothing()
    {
        await using var world = await World.Serving();
        const string Odd = "#!/bin/sh\r\ntouch ran\n\udcff\0\udc80 no line feed at the end";
        world.Server["/x"] = Odd;
        world.Put("y", Odd, executable: false);
        await world.Run("-v", "x").Succeeds(Odd);
        await world.Run("-v", "./y").Succeeds(Odd);
        Assert.Equal(1, world.Server.Count("/x"));
        Assert.False(File.Exists(world.Work + "/ran"));
    }

    [Fact]
    public async Task View_with_update_prints_what_the_server_has_now()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("-v", "x").Succeeds(Saying("ran"));
        world.Server["/x"] = Saying("newer");
        await world.Run("-v", "x").Succeeds(Saying("ran"));
        await world.Run("-uv", "x").Succeeds(Saying("newer"));
        await world.Run("x").Succeeds("newer\n");
    }

    [Fact]
    public async Task View_of_a_large_script_into_a_pipe_that_closes_ends_as_cat_does()
    {
        using var box = new Sandbox();
        box.Put("big", "#!/bin/sh\n" + new string('x', 3 << 20));
        foreach (var cat in (string[])["cat big", "run -v ./big"])
        {
            await box.Exec("bash", "-c", $"{cat} | head -c 3; exit ${{PIPESTATUS[0]}}").Expect(128 + Libc.SIGPIPE, "#!/");
        }

        await box.Exec("bash", "-c", "run -v ./big | cmp - big").Succeeds("");
        await box.Exec("bash", "-c", "run -v ./big | head -c 3; exit ${PIPESTATUS[0]}").Ignoring(Libc.SIGPIPE)
            .Expect((int)ExitStatus.CannotWrite, "#!/", "run: standard output: broken pipe\n");
    }

    [Fact]
    public async Task View_of_what_is_not_there()
    {
        await using var world = await World.Serving();
        await world.Run("-v", "x").Fails(ExitStatus.NotFound, "x", "404");
        await world.Run("-v", "./x").Fails(ExitStatus.NotFound, "./x");
        await world.Run("-v", world.Work).Fails(ExitStatus.CannotStart, world.Work);
    }

    [Fact]
    public async Task A_dry_run_says_what_would_be_run_and_fetches_nothing()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("-n", "x", "a b", "-n").Succeeds($"url     {world.Server.Url}/x\npath    not cached\nargv    x 'a b' -n\n");
        var before = await WouldRun.Of(world, "x", "a b");
        Assert.Equal(("x", $"{world.Server.Url}/x", null, null), (before.Script, before.Url, before.Path, before.Sha256));
        Assert.Equal(["x", "a b"], before.Argv);
        Assert.Empty(world.Server.Requests);
        Assert.False(Directory.Exists(world.Cache));

        await world.Run("x").Succeeds("ran\n");
        var path = world.CachedScript("x");
        var digest = DigestOf(Saying("ran"));
        await world.Run("-n", "x", "it's")
            .Succeeds($"url     {world.Server.Url}/x\npath    {path}\nsha256  {digest}\nargv    {path} 'it'\\''s'\n");
        var after = await WouldRun.Of(world, "-i", "sh -x", "x", "a");
        Assert.Equal((path, digest), (after.Path, after.Sha256));
        Assert.Equal(["sh", "-x", path, "a"], after.Argv);
        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Fact]
    public async Task A_dry_run_of_a_local_file_names_it_and_its_interpreter()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        box.Put("y", "#!/usr/bin/awk -f\r\n");
        await box.Run("--dry-run", "./x", "a").Succeeds("path    ./x\nargv    ./x a\n");
        var plan = await WouldRun.Of(box, "./y");
        Assert.Equal(("./y", null, "./y", null), (plan.Script, plan.Url, plan.Path, plan.Sha256));
        Assert.Equal(["/usr/bin/awk", "-f", "./y"], plan.Argv);

        // The kernel does not execute it, so run starts its interpreter.
        box.Put("z", Saying("ran"), executable: false);
        await box.Run("-n", "./z", "a").Succeeds("path    ./z\nargv    /bin/sh ./z a\n");
        await box.Run("./z").Succeeds("ran\n");
        await box.Run("-n", "./missing").Fails(ExitStatus.NotFound, "./missing");
    }

    [Fact]
    public async Task The_list_of_cached_scripts()
    {
        await using var world = await World.Serving(("/b", Saying("ran")), ("/a", "#!/bin/sh\n# " + new string('x', 2000) + "\n"));
        await world.Run("--list").Succeeds("");
        await world.Run("--list", "--json").Succeeds("[]\n");
        var began = DateTime.UtcNow.AddSeconds(-1);
        await world.Run("b").Succeeds("ran\n");
        await world.Run("a").Succeeds("");

        var digest = DigestOf(Saying("ran"));
        var lines = (await world.Run("--list").Result()).Stdout.Split('\n');
        Assert.Matches($@"^a  2013  \d+s  [0-9a-f]{{64}}  {world.Server.Url}/a$", lines[0]);
        Assert.Matches($@"^b  19    \d+s  {digest}  {world.Server.Url}/b$", lines[1]);

        using var json = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout);
        var b = json.RootElement[1];
        string[] keys = ["script", "url", "path", "sha256", "size", "fetched", "signer"];
        Assert.Equal(keys, b.EnumerateObject().Select(static field => field.Name));
        Assert.Equal(("b", $"{world.Server.Url}/b", world.CachedScript("b"), digest, 19), (
            b.GetProperty("script").GetString(), b.GetProperty("url").GetString(), b.GetProperty("path").GetString(),
            b.GetProperty("sha256").GetString(), b.GetProperty("size").GetInt32()));
        Assert.InRange(b.GetProperty("fetched").GetDateTime().ToUniversalTime(), began, DateTime.UtcNow);
    }

    [Fact]
    public async Task Notes_are_said_on_standard_error_and_not_under_quiet()
    {
        await using var world = await World.Serving();
        await world.Run("-cy", "x").Expect(0, "", "run: x: not cached\n");
        await world.Run("-qcy", "x").Succeeds("");
    }

    [Fact]
    public async Task Errors_are_said_even_under_quiet()
    {
        using var box = new Sandbox();
        await box.Run("-q", "./x").Fails(ExitStatus.NotFound, "./x");
    }

    [Fact]
    public async Task Verbose_says_each_step_on_standard_error()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var result = await world.Run("--verbose", "x").Result();
        Assert.Equal("ran\n", result.Stdout);
        Assert.Contains($"{world.Server.Url}/x", result.Stderr, StringComparison.Ordinal);
        Assert.Contains(world.CachedScript("x"), result.Stderr, StringComparison.Ordinal);
        Assert.All(result.Stderr.TrimEnd('\n').Split('\n'), static line => Assert.StartsWith("run: ", line, StringComparison.Ordinal));
        Assert.Contains($"run: read {world.ConfFile}\n", result.Stderr, StringComparison.Ordinal);
        Assert.Contains("run: no run.pins here or above\n", result.Stderr, StringComparison.Ordinal);
        await world.Run("x").Succeeds("ran\n");

        await world.Run("--pin", "x").Result();
        result = await world.Run("--verbose", "x").In(Directory.CreateDirectory(world.Work + "/below").FullName).Result();
        Assert.Contains("run: read ../run.pins\n", result.Stderr, StringComparison.Ordinal);
        world.Put("local", Saying("ran"));
        result = await world.Run("--verbose", "./local").Env("HOME", null).Env("XDG_CACHE_HOME", null).Env("XDG_STATE_HOME", null).Result();
        Assert.Contains($"run: HOME is not set: the cache is {world.Temporary}/", result.Stderr, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("xterm", null, true)]
    [InlineData("xterm", "1", false)]
    [InlineData("xterm", "", true)]
    [InlineData("dumb", null, false)]
    public async Task Colour_is_for_terminals_that_want_it(string terminal, string? noColour, bool coloured)
    {
        using var box = new Sandbox();
        var result = await box.Run("./x").Env("TERM", terminal).Env("NO_COLOR", noColour).OnTerminal().Result();
        Assert.Equal(coloured, result.Stdout.Contains('\e', StringComparison.Ordinal));
        Assert.Contains("./x: no such file", result.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_reaches_the_terminal_without_control_characters()
    {
        using var box = new Sandbox();
        await box.Run("./\e]0;title\a\n\u009b").Expect(127, "", "run: ./\\x1b]0;title\\x07\\x0a\\x9b: no such file\n");
        await box.Run("./\udcff").Expect(127, "", "run: ./\\xff: no such file\n");
    }
}
