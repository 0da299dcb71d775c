using Run.Git;

namespace Run.Tests.Git;

/// <summary>What a repository, a URL or the user's surroundings could bring in: nothing of it is ever run.</summary>
[Collection(Kept.Alone)]
[Needs("git")]
public sealed class HostileTests : IDisposable
{
    private readonly Sandbox _box = new();
    private readonly GitSource _source;

    public HostileTests() => _source = new GitSource(_box);

    private string Evidence => $"{_box.Root}/was-run";

    public void Dispose() => _box.Dispose();

    [Fact]
    public void Hooks_filters_attributes_and_monitors()
    {
        var program = _box.Put("evil", $"#!/bin/sh\necho \"$0 $*\" >>'{Evidence}'\ncat\n");
        var hooks = Directory.CreateDirectory($"{_box.Root}/hooks").FullName;
        foreach (var hook in (ReadOnlySpan<string>)["post-checkout", "reference-transaction", "post-merge", "pre-auto-gc"])
        {
            TestFile.Copy(program, $"{hooks}/{hook}");
        }

        // The user has filters, as Git LFS sets them up; a template with hooks; and hooks for all repositories.
        TestFile.Write($"{_box.Home}/.gitconfig", $"""
            [core]
                hooksPath = {hooks}
                fsmonitor = {program}
                autocrlf = true
                attributesFile = {_box.Home}/attributes
            [init]
                templateDir = {_box.Root}/template
            [filter "lfs"]
                smudge = {program} %f
                process = {program}
                required = true
            [diff "x"]
                textconv = {program}
            [fetch]
                recurseSubmodules = true
                prune = true
                pruneTags = true
                writeCommitGraph = true
            [submodule]
                recurse = true
            [maintenance]
                auto = true
            [gc]
                auto = 1
            """);
        TestFile.Write($"{_box.Home}/attributes", "* filter=lfs ident\n");
        Directory.CreateDirectory($"{_box.Root}/template/hooks");
        TestFile.Copy(program, $"{_box.Root}/template/hooks/reference-transaction");
        var text = "version https://git-lfs.github.com/spec/v1\n$Id$ $Format:%H$\n";
        _ = _source.Commit(
            (".gitattributes", "* filter=lfs diff=x ident export-subst text eol=crlf\nsecret export-ignore\n"),
            ("a", text), ("secret", "s\n"),
            (".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:1/\n"));
        TestFile.Copy(program, $"{_source.Directory}/.git/hooks/post-upload-pack");
        var files = new Kept(_box, _source.FileUrl).Files();
        Assert.Equal($"- {text}", files["a"]);
        Assert.Equal("- s\n", files["secret"]);
        Assert.False(File.Exists(Evidence), File.Exists(Evidence) ? File.ReadAllText(Evidence) : null);
    }

    [Fact]
    public void Submodules_are_left_out()
    {
        var commit = _source.Commit(("a", "1\n"));
        _ = _source.CommitRaw(
            ("100644", ".gitmodules", $"[submodule \"s\"]\n\tpath = s\n\turl = ext::touch {Evidence}\n\tupdate = !touch {Evidence}\n"),
            ("100644", "a", "1\n"), ("160000", "s", commit));
        Assert.Equal([".gitmodules", "a"], new Kept(_box, _source.FileUrl).Files().Keys.Order());
        Assert.False(File.Exists(Evidence));
    }

    [Theory]
    [InlineData("100644", ".git", "gitdir: /tmp\n", "take for its own: .git")]
    [InlineData("100644", ".GIT", "x", "take for its own")]
    [InlineData("100644", ".gIt ", "x", "take for its own")]
    [InlineData("100644", ".git.", "x", "take for its own")]
    [InlineData("100644", "git~1", "x", "take for its own")]
    [InlineData("100644", ".git::$INDEX_ALLOCATION", "x", "take for its own")]
    [InlineData("100644", ".g\u200cit", "x", "take for its own")]
    [InlineData("120000", ".git", "x", "take for its own")]
    [InlineData("100644", "..", "x", "a name that no file can have")]
    [InlineData("100644", ".", "x", "a name that no file can have")]
    [InlineData("100644", "a/b", "x", "a name that no file can have")]
    [InlineData("100644", "../x", "x", "a name that no file can have")]
    [InlineData("100644", "a\nb", "x", "a control character")]
    [InlineData("120000", "x", "/etc/passwd", "a link that leads out of it")]
    [InlineData("120000", "x", "../x", "a link that leads out of it")]
    [InlineData("120000", "x", "", "a link that leads nowhere")]
    [InlineData("20000", "x", "x", "neither a file nor a link")]
    [InlineData("10644", "x", "x", "neither a file nor a link")]
    [InlineData("100666", "x", "x", "neither a file nor a link")]
    public void A_tree_with(string mode, string name, string content, string flaw)
    {
        _ = _source.CommitRaw(("100644", "fine", "x"), (mode, name, content));
        new Kept(_box, _source.FileUrl).Refuses(ExitStatus.Data, "HEAD", flaw);
        Assert.Empty(Directory.GetFiles(_box.Root, "fine", SearchOption.TopDirectoryOnly));
    }

    [Fact]
    public void A_repository_inside_a_tree()
    {
        var hooks = _source.Tree(("100755", "post-checkout", "#!/bin/sh\n"));
        var git = _source.Tree(("40000", "hooks", hooks), ("100644", "config", "[core]\n\tfsmonitor = touch x\n"));
        _ = _source.CommitRaw(("40000", "sub", _source.Tree(("40000", ".Git", git))));
        new Kept(_box, _source.FileUrl).Refuses(ExitStatus.Data, "HEAD", "a file that git would take for its own: sub/.Git");
    }

    [Fact]
    public void A_name_twice_and_an_entry_below_a_link()
    {
        var kept = new Kept(_box, _source.FileUrl);
        _ = _source.CommitRaw(("100644", "x", "1"), ("100644", "x", "2"));
        kept.Refuses(ExitStatus.Data, "HEAD", "two entries of one path: x");
        _ = _source.CommitRaw(("120000", "x", "y"), ("40000", "x", _source.Tree(("100644", "z", "2"))));
        kept.Refuses(ExitStatus.Data, "HEAD", "holds");
    }

    /// <summary>Ten directories that are each ten times the next one: 10,000,000,000 files in 20 objects.</summary>
    [Fact]
    public void A_bomb_of_entries()
    {
        var tree = _source.Tree([.. Enumerable.Range(0, 10).Select(static i => ("100644", $"f{i}", "x"))]);
        for (var level = 0; level < 9; level++)
        {
            tree = _source.Tree([.. Enumerable.Range(0, 10).Select(i => ("40000", $"d{i}", tree))]);
        }

        _ = _source.CommitRaw(("40000", "d", tree));
        new Kept(_box, _source.FileUrl).Refuses(ExitStatus.Data, "HEAD", "more than 50,000 entries");
    }

    [Fact]
    public void A_bomb_of_depth()
    {
        var tree = _source.Tree(("100644", "f", "x"));
        for (var level = 0; level < 250; level++)
        {
            tree = _source.Tree(("40000", "d", tree));
        }

        _ = _source.CommitRaw(("40000", "d", tree));
        new Kept(_box, _source.FileUrl).Refuses(ExitStatus.Data, "HEAD", "a path of more than 200 directories");
    }

    [Fact]
    public void A_bomb_of_bytes()
    {
        // 600 MiB of zeros, compressed to less than one, of one object of 60 MiB.
        using (var file = File.Create($"{_source.Directory}/zeros"))
        {
            file.SetLength(60 << 20);
        }

        _ = _source.Commit();
        var id = _source.Git("rev-parse", "HEAD:zeros").Trim();
        var listing = string.Concat(Enumerable.Range(0, 10).Select(i => $"100644 blob {id}\tz{i}\n"));
        TestFile.Write($"{_box.Root}/listing", listing);
        foreach (var i in Enumerable.Range(1, 9))
        {
            _ = _source.Git("update-index", "--add", "--cacheinfo", $"100644,{id},z{i}");
        }

        _ = _source.Git("commit", "--quiet", "--message=x");
        new Kept(_box, _source.FileUrl).Refuses(ExitStatus.Data, "HEAD", "unpacks to more than 512 MiB");
    }

    [Fact]
    public void More_than_64_MiB_packed()
    {
        var bytes = new byte[70 << 20];
        Random.Shared.NextBytes(bytes);
        TestFile.Write($"{_source.Directory}/noise", bytes);
        _ = _source.Commit();
        new Kept(_box, _source.FileUrl).Refuses(ExitStatus.Data, "HEAD", "more than 64 MiB packed");
    }

    [Theory]
    [InlineData("ext::sh -c touch% x")]
    [InlineData("ext://x/y")]
    [InlineData("git://127.0.0.1/x")]
    [InlineData("ftp://127.0.0.1/x")]
    [InlineData("--upload-pack=touch x")]
    [InlineData("-oProxyCommand=touch x")]
    [InlineData("/srv/x")]
    [InlineData("host:path")]
    [InlineData("ssh://-oProxyCommand=x/y")]
    [InlineData("ssh://git@-oProxyCommand=x/y")]
    [InlineData("ssh://-oProxyCommand=x@host/y")]
    [InlineData("https:///x")]
    [InlineData("https://:80/x")]
    [InlineData("file://host/x")]
    [InlineData("https://host/\nx")]
    public void Urls_that_git_does_not_get_to_see(string url) =>
        new Kept(_box, url).Refuses(ExitStatus.Usage, "HEAD");

    /// <summary>The user's own configuration may lead elsewhere, but not to what runs programs, or to what anybody could change.</summary>
    [Theory]
    [InlineData("ext::touch% ", "the protocol ext, which is not allowed")]
    [InlineData("ext+x::touch% ", "the protocol ext+x, which is not allowed")]
    [InlineData("ext://touch% ", "the protocol ext, which is not allowed")]
    [InlineData("git://127.0.0.1:1/", "the protocol git, which is not allowed")]
    [InlineData("ftp://127.0.0.1:1/", "the protocol ftp, which is not allowed")]
    [InlineData("http://192.0.2.1:1/", "plain http is refused")]
    public void Protocols_after_insteadOf(string instead, string why)
    {
        TestFile.Write($"{_box.Home}/.gitconfig",
            $"[url \"{instead}\"]\n\tinsteadOf = https://example.com/\n[protocol]\n\tallow = always\n");
        new Kept(_box, $"https://example.com/{Evidence}").Refuses(ExitStatus.Refused, "HEAD", why);
        Assert.False(File.Exists(Evidence));
    }

    /// <summary>Only what the user's configuration leads to: what a server leads to is still bounded.</summary>
    [Fact]
    public async Task A_redirect_after_insteadOf()
    {
        _ = _source.Commit(("a", "1\n"));
        await using var server = await ScriptServer.Start();
        foreach (var target in (ReadOnlySpan<string>)[_source.FileUrl, $"ext::touch {Evidence}", "git://127.0.0.1:1/x"])
        {
            server.Map("/x/info/refs?service=git-upload-pack", context =>
            {
                context.Response.StatusCode = 302;
                context.Response.Headers.Location = $"{target}/info/refs?service=git-upload-pack";
                return Task.CompletedTask;
            });
            TestFile.Write($"{_box.Home}/.gitconfig",
                $"[url \"{server.Url}/\"]\n\tinsteadOf = https://example.com/\n"
                    + "[http]\n\tfollowRedirects = true\n[protocol]\n\tallow = always\n");
            server.ForgetRequests();
            var failure = Assert.Throws<RunException>(() => new Kept(_box, "https://example.com/x").Fetch());
            Assert.True(failure.Status is ExitStatus.Refused or ExitStatus.Unavailable, failure.Message);
            Assert.NotEmpty(server.Requests);
            Assert.False(File.Exists(Evidence));
        }
    }

    /// <summary>As in a hook of another repository, which git has told where that is.</summary>
    [Fact]
    public void Variables_of_another_repository()
    {
        var other = new GitSource(_box, "other");
        _ = other.Commit(("other", "other\n"));
        var commit = _source.Commit(("a", "1\n"));
        var kept = new Kept(_box, _source.FileUrl);
        foreach (var name in other.Git("rev-parse", "--local-env-vars").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            _box.Variables[name] = name switch
            {
                "GIT_CONFIG_COUNT" => "0",
                "GIT_CONFIG_PARAMETERS" => "'core.worktree'='/nowhere'",
                "GIT_DIR" or "GIT_COMMON_DIR" => $"{other.Directory}/.git",
                "GIT_OBJECT_DIRECTORY" => $"{other.Directory}/.git/objects",
                _ => $"{_box.Root}/nowhere",
            };
        }

        _box.Variables["GIT_NAMESPACE"] = "nowhere";
        _box.Variables["GIT_QUARANTINE_PATH"] = $"{_box.Root}/nowhere";
        Assert.Equal(commit, kept.Fetch().Commit);
        Assert.Equal("- 1\n", kept.Write(commit)["a"]);
    }

    /// <summary>CI systems set credentials and other configuration by these.</summary>
    [Fact]
    public void Configuration_in_variables_is_the_users()
    {
        var commit = _source.Commit(("a", "1\n"));
        _box.Variables["GIT_CONFIG_COUNT"] = "1";
        _box.Variables["GIT_CONFIG_KEY_0"] = $"url.{_source.FileUrl}.insteadOf";
        _box.Variables["GIT_CONFIG_VALUE_0"] = "file:///elsewhere";
        Assert.Equal(commit, new Kept(_box, "file:///elsewhere").Fetch().Commit);
    }

    [Fact]
    public void A_tag_that_was_moved()
    {
        var first = _source.Commit(("a", "1\n"));
        _ = _source.Git("tag", "v1");
        var kept = new Kept(_box, _source.FileUrl);
        Assert.Equal(first, kept.Fetch("v1").Commit);
        var second = _source.Commit(("a", "2\n"));
        _ = _source.Git("tag", "--force", "v1");
        Assert.Equal(second, kept.Fetch("v1").Commit);
        Assert.Equal(new GitCommit(first, null), kept.Fetch(first));
    }

    [Fact]
    public void A_repository_of_another_user()
    {
        Assert.SkipUnless(Libc.IsRoot, "only root can give files away");
        _ = _source.Commit(("a", "1\n"));
        var entries = Directory.EnumerateFileSystemEntries(_source.Directory, "*", SearchOption.AllDirectories);
        foreach (var path in entries.Prepend(_source.Directory))
        {
            Libc.ChangeOwner(path, 65534);
        }

        new Kept(_box, _source.FileUrl).Refuses(ExitStatus.Refused, "HEAD", "another user owns", "safe.directory");
    }

    [Fact]
    public void No_git()
    {
        _box.Variables["PATH"] = _box.Bin;
        new Kept(_box, _source.FileUrl).Refuses(ExitStatus.Unavailable, "HEAD", "git is not installed", "install the package git");
    }
}
