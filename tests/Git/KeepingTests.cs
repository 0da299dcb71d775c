namespace Run.Tests.Git;

/// <summary>What is kept of a repository, and what happens if that is not whole.</summary>
[Collection(Kept.Alone)]
[Needs("git")]
public sealed class KeepingTests : IDisposable
{
    private readonly Sandbox _box = new();
    private readonly GitSource _source;
    private readonly Kept _kept;

    public KeepingTests()
    {
        _source = new GitSource(_box);
        _kept = new Kept(_box, _source.FileUrl);
    }

    private string Packs => $"{_kept.Directory}/objects/pack";

    public void Dispose() => _box.Dispose();

    [Fact]
    public void All_files_with_modes_and_links_and_nothing_else()
    {
        _ = _source.Commit(("old", "old\n"));
        File.Delete($"{_source.Directory}/old");
        File.CreateSymbolicLink($"{_source.Directory}/link", "lib/a.sh");
        var commit = _source.Commit(
            ("bin/x", "#!/bin/sh\n"), ("lib/a.sh", "a\n"), ("lib/deep/er/b", "b\n"), ("empty", ""), ("é \"$x", "e\n"));
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["bin/x"] = "x #!/bin/sh\n",
                ["lib/a.sh"] = "- a\n",
                ["lib/deep/er/b"] = "- b\n",
                ["empty"] = "- ",
                ["é \"$x"] = "- e\n",
                ["link"] = "link lib/a.sh",
            },
            _kept.Files());

        // Only the one commit is there.
        Assert.Single(Directory.GetFiles(Packs, "*.pack"));
        Assert.Equal([commit], Directory.GetFiles($"{_kept.Directory}/commits").Select(Path.GetFileName));
        Assert.Contains("fatal", Error(() => InKept("cat-file", "-t", $"{commit}^")), StringComparison.Ordinal);
        Assert.StartsWith("0 objects", InKept("count-objects"), StringComparison.Ordinal);
    }

    [Fact]
    public void An_update_fetches_only_what_changed()
    {
        _ = _source.Commit([.. Enumerable.Range(0, 50).Select(static i => ($"f{i}", $"{i} {new string('x', i)}\n"))]);
        var first = _kept.Fetch().Commit;
        var second = _source.Commit(("f1", "new\n"));
        Assert.Equal(second, _kept.Fetch().Commit);
        var files = _kept.Write(second);
        Assert.Equal(50, files.Count);
        Assert.Equal("- new\n", files["f1"]);
        Assert.Equal("- 0 \n", _kept.Write(first)["f0"]);
        Assert.Contains(Directory.GetFiles(Packs, "*.pack"), static pack => new FileInfo(pack).Length < 2000);

        // And nothing at all if nothing did.
        var before = Directory.GetFiles(Packs);
        Assert.Equal(second, _kept.Fetch().Commit);
        Assert.Equal(before, Directory.GetFiles(Packs));
    }

    [Fact]
    public void More_commits_than_the_server_is_told_about()
    {
        for (var i = 0; i < 20; i++)
        {
            var commit = _source.Commit(("a", $"{i}\n"));
            Assert.Equal(commit, _kept.Fetch().Commit);
            Assert.Equal($"- {i}\n", _kept.Write(commit)["a"]);
        }
    }

    [Fact]
    public void A_branch_that_was_rewritten()
    {
        _ = _source.Commit(("a", "1\n"));
        var old = _kept.Fetch().Commit;
        _ = _source.Git("commit", "--amend", "--message=y", "--quiet");
        _ = _source.Git("reflog", "expire", "--expire=all", "--all");
        _ = _source.Git("gc", "--prune=now", "--quiet");
        Assert.NotEqual(old, _kept.Fetch().Commit);
        Assert.Equal("- 1\n", _kept.Write(old)["a"]);
    }

    [Fact]
    public void Hashes_of_256_bits()
    {
        var source = new GitSource(_box, "longer", "--object-format=sha256");
        var commit = source.Commit(("a", "1\n"));
        var kept = new Kept(_box, source.FileUrl);
        Assert.Equal(commit, kept.Fetch(commit).Commit);
        Assert.Equal("- 1\n", kept.Files()["a"]);
        Assert.True(kept.Has(commit));
        var next = source.Commit(("b", "2\n"));
        Assert.Equal(next, kept.Fetch("main").Commit);
        Assert.Equal("- 2\n", kept.Write(next)["b"]);
    }

    /// <summary>The repository was made anew, with another hash; what is kept of the old one cannot be used any more.</summary>
    [Fact]
    public void Another_hash_than_before()
    {
        _ = _source.Commit(("a", "1\n"));
        var old = _kept.Fetch().Commit;
        Directory.Delete(_source.Directory, recursive: true);
        var commit = new GitSource(_box, "tools", "--object-format=sha256").Commit(("a", "2\n"));
        Assert.Equal(commit, _kept.Fetch().Commit);
        Assert.Equal("- 2\n", _kept.Write(commit)["a"]);
        Assert.False(_kept.Has(old));
    }

    [Fact]
    public void A_shallow_repository_as_the_source()
    {
        _ = _source.Commit(("a", "1\n"));
        var commit = _source.Commit(("a", "2\n"));
        _ = _source.Git("clone", "--quiet", "--depth=1", _source.FileUrl, $"{_box.Root}/shallow");
        var kept = new Kept(_box, $"file://{_box.Root}/shallow");
        Assert.Equal(commit, kept.Fetch().Commit);
        Assert.Equal("- 2\n", kept.Write(commit)["a"]);
    }

    /// <summary>What a killed run, or a lost power supply, can leave: each is noticed or harmless.</summary>
    [Fact]
    public void Something_is_left_of_a_fetch_that_was_killed()
    {
        var commit = _source.Commit(("a", "1\n"));
        Directory.CreateDirectory($"{_kept.Directory}/incoming-0123456789abcdef/objects/pack");
        TestFile.Write($"{_kept.Directory}/incoming-0123456789abcdef/shallow.lock", "");
        TestFile.Write($"{_kept.Directory}/incoming-0123456789abcdef/objects/pack/tmp_pack_x", "PACK");
        Directory.CreateDirectory($"{_kept.Directory}/commits");
        TestFile.Write($"{_kept.Directory}/commits/{commit}", "");
        TestFile.Write($"{_kept.Directory}/config", "");
        Assert.False(_kept.Has(commit));
        Assert.Equal("- 1\n", _kept.Files()["a"]);
        Assert.True(_kept.Has(commit));
        Assert.Empty(_kept.LeftOvers());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(-1)]
    public void A_damaged_pack(int length)
    {
        var commit = _source.Commit([.. Enumerable.Range(0, 20).Select(static i => ($"f{i}", $"{Guid.NewGuid()}\n"))]);
        Assert.Equal(20, _kept.Files().Count);
        var pack = Assert.Single(Directory.GetFiles(Packs, "*.pack"));
        File.SetUnixFileMode(pack, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (length < 0)
        {
            File.Delete(pack);
        }
        else
        {
            using var file = File.OpenWrite(pack);
            file.SetLength(length);
        }

        var failure = Assert.Throws<RunException>(() => _kept.Write(commit));
        Assert.Equal(ExitStatus.Data, failure.Status);
        Assert.Contains("was damaged, and has been removed", failure.Message, StringComparison.Ordinal);
        Assert.False(_kept.Has(commit));
        Assert.Equal(20, _kept.Files(commit).Count);
    }

    /// <summary>A damaged pack that a fetch wants to build on.</summary>
    [Fact]
    public void A_damaged_pack_and_an_update()
    {
        _ = _source.Commit(("a", "1\n"), ("b", "1\n"));
        _ = _kept.Fetch();
        foreach (var file in Directory.GetFiles(Packs))
        {
            File.Delete(file);
        }

        var commit = _source.Commit(("a", "2\n"));
        Assert.Equal(commit, _kept.Fetch().Commit);
        Assert.Equal("- 1\n", _kept.Write(commit)["b"]);
    }

    private string InKept(params string[] arguments) => _source.Git(["--git-dir", _kept.Directory, .. arguments]);

    private static string Error(Func<string> body) => Assert.Throws<InvalidOperationException>(() => body()).Message;
}
