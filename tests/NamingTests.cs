using Run.Tests.Infra;

namespace Run.Tests;

/// <summary>Which URL or file a SCRIPT means, and what means none.</summary>
public sealed class NamingTests
{
    private const string Sources = """
        sources:
          plain: https://plain.example/%s
          three: https://three.example/%s/x/%s/%s
          refs: https://refs.example/{ref}/%s
          main: {url: "https://main.example/{ref}/%s", ref: main}
          bitbucket: https://bitbucket.org/%s/%s/raw/master/%s
          with-all.the_signs-9: https://signs.example/%s
        """;

    private const string Digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    [Theory]
    [InlineData("plain:x", "https://plain.example/x")]
    [InlineData("plain:a/b/c.sh", "https://plain.example/a/b/c.sh")]
    [InlineData("with-all.the_signs-9:x", "https://signs.example/x")]
    [InlineData("three:a/b/c", "https://three.example/a/x/b/c")]
    [InlineData("three:a/b/c/d/e.py", "https://three.example/a/x/b/c/d/e.py")]
    [InlineData("refs:x", "https://refs.example/HEAD/x")]
    [InlineData("refs:x@v1.2", "https://refs.example/v1.2/x")]
    [InlineData("refs:a/x@feature/long/name", "https://refs.example/feature/long/name/a/x")]
    [InlineData("main:x", "https://main.example/main/x")]
    [InlineData("main:x@0a1b2c", "https://main.example/0a1b2c/x")]
    [InlineData("https://h.example/a/b.sh?x=1&y=%20", "https://h.example/a/b.sh?x=1&y=%20")]
    [InlineData("http://h.example:8080/a", "http://h.example:8080/a")]
    [InlineData("plain:x#sha256=" + Digest, "https://plain.example/x")]
    public async Task A_name_leads_to_a_url(string script, string url)
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        Assert.Equal(url, (await DryRun.Of(box, script)).Url);
    }

    [Theory]
    [InlineData("pt-summary", "https://raw.githubusercontent.com/runscripts/scripts/HEAD/pt-summary")]
    [InlineData("dir/a:b", "https://raw.githubusercontent.com/runscripts/scripts/HEAD/dir/a:b")]
    [InlineData("github:o/r/d/x.sh@v2", "https://raw.githubusercontent.com/o/r/v2/d/x.sh")]
    [InlineData("gitlab:o/r/x.sh", "https://gitlab.com/o/r/-/raw/HEAD/x.sh")]
    public async Task Without_any_file_the_sources_that_are_built_in_do(string script, string url)
    {
        using var box = new Sandbox();
        Assert.Equal(url, (await DryRun.Of(box, script)).Url);
    }

    [Fact]
    public async Task The_original_example_has_its_original_url()
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        var plan = await DryRun.Of(box, "bitbucket:run/scripts/redis/start", "-d", "test.conf");
        Assert.Equal("https://bitbucket.org/run/scripts/raw/master/redis/start", plan.Url);
        Assert.Equal(["-d", "test.conf"], plan.Arguments[^2..]);
    }

    [Theory]
    [InlineData("plain:a b", "https://plain.example/a%20b")]
    [InlineData("plain:a%20b", "https://plain.example/a%2520b")]
    [InlineData("plain:a?b", "https://plain.example/a%3Fb")]
    [InlineData("plain:a#b", "https://plain.example/a%23b")]
    [InlineData("plain:é", "https://plain.example/%C3%A9")]
    [InlineData("refs:x@a b", "https://refs.example/a%20b/x")]
    public async Task Parts_are_percent_encoded(string script, string url)
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        Assert.Equal(url, (await DryRun.Of(box, script)).Url);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_percent_encoded_too()
    {
        // Not a row of the theory above: an attribute cannot hold a lone surrogate.
        using var box = new Sandbox();
        box.Conf(Sources);
        Assert.Equal("https://plain.example/%FF%C3%28", (await DryRun.Of(box, "plain:\udcff\udcc3(")).Url!.Replace("(", "%28", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_at_sign_is_an_ordinary_character_where_the_pattern_has_no_ref()
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        Assert.Equal("https://plain.example/a@b", Uri.UnescapeDataString((await DryRun.Of(box, "plain:a@b")).Url!));
    }

    [Fact]
    public async Task Only_what_follows_the_last_at_sign_is_the_ref()
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        Assert.Equal("https://refs.example/v1/a@b/c", Uri.UnescapeDataString((await DryRun.Of(box, "refs:a@b/c@v1")).Url!));
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData(":x")]
    [InlineData("a//b")]
    [InlineData("/a//b/..//")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a/../b", "..")]
    [InlineData("a/./b")]
    [InlineData("a/..")]
    [InlineData("a/")]
    [InlineData("plain:")]
    [InlineData("plain:/x")]
    [InlineData("plain:../x", "..")]
    [InlineData("refs:x@")]
    [InlineData("refs:x@a//b")]
    [InlineData("refs:x@../../y", "..")]
    [InlineData("refs:@v1")]
    [InlineData(".hidden:x")]
    [InlineData("a b:x")]
    [InlineData("a\nb", "control")]
    [InlineData("a\u001b[31mb", "control")]
    [InlineData("a\u007fb", "control")]
    [InlineData("plain:a\rb", "control")]
    [InlineData("https://h.example/a\nb", "control")]
    [InlineData("https://h.example/a/../b")]
    [InlineData("https://h.example/a/./b")]
    [InlineData("https://h.example/a//b")]
    [InlineData("https://h.example/%2e%2E/b")]
    [InlineData("https://h.example/a%0Ab")]
    [InlineData("https://h.example")]
    [InlineData("https://h.example/")]
    [InlineData("https://")]
    [InlineData("ftp://h.example/x")]
    public async Task What_names_no_script_is_refused_before_anything_happens(string script, params string[] words)
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        // "/a//b" is a local path, where the kernel does not mind: whether it is there is the question.
        var status = script.StartsWith('/') ? ExitStatus.NotFound : ExitStatus.Usage;
        await box.Run(script).Fails(status, words);
        Assert.Empty(box.CachedFiles());
        Assert.False(Directory.Exists(box.StateHome + "/run"));
    }

    [Theory]
    [InlineData("github:x", "github: expects OWNER/REPO/PATH")]
    [InlineData("github:a/b", "github: expects OWNER/REPO/PATH")]
    [InlineData("three:a/b", "three: expects ")]
    public async Task Too_few_parts_say_what_the_source_expects(string script, string message)
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        await box.Run(script).Fails(ExitStatus.Usage, message);
    }

    [Theory]
    [InlineData("gihub:o/r/x", "gihub", "github")]
    [InlineData("Github:o/r/x", "Github", "github")]
    [InlineData("plan:x", "plan", "plain")]
    [InlineData("zzzzzz:x", "zzzzzz")]
    public async Task An_unknown_source_is_answered_with_the_nearest_name(string script, params string[] words)
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        await box.Run(script).Fails(ExitStatus.Usage, words);
    }

    [Theory]
    [InlineData("plain:x#sha256=")]
    [InlineData("plain:x#sha256=abc")]
    [InlineData("plain:x#sha256=" + Digest + "0")]
    [InlineData("plain:x#sha256=g" + "f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    public async Task A_digest_that_is_none_is_refused(string script)
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        await box.Run(script).Fails(ExitStatus.Usage, "sha256");
    }

    [Fact]
    public async Task Two_digests_may_agree_but_not_differ()
    {
        using var box = new Sandbox();
        box.Conf(Sources);
        var other = Digest.Replace('9', '8');
        Assert.Equal(Digest, (await DryRun.Of(box, "--sha256", Digest.ToUpperInvariant(), $"plain:x#sha256={Digest}")).Sha256);
        await box.Run("-n", "--sha256", other, $"plain:x#sha256={Digest}").Fails(ExitStatus.Usage);
        await box.Run("-n", $"--sha256={other}", "--sha256", Digest, "plain:x").Fails(ExitStatus.Usage);
        await box.Run("-n", "--sha256", "12", "plain:x").Fails(ExitStatus.Usage);
    }

    [Fact]
    public async Task The_digest_decides_what_is_executed()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        const string script = "#!/bin/sh\necho ran\n";
        server["/x"] = script;
        var right = Sha256.HexOf(OsText.ToBytes(script));
        var wrong = new string('0', 64);
        await box.Run($"x#sha256={wrong}").Fails(ExitStatus.Data, right, wrong);
        Assert.DoesNotContain(box.CachedFiles(), static path => Path.GetFileName(path) == "x");
        await box.Run($"x#sha256={right.ToUpperInvariant()}").Succeeds("ran\n");
        // A cached copy with another digest is a miss; the server has nothing better.
        await box.Run("--sha256", wrong, "x").Fails(ExitStatus.Data, right, wrong);
        await box.Run("x").Succeeds("ran\n");
        await box.Run("--offline", "--sha256", wrong, "x").Fails(ExitStatus.Unavailable);
        server["/x"] = "#!/bin/sh\necho new\n";
        await box.Run($"x#sha256={Sha256.HexOf(OsText.ToBytes("#!/bin/sh\necho new\n"))}").Succeeds("new\n");
    }

    [Fact]
    public async Task A_local_digest_is_checked_too()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho ran\n");
        await box.Run($"./x#sha256={Sha256.HexOf("#!/bin/sh\necho ran\n"u8)}").Succeeds("ran\n");
        await box.Run($"./x#sha256={new string('1', 64)}").Fails(ExitStatus.Data, "./x");
    }

    [Fact]
    public async Task Local_files_are_started_and_not_cached()
    {
        using var box = new Sandbox();
        const string script = "#!/bin/sh\necho \"$(basename \"$0\") $*\"\n";
        box.Put("x", script);
        box.Put(box.Home + "/y", script);
        box.Put(box.Root + "/z", script);
        await box.Run("./x", "1").Succeeds("x 1\n");
        await box.Run("../z", "2").Succeeds("z 2\n");
        await box.Run(box.Work + "/x", "3").Succeeds("x 3\n");
        await box.Run("~/y", "4").Succeeds("y 4\n");
        Assert.DoesNotContain(box.CachedFiles(), static path => File.ReadAllText(path).Contains("basename", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_local_file_that_is_missing_is_127_and_a_directory_is_126()
    {
        using var box = new Sandbox();
        await box.Run("./nowhere").Fails(ExitStatus.NotFound, "./nowhere");
        await box.Run("./nowhere/x").Fails(ExitStatus.NotFound, "./nowhere/x");
        await box.Run("../work/").Fails(ExitStatus.CannotStart, "../work/");
    }

    [Fact]
    public async Task The_script_sees_the_name_that_its_usage_text_expects()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        const string script = "#!/bin/sh\nbasename \"$0\"\n";
        server["/d/tool.sh"] = script;
        server["/a%20b"] = script;
        server["/with?query=x/y"] = script;
        await box.Run("d/tool.sh").Succeeds("tool.sh\n");
        await box.Run("a b").Succeeds("a b\n");
        await box.Run(server.Url + "/with?query=x/y").Succeeds("with\n");
    }
}
