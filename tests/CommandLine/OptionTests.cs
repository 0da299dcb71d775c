namespace Run.Tests.CommandLine;

/// <summary>How options are written, and which go together.</summary>
public sealed class OptionTests
{
    private const string Digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("--interpreter", "sh -x")]
    [InlineData("--interpreter=sh -x")]
    [InlineData("-i", "sh -x")]
    [InlineData("-i=sh -x")]
    [InlineData("-ish -x")]
    [InlineData("-qi", "sh -x")]
    public async Task A_value_follows_or_stands_behind_an_equals_sign(params string[] options)
    {
        using var box = new Sandbox();
        box.Put("x", "echo ran\n");
        await box.Run([.. options, "./x"]).Expect(0, "ran\n", "+ echo ran\n");
    }

    [Theory]
    [InlineData("--config", "my.conf", "-n")]
    [InlineData("--config=my.conf", "-n")]
    [InlineData("-n", "--sha256", Digest)]
    [InlineData("-n", "--sha256=" + Digest)]
    [InlineData("-n", "--conflict-exit-code", "0")]
    [InlineData("-n", "--conflict-exit-code=255")]
    [InlineData("-n", "-E", "1")]
    [InlineData("-nE1")]
    [InlineData("-n", "--lock")]
    [InlineData("-n", "--lock=NAME")]
    [InlineData("-n", "-l")]
    [InlineData("-n", "--wait")]
    [InlineData("-n", "--wait=1.5")]
    [InlineData("-n", "-w")]
    [InlineData("-nlw")]
    [InlineData("-n", "-u")]
    [InlineData("-nuq")]
    [InlineData("-n", "--lock", "--lock")]
    public async Task Every_way_to_write_an_option_leaves_SCRIPT_where_it_is(params string[] options)
    {
        using var box = new Sandbox();
        box.Put("my.conf", "sources:\n  default: https://raw.githubusercontent.com/runscripts/scripts/{ref}/%s\n");
        var result = await box.Run([.. options, "x", "-a"]).Result();
        Assert.Equal("", result.Stderr);
        Assert.StartsWith("url     https://raw.githubusercontent.com/runscripts/scripts/HEAD/x\n", result.Stdout, StringComparison.Ordinal);
        Assert.EndsWith("argv    x -a\n", result.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_an_option_that_is_given_twice_the_last_one_counts()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        await box.Run("-i", "false", "--interpreter=sh", "./x").Succeeds("ran\n");
    }

    [Theory]
    [InlineData("--updat", "--update")]
    [InlineData("--upd", "--update")]
    [InlineData("--dryrun", "--dry-run")]
    [InlineData("--veiw", "--view")]
    [InlineData("--interpeter=sh", "--interpreter")]
    [InlineData("-update", "--update")]
    [InlineData("--lsit", "--list")]
    [InlineData("--help-me", "--help")]
    public async Task Nothing_is_abbreviated_and_the_nearest_option_is_named(string option, string nearest)
    {
        using var box = new Sandbox();
        await box.Run(option, "./x").Fails(ExitStatus.Usage, $"unknown option {option.Split('=')[0]}", $"did you mean {nearest}?");
    }

    [Theory]
    [InlineData("-x")]
    [InlineData("--something-else")]
    [InlineData("---")]
    [InlineData("-é")]
    [InlineData("-ux")]
    public async Task An_unknown_option_near_to_none(string option)
    {
        using var box = new Sandbox();
        await box.Run(option, "./x").Fails(ExitStatus.Usage, "unknown option", "--help");
    }

    [Theory]
    [InlineData("-i needs a value", "-i")]
    [InlineData("-i needs a value", "-i", "-v", "./x")]
    [InlineData("-i needs a value", "-i", "", "./x")]
    [InlineData("--interpreter needs a value", "--interpreter")]
    [InlineData("--interpreter needs a value", "--interpreter=", "./x")]
    [InlineData("names no command", "--interpreter= ", "./x")]
    [InlineData("a quote", "-i", "sh '", "./x")]
    [InlineData("--config needs a value", "--config")]
    [InlineData("--config needs a value", "--config=", "./x")]
    [InlineData("--sha256 needs a value", "--sha256")]
    [InlineData("SHA-256", "--sha256", "./x")]
    [InlineData("-E needs a value", "-E")]
    [InlineData("-E needs a value", "-E", "-1", "./x")]
    [InlineData("0 to 255", "-E", "256", "./x")]
    [InlineData("0 to 255", "-E", "x", "./x")]
    [InlineData("0 to 255", "-E=-1", "./x")]
    [InlineData("0 to 255", "-E", "+1", "./x")]
    [InlineData("--completion needs a value", "--completion")]
    [InlineData("--lock needs a value", "--lock=", "./x")]
    [InlineData("--wait needs a value", "--wait=", "./x")]
    [InlineData("a number of seconds", "--wait=x", "./x")]
    [InlineData("a number of seconds", "--wait=-1", "./x")]
    [InlineData("a number of seconds", "--wait=1e3", "./x")]
    [InlineData("a number of seconds", "--wait=NaN", "./x")]
    [InlineData("--update takes no value", "--update=yes", "./x")]
    [InlineData("-u takes no value", "-u=yes", "./x")]
    [InlineData("--help takes no value", "--help=run")]
    public Task A_value_that_is_missing_or_wrong_or_where_none_belongs(string told, params string[] line) => IsWrong(told, line);

    [Theory]
    [InlineData("--view and --dry-run", "-v", "-n", "./x")]
    [InlineData("--list and --clean", "--list", "--clean")]
    [InlineData("--clean and --init", "-cI")]
    [InlineData("--offline and --update", "--offline", "-u", "./x")]
    [InlineData("--json", "--json", "./x")]
    [InlineData("--json", "--json", "-v", "./x")]
    [InlineData("--yes", "-y", "./x")]
    [InlineData("--interpreter", "-i", "sh", "-v", "./x")]
    [InlineData("--lock", "-l", "-v", "./x")]
    [InlineData("--lock", "--wait", "--list")]
    [InlineData("--detach", "--detach", "-n", "./x")]
    [InlineData("--conflict-exit-code", "-E", "1", "--ps")]
    [InlineData("--wait", "--replace", "--wait", "./x")]
    [InlineData("--list takes no SCRIPT", "--list", "x")]
    [InlineData("--ps takes no SCRIPT", "--ps", "x")]
    [InlineData("--init takes no SCRIPT", "-I", "x")]
    [InlineData("no SCRIPT", "-v")]
    [InlineData("no SCRIPT", "-n")]
    [InlineData("no SCRIPT", "-u")]
    [InlineData("no SCRIPT", "--")]
    [InlineData("no SCRIPT", "--stop")]
    [InlineData("--stop takes one SCRIPT", "--stop", "./x", "./y")]
    [InlineData("-y after a SCRIPT", "-c", "x", "-y")]
    [InlineData("a local file", "-cy", "./x")]
    [InlineData("--update", "-u", "--list")]
    public Task What_does_not_go_together(string told, params string[] line) => IsWrong(told, line);

    [Fact]
    public async Task A_variable_stands_in_for_the_option()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Env("RUN_OFFLINE", "1").Fails(ExitStatus.Unavailable, "x: not cached, and offline");
        await world.Run("--offline", "x").Fails(ExitStatus.Unavailable, "x: not cached, and offline");
        Assert.Empty(world.Server.Requests);
        await world.Run("x").Env("RUN_OFFLINE", "").Succeeds("ran\n");
        await world.Run("-u", "x").Env("RUN_OFFLINE", "0").Succeeds("ran\n");
    }

    [Fact]
    public async Task Offline_a_copy_that_is_there_runs()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.SourceWith("max-age: 1s");
        await world.Run("x").Succeeds("ran\n");
        await world.Run("--offline", "x").Succeeds("ran\n");
        await world.Run("x").Env("RUN_OFFLINE", "1").Succeeds("ran\n");
        await world.Run("-u", "x").Env("RUN_OFFLINE", "1").Fails(ExitStatus.Unavailable, "x", "offline");
        Assert.Single(world.Server.Requests);
    }

    [Fact]
    public async Task RUN_CACHE_is_where_the_copies_are()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        foreach (var cache in (string[])[world.Root + "/cache", "here/cache"])
        {
            await world.Run("x").Env("RUN_CACHE", cache).Succeeds("ran\n");
            await world.Run("x").Env("RUN_CACHE", cache).Succeeds("ran\n");
            Assert.True(Directory.Exists(Path.Combine(world.Work, cache)));
        }

        Assert.False(Directory.Exists(world.Cache));
        Assert.Equal(2, world.Server.Count("/x"));
    }

    private static async Task IsWrong(string told, string[] line)
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        await box.Run(line).Fails(ExitStatus.Usage, told);
        Assert.False(Directory.Exists(box.Cache));
    }
}
