namespace Run.Tests.Configuration;

/// <summary>Mistakes in run.conf: the message has the file, line and column, and the nearest valid word.</summary>
public sealed class MistakeTests
{
    private const string Url = "sources:\n  a:\n    url: https://h/%s\n";

    [Theory]
    [InlineData("sources:\n\ta: https://h/%s\n", "2:1", "tab")]
    [InlineData("sources:\n  a: https://h/%s\n\tb: https://h/%s\n", "3:1", "tab")]
    [InlineData("sources:\n  a: https://h/%s\n  a: https://h/%s\n", "3:3", "a is defined twice")]
    [InlineData("sources:\n  a: https://h/%s\nsources:\n  b: https://h/%s\n", "3:1", "sources is defined twice")]
    [InlineData(Url + "    url: https://h/%s\n", "4:5", "url is defined twice")]
    [InlineData(Url + "    headers: {X: a, x: b}\n", "4:21", "x is defined twice")]
    [InlineData("interpreters:\n  .py: a\n  .py: b\n", "3:3", ".py is defined twice")]
    [InlineData("sourcs:\n  a: https://h/%s\n", "1:1", "unknown key sourcs", "did you mean sources?")]
    [InlineData(Url + "    mirors: https://h/%s\n", "4:5", "unknown key mirors", "did you mean mirrors?")]
    [InlineData(Url + "    max_age: 1d\n", "4:5", "unknown key max_age", "did you mean max-age?")]
    [InlineData(Url + "    colour: red\n", "4:5", "unknown key colour", "url, mirrors, ref")]
    [InlineData("a: https://h/%s\n", "1:1", "unknown key a", "sources, locks, launchers, interpreters")]
    [InlineData("just text\n", "1:1", "expected a mapping")]
    [InlineData("- a\n", "1:1", "expected a mapping")]
    [InlineData("sources: x\n", "1:10", "expected a mapping")]
    [InlineData("sources:\n  - a\n", "2:3", "expected a mapping")]
    [InlineData("sources:\n  a: [https://h/%s]\n", "2:6", "expected a mapping")]
    [InlineData("sources:\n  a: *b\n", "2:6", "aliases are not supported", "*b")]
    [InlineData("sources:\n  a: {url: &u https://h/%s}\n  b:\n    url: *u\n", "4:10", "aliases are not supported", "*u")]
    [InlineData(Url + "    mirrors: *m\n", "4:14", "aliases are not supported", "*m")]
    [InlineData(Url + "    <<: *m\n", "4:5", "aliases are not supported", "<<")]
    [InlineData("interpreters: [x]\n", "1:15", "expected a mapping")]
    [InlineData("interpreters:\n  .py: [python3]\n", "2:8", "a single value")]
    [InlineData("interpreters:\n  .py:\n", "2:7", "no command")]
    [InlineData("interpreters:\n  .js: node\n  .py: python3 'a\n", "3:8", "unclosed quote")]
    [InlineData("interpreters:\n  py: python3\n", "2:3", "'py'", ".py")]
    [InlineData("launcher:\n  a: ssh a\n", "1:1", "unknown key launcher", "did you mean launchers?")]
    [InlineData("launchers:\n  a: ssh a\n  a: ssh b\n", "3:3", "a is defined twice")]
    [InlineData("launchers: x\n", "1:12", "expected a mapping")]
    [InlineData("launchers:\n  a:\n", "2:3", "a has no command")]
    [InlineData("launchers:\n  a: ''\n", "2:6", "expected a mapping")]
    [InlineData("launchers:\n  a: [ssh, b]\n", "2:6", "expected a mapping")]
    [InlineData("launchers:\n  a: {quoting: shell}\n", "2:3", "a has no command", "ssh web1")]
    [InlineData("launchers:\n  a: {command: ' '}\n", "2:16", "a has no command")]
    [InlineData("launchers:\n  a: {command: ssh 'b}\n", "2:16", "command: ssh 'b: unclosed quote")]
    [InlineData("launchers:\n  a: {command: \"a\\nb\"}\n", "2:16", "control character")]
    [InlineData("launchers:\n  a: {comand: ssh b}\n", "2:7", "unknown key comand", "did you mean command?")]
    [InlineData("launchers:\n  a: {command: x, quoting: shel}\n", "2:28", "'shel'", "did you mean shell?")]
    [InlineData("launchers:\n  a: {command: x, hands: file}\n", "2:26", "'file'", "run, path")]
    [InlineData("launchers:\n  a b: x\n", "2:3", "'a b'")]
    [InlineData("launchers:\n  -a: x\n", "2:3", "'-a'")]
    [InlineData("launchers:\n  a: timeout 9 ssh b\n", "2:6", "a needs quoting:", "shell if", "none if")]
    [InlineData("sources:\n  a: https://h/x\n", "2:6", "no %s")]
    [InlineData("sources:\n  a:\n", "2:5", "no %s")]
    [InlineData("sources:\n  a: ftp://h/%s\n", "2:6", "http")]
    [InlineData("sources:\n  a: https://h/{rev}/%s\n", "2:6", "{ref}")]
    [InlineData("sources:\n  a: https://h/../%s\n", "2:6", "'..'")]
    [InlineData("sources:\n  a: https:///%s\n", "2:6", "URL")]
    [InlineData("sources:\n  a: https://h/%s#x\n", "2:6", "fragment", "%23")]
    [InlineData("sources:\n  a: {url: 'https://h/x#%s'}\n", "2:12", "fragment", "%23")]
    [InlineData("sources:\n  -a: https://h/%s\n", "2:3", "'-a'")]
    [InlineData("sources:\n  a b: https://h/%s\n", "2:3", "'a b'")]
    [InlineData("sources:\n  a:\n    ref: main\n", "2:3", "a has no url")]
    [InlineData(Url + "    max-age: 1w\n", "4:14", "'1w'", "12h")]
    [InlineData(Url + "    max-age: d\n", "4:14", "'d'")]
    [InlineData(Url + "    max-age: -1d\n", "4:14", "'-1d'")]
    [InlineData(Url + "    max-age: 1.5h\n", "4:14", "'1.5h'")]
    [InlineData(Url + "    max-age: 99999999999999999999s\n", "4:14", "is not an age")]
    [InlineData(Url + "    max-age: [1d]\n", "4:14", "a single value")]
    [InlineData(Url + "    lock: exclusiv\n", "4:11", "'exclusiv'", "did you mean exclusive?")]
    [InlineData(Url + "    trust: maybe\n", "4:12", "'maybe'", "always, ask, pinned")]
    [InlineData(Url + "    plain-http: yes\n", "4:17", "'yes'", "allow")]
    [InlineData(Url + "    signers: ops.signers\n", "4:14", "signers", "~/")]
    [InlineData(Url + "    signers: ~/\n", "4:14", "signers", "~/")]
    [InlineData(Url + "    signers: [/a]\n", "4:14", "a single value")]
    [InlineData(Url + "    signers: \"/a\\tb\"\n", "4:14", "control")]
    [InlineData(Url + "    signer: /a\n", "4:5", "unknown key signer", "did you mean signers?")]
    [InlineData("sources:\n  a:\n    url: /srv/%s\n    signers: /a\n", "4:5", "signers", "directory")]
    [InlineData(Url + "    ref: ..\n", "4:10", "ref")]
    [InlineData(Url + "    ref: {a: b}\n", "4:10", "a single value")]
    [InlineData(Url + "    headers: [x]\n", "4:14", "expected a mapping")]
    [InlineData(Url + "    headers: {\"a b\": c}\n", "4:15", "'a b'")]
    [InlineData(Url + "    headers: {a: \"b\\nc\"}\n", "4:15", "'a'")]
    [InlineData(Url + "    headers: {X: a, Host: b}\n", "4:21", "Host cannot be sent", "host of the URL")]
    [InlineData(Url + "    headers: {content-length: 0}\n", "4:15", "content-length cannot be sent", "body")]
    [InlineData(Url + "    headers:\n      Content-Type: text/plain\n", "5:7", "Content-Type cannot be sent", "body")]
    [InlineData(Url + "    headers: {Transfer-Encoding: chunked}\n", "4:15", "Transfer-Encoding cannot be sent", "connection")]
    [InlineData(Url + "    mirrors: {x: y}\n", "4:14", "a list")]
    [InlineData(Url + "    mirrors: [https://h/x]\n", "4:15", "no %s")]
    [InlineData("sources:\n  a: \"https://h/%s\n", "2:6", "not YAML")]
    [InlineData("sources: {a: https://h/%s\n", "2:1", "not YAML")]
    [InlineData("a: b: c\n", "1:5", "not YAML")]
    [InlineData("sources:\n  a: https://h/%s\n b: c\n", "3:2", "not YAML")]
    [InlineData("sources:\n  a: https://h/%s\n---\nsources:\n", "3:1", "second document")]
    [InlineData("<html>\n", "1:1", "expected a mapping")]
    public async Task Each_is_told_with_its_place(string text, string place, params string[] words)
    {
        using var box = new Sandbox();
        box.Conf(text);
        await box.Run("-n", "x").Fails(ExitStatus.Configuration, [$"run: {box.ConfFile}:{place}: ", .. words]);
    }

    [Fact]
    public async Task A_byte_that_is_not_UTF_8_is_told_with_its_place()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  # gr\u00fc\udcfc\n");
        await box.Run("-n", "x").Fails(ExitStatus.Configuration, $"run: {box.ConfFile}:2:8: not UTF-8");
    }

    [Fact]
    public async Task Nothing_runs_with_a_file_that_has_a_mistake()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        await world.Run("x").Succeeds("ran\n");
        world.Sources(world.Server, "bad:");
        await world.Run("x").Fails(ExitStatus.Configuration, ":3:7: ");
    }

    [Fact]
    public async Task A_directory_in_its_place()
    {
        using var box = new Sandbox();
        Directory.CreateDirectory(box.ConfFile);
        await box.Run("-n", "x").Fails(ExitStatus.Configuration, box.ConfFile, "directory");
        await box.Run("-n", "--config", box.Work, "x").Fails(ExitStatus.Configuration, box.Work, "directory");
    }

    [RootFact]
    public async Task One_that_cannot_be_read()
    {
        using var box = new Sandbox();
        box.Sources("https://h");
        box.GiveTo(65534);
        File.SetUnixFileMode(box.ConfFile, UnixFileMode.None);
        await box.Run("-n", "x").As(65534).Fails(ExitStatus.Configuration, box.ConfFile, "permission denied");
    }

    [Fact]
    public async Task One_that_was_named_and_is_not_there()
    {
        using var box = new Sandbox();
        await box.Run("-n", "--config", "missing.conf", "x").Fails(ExitStatus.Configuration, "missing.conf: no such file");
        await box.Run("-n", "x").Env("RUN_CONFIG", "missing.conf").Fails(ExitStatus.Configuration, "missing.conf: no such file");
    }

    [Fact]
    public async Task One_without_end()
    {
        using var box = new Sandbox();
        await box.Run("-n", "--config", "/dev/zero", "x").Fails(ExitStatus.Configuration, "/dev/zero", "1 MiB");
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("# nothing but\n  # comments\n")]
    [InlineData("---\n")]
    [InlineData("sources:\ninterpreters:\n")]
    [InlineData("sources:\n  # a: https://h/%s\n")]
    [InlineData("sources: {}\n")]
    [InlineData("sources: ~\n")]
    [InlineData("\ufeffsources: {b: https://h/%s}\r\n")]
    [InlineData("sources:\r\n  b: https://h/%s\r\n")]
    [InlineData("sources: &all\n  b: &b https://h/%s\n")]
    [InlineData("sources:\n  \"b\":   'https://h/%s'\t# a tab is no mistake here\n")]
    [InlineData("%YAML 1.1\n---\nsources: {b: https://h/%s}\n...\n")]
    public async Task Unusual_but_valid_files(string text)
    {
        using var box = new Sandbox();
        box.Conf(text);
        Assert.Equal("https://codeberg.org/o/r/raw/HEAD/x", (await WouldRun.Of(box, "codeberg:o/r/x")).Url);
        if (text.Contains("b:", StringComparison.Ordinal) && !text.Contains('#', StringComparison.Ordinal))
        {
            Assert.Equal("https://h/x", (await WouldRun.Of(box, "b:x")).Url);
        }
    }

    [Fact]
    public async Task It_may_come_through_a_pipe_that_is_slow()
    {
        using var box = new Sandbox();
        await box.Exec("bash", "-c", "run -n --config <(sleep 0.2; echo 'sources: {b: https://h/%s}') b:x")
            .Succeeds("url     https://h/x\npath    not cached\nargv    x\n");
    }
}
