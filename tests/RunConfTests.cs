using Run.Tests.Infra;

namespace Run.Tests;

/// <summary>run.conf: where it is looked for, both of its forms, and what is said of mistakes.</summary>
public sealed class RunConfTests
{
    /// <summary>The file that the original shipped.</summary>
    private const string Original = """
        [sources]
        default: https://raw.githubusercontent.com/runscripts/scripts/master/%s
        bitbucket: https://bitbucket.org/%s/%s/raw/master/%s
        gitcafe: https://gitcafe.com/%s/%s/blob/master/%s
        github: https://raw.githubusercontent.com/%s/%s/master/%s
        https: https:%s
        http: http:%s

        """;

    [Theory]
    [InlineData("x", "https://raw.githubusercontent.com/runscripts/scripts/master/x")]
    [InlineData("gitcafe:a/b/c/d", "https://gitcafe.com/a/b/blob/master/c/d")]
    [InlineData("bitbucket:a/b/c", "https://bitbucket.org/a/b/raw/master/c")]
    [InlineData("https://h.example/x", "https://h.example/x")]
    public async Task The_original_file_is_read_unchanged(string script, string url)
    {
        using var box = new Sandbox();
        box.Conf(Original);
        Assert.Equal(url, (await DryRun.Of(box, script)).Url);
    }

    [Fact]
    public async Task The_users_source_replaces_the_one_that_is_built_in_and_leaves_the_others()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  github: https://mine.example/%s\n");
        Assert.Equal("https://mine.example/x", (await DryRun.Of(box, "github:x")).Url);
        Assert.Equal("https://gitlab.com/a/b/-/raw/HEAD/c", (await DryRun.Of(box, "gitlab:a/b/c")).Url);
    }

    [RootFact]
    public async Task The_machines_file_is_read_before_the_users()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  b: https://user.example/%s\n");
        var etc = box.Put("etc.conf", "sources:\n  a: https://machine.example/%s\n  b: https://machine.example/%s\n", executable: false);
        var mount = $"touch /etc/run.conf; mount --bind {etc} /etc/run.conf";
        // The file has to be there to be covered; on a machine without one, /etc is covered by a copy.
        var setup = File.Exists("/etc/run.conf") ? $"mount --bind {etc} /etc/run.conf" : $"mkdir -p {box.Root}/etc; cp -a /etc/. {box.Root}/etc; mount --bind {box.Root}/etc /etc; {mount}";
        Assert.Equal("https://machine.example/x", DryRun.Of(await box.Run("-n", "--json", "a:x").InMountNamespace(setup).Result()).Url);
        Assert.Equal("https://user.example/x", DryRun.Of(await box.Run("-n", "--json", "b:x").InMountNamespace(setup).Result()).Url);
        var chosen = box.Put("chosen.conf", "sources:\n  c: https://chosen.example/%s\n", executable: false);
        await box.Run("-n", "--config", chosen, "a:x").InMountNamespace(setup).Fails(ExitStatus.Usage, "a");
    }

    [Fact]
    public async Task Config_and_its_variable_replace_the_files_and_the_option_wins()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  a: https://user.example/%s\n");
        var one = box.Put("one.conf", "sources:\n  default: https://one.example/%s\n", executable: false);
        var two = box.Put("two.conf", "sources:\n  default: https://two.example/%s\n", executable: false);
        Assert.Equal("https://one.example/x", (await DryRun.Of(box, "--config", one, "x")).Url);
        Assert.Equal("https://one.example/x", (await DryRun.Of(box, "--config=one.conf", "x")).Url);
        Assert.Equal("https://two.example/x", DryRun.Of(await box.Run("-n", "--json", "x").Env("RUN_CONFIG", two).Result()).Url);
        Assert.Equal("https://one.example/x", DryRun.Of(await box.Run("-n", "--json", "--config", one, "x").Env("RUN_CONFIG", two).Result()).Url);
        await box.Run("-n", "--config", one, "a:x").Fails(ExitStatus.Usage, "a");
        await box.Run("-n", "--config", "missing.conf", "x").Fails(ExitStatus.Configuration, "missing.conf");
        await box.Run("-n", "x").Env("RUN_CONFIG", "missing.conf").Fails(ExitStatus.Configuration, "missing.conf");
    }

    [Fact]
    public async Task Without_the_XDG_variable_it_is_below_home()
    {
        using var box = new Sandbox();
        box.Put(box.Home + "/.config/run/run.conf", "sources:\n  default: https://home.example/%s\n", executable: false);
        Assert.Equal("https://home.example/x", DryRun.Of(await box.Run("-n", "--json", "x").Env("XDG_CONFIG_HOME", null).Result()).Url);
        // The base directory specification: a relative path is no path.
        Assert.Equal("https://home.example/x", DryRun.Of(await box.Run("-n", "--json", "x").Env("XDG_CONFIG_HOME", "").Result()).Url);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing but a comment\n")]
    [InlineData("---\n")]
    [InlineData("sources: {}\n")]
    [InlineData("sources:\n")]
    [InlineData("sources:\ninterpreters:\n")]
    [InlineData("\ufeffsources:\n  x: https://h.example/%s\n")]
    [InlineData("sources:\r\n  x: https://h.example/%s\r\n")]
    [InlineData("[sources]\n# a comment\n; another\n\nx = https://h.example/%s\n")]
    public async Task A_file_that_says_little_is_no_mistake(string text)
    {
        using var box = new Sandbox();
        box.Conf(text);
        Assert.Equal("https://raw.githubusercontent.com/runscripts/scripts/HEAD/y", (await DryRun.Of(box, "y")).Url);
    }

    [Theory]
    [InlineData("sources:\n\tdefault: https://h/%s\n", "2:1", "tab")]
    [InlineData("sources:\n  a: https://h/%s\n  a: https://i/%s\n", "3:3", "a")]
    [InlineData("sources:\n  a: https://h/%s\nsources:\n  b: https://h/%s\n", "3:1", "sources")]
    [InlineData("sorces:\n  a: https://h/%s\n", "1:1", "sorces", "sources")]
    [InlineData("sources:\n  a:\n    url: https://h/%s\n    mirors: [https://i/%s]\n", "4:5", "mirors", "mirrors")]
    [InlineData("sources:\n  a: {url: https://h/%s, rev: x}\n", "2:26", "rev", "ref")]
    [InlineData("sources:\n  a:\n    url: https://h/%s\n    url: https://h/%s\n", "4:5", "url")]
    [InlineData("sources: [a, b]\n", "1:10")]
    [InlineData("sources: text\n", "1:10")]
    [InlineData("- a\n- b\n", "1:1")]
    [InlineData("text\n", "1:1")]
    [InlineData("sources:\n  a: [https://h/%s]\n", "2:6")]
    [InlineData("sources:\n  a:\n    ref: main\n", "2:3", "url")]
    [InlineData("sources:\n  a: https://h/x\n", "2:6", "%s")]
    [InlineData("sources:\n  a: h/%s\n", "2:6")]
    [InlineData("sources:\n  a b: https://h/%s\n", "2:3")]
    [InlineData("sources:\n  a: {url: https://h/%s, max-age: soon}\n", "2:35", "soon")]
    [InlineData("sources:\n  a: {url: https://h/%s, max-age: -1d}\n", "2:35", "-1d")]
    [InlineData("sources:\n  a: {url: https://h/%s, trust: never}\n", "2:33", "never")]
    [InlineData("sources:\n  a: {url: https://h/%s, trust: pined}\n", "2:33", "pined", "pinned")]
    [InlineData("sources:\n  a: {url: https://h/%s, lock: always}\n", "2:32", "always")]
    [InlineData("sources:\n  a: {url: https://h/%s, plain-http: yes}\n", "2:38", "yes")]
    [InlineData("sources:\n  a: {url: https://h/%s, headers: [x]}\n", "2:35")]
    [InlineData("sources:\n  a: \"https://h/%s\n", "2:6")]
    [InlineData("interpreters:\n  py: python3\n", "2:3", "py")]
    [InlineData("interpreters:\n  .py: [python3]\n", "2:8")]
    [InlineData("[sources]\ndefault: https://h/%s\nnonsense\n", "3:1")]
    [InlineData("[sources]\na: https://h/%s\na: https://h/%s\n", "3:1", "a")]
    [InlineData("[source]\na: https://h/%s\n", "1:1", "sources")]
    public async Task A_mistake_is_reported_with_its_place(string text, string place, params string[] words)
    {
        using var box = new Sandbox();
        box.Conf(text);
        var result = await box.Run("x").Result();
        result.Failed((int)ExitStatus.Configuration);
        result.Check(result.Stderr.StartsWith($"run: {box.ConfFile}:{place}: ", StringComparison.Ordinal), $"the place {place}");
        Assert.All(words, word => result.Check(result.Stderr.Contains(word, StringComparison.Ordinal), word));
        Assert.Empty(box.CachedFiles());
    }

    [Theory]
    [InlineData("sources: *unknown\n")]
    [InlineData("sources:\n  a: {url: https://h/%s\n")]
    [InlineData("a: b: c\n")]
    [InlineData("sources:\n   a: https://h/%s\n  b: https://h/%s\n")]
    [InlineData("\udcff\udcfe\n")]
    [InlineData("sources:\n  ? {a: b}\n  : https://h/%s\n")]
    [InlineData("---\nsources: {}\n---\nsources: {}\n")]
    [InlineData("%YAML 9.9\n---\n")]
    [InlineData("!!binary x\n")]
    public async Task What_is_not_YAML_is_reported_with_a_place_and_without_a_stack_trace(string text)
    {
        using var box = new Sandbox();
        box.Conf(text);
        var result = await box.Run("x").Result();
        result.Failed((int)ExitStatus.Configuration);
        Assert.Matches($@"^run: {System.Text.RegularExpressions.Regex.Escape(box.ConfFile)}:\d+:\d+: ", result.Stderr);
    }

    [Fact]
    public async Task A_directory_in_its_place_is_a_mistake()
    {
        using var box = new Sandbox();
        Directory.CreateDirectory(box.ConfFile);
        await box.Run("x").Fails(ExitStatus.Configuration, box.ConfFile, "directory");
    }

    [RootFact]
    public async Task A_file_that_cannot_be_read_is_a_mistake()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n");
        File.SetUnixFileMode(box.ConfFile, UnixFileMode.None);
        box.GiveTo(65534);
        await box.Run("x").As(65534).Fails(ExitStatus.Configuration, box.ConfFile);
    }

    [Fact]
    public async Task It_may_come_through_a_pipe_that_is_slow()
    {
        using var box = new Sandbox();
        var line = "run -n --json --config <(sleep 0.1; echo sources:; sleep 0.1; echo '  default: https://pipe.example/%s') x";
        Assert.Equal("https://pipe.example/x", DryRun.Of(await box.Exec("bash", "-c", line).Result()).Url);
    }

    [Fact]
    public async Task Interpreters_are_for_scripts_without_a_first_line_that_names_one()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        File.AppendAllText(box.ConfFile, "interpreters:\n  .say: echo said by\n  .sh: echo the wrong\n");
        server["/x.say"] = "whatever\n";
        server["/x.sh"] = "#!/bin/sh\necho the first line wins\n";
        server["/x.other"] = "echo sh\n";
        var said = await box.Run("x.say", "a").Result();
        said.Is(0, $"said by {box.CachedScript("x.say")} a\n");
        await box.Run("x.sh").Succeeds("the first line wins\n");
        await box.Run("x.other").Succeeds("sh\n");
    }
}
