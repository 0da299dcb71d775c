namespace Run.Tests.Configuration;

/// <summary>Which run.conf counts, source by source.</summary>
public sealed class PrecedenceTests
{
    private const string BuiltIn = "https://raw.githubusercontent.com/runscripts/scripts/HEAD/x";

    [Fact]
    public async Task Without_any_file_what_is_built_in()
    {
        using var box = new Sandbox();
        Assert.Equal(BuiltIn, (await WouldRun.Of(box, "x")).Url);
    }

    [Fact]
    public async Task The_users_file_comes_before_what_is_built_in_source_by_source()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  default: https://user/%s\n");
        Assert.Equal("https://user/x", (await WouldRun.Of(box, "x")).Url);
        Assert.Equal("https://gitlab.com/o/r/-/raw/HEAD/x", (await WouldRun.Of(box, "gitlab:o/r/x")).Url);
    }

    [Fact]
    public async Task Without_XDG_CONFIG_HOME_the_users_file_is_in_the_home()
    {
        using var box = new Sandbox();
        box.Put(box.Home + "/.config/run/run.conf", "sources:\n  default: https://home/%s\n");
        box.Put(box.Home + "/xdg/run/run.conf", "sources:\n  default: https://xdg/%s\n");
        foreach (var (xdg, host) in ((string?, string)[])[(null, "home"), ("", "home"), ("relative", "home"), (box.Home + "/xdg", "xdg")])
        {
            await box.Run("-n", "x").Env("XDG_CONFIG_HOME", xdg).Succeeds(Shows($"https://{host}/x"));
        }
    }

    [RootFact]
    public async Task The_systems_file_comes_between_the_two()
    {
        using var box = new Sandbox();
        box.Put(box.Root + "/etc/run.conf", "sources:\n  default: https://system/%s\n  gitlab: https://system/gl/%s\n");
        box.Conf("sources:\n  default: https://user/%s\n");
        foreach (var (script, url) in ((string, string)[])
            [("x", "https://user/x"), ("gitlab:x", "https://system/gl/x"), ("codeberg:o/r/x", "https://codeberg.org/o/r/raw/HEAD/x")])
        {
            await box.Run("-n", script).InMountNamespace($"mount --bind {box.Root}/etc /etc").Succeeds(Shows(url));
        }
    }

    [RootFact]
    public async Task A_file_that_is_named_replaces_both()
    {
        using var box = new Sandbox();
        box.Put(box.Root + "/etc/run.conf", "sources:\n  gitlab: https://system/gl/%s\n");
        box.Conf("a mistake");
        var named = box.Put("named.conf", "sources:\n  default: https://named/%s\n");
        var etc = $"mount --bind {box.Root}/etc /etc";
        await box.Run("--config", named, "-n", "x").InMountNamespace(etc).Succeeds(Shows("https://named/x"));
        await box.Run("-n", "gitlab:o/r/x").Env("RUN_CONFIG", named).InMountNamespace(etc)
            .Succeeds(Shows("https://gitlab.com/o/r/-/raw/HEAD/x"));
    }

    [Fact]
    public async Task The_option_comes_before_the_variable()
    {
        using var box = new Sandbox();
        box.Put("one.conf", "sources:\n  default: https://one/%s\n");
        box.Put("two.conf", "sources:\n  default: https://two/%s\n");
        await box.Run("-n", "--config=two.conf", "x").Env("RUN_CONFIG", "one.conf").Succeeds(Shows("https://two/x"));
        await box.Run("-n", "x").Env("RUN_CONFIG", "one.conf").Succeeds(Shows("https://one/x"));
        await box.Run("-n", "x").Env("RUN_CONFIG", "").Succeeds(Shows(BuiltIn));
    }

    [Fact]
    public async Task What_runs_is_the_copy_of_the_URL_that_the_file_says_now()
    {
        await using var world = await World.Serving(("/one/x", Saying("one")), ("/two/x", Saying("two")));
        foreach (var name in (string[])["one", "two", "one", "two"])
        {
            world.Sources($"{world.Server.Url}/{name}");
            await world.Run("x").Succeeds(name + "\n");
            await world.Run("x").Succeeds(name + "\n");
        }

        Assert.Equal(2, world.Server.Requests.Length);
    }

    private static string Shows(string url) => $"url     {url}\npath    not cached\nargv    x\n";
}
