using Run.Git;

namespace Run.Tests.Git;

/// <summary>Which names git gets to see, and what they stand for.</summary>
[Collection(Kept.Alone)]
[Needs("git")]
public sealed class RefTests : IDisposable
{
    private readonly Sandbox _box = new();
    private readonly GitSource _source;
    private readonly Kept _kept;

    public RefTests()
    {
        _source = new GitSource(_box);
        _kept = new Kept(_box, _source.FileUrl);
    }

    public void Dispose() => _box.Dispose();

    [Fact]
    public void Every_kind_of_ref()
    {
        var first = _source.Commit(("a", "1\n"));
        _ = _source.Git("tag", "light");
        _ = _source.Git("tag", "--annotate", "--message=x", "v1");
        var tag = _source.Git("rev-parse", "v1").Trim();
        _ = _source.Git("tag", "--annotate", "--message=x", "again", "v1");
        _ = _source.Git("branch", "feature/a.b");
        var second = _source.Commit(("a", "2\n"));

        Assert.Equal(new GitCommit(second, null), _kept.Fetch("HEAD"));
        Assert.Equal(new GitCommit(second, null), _kept.Fetch("main"));
        Assert.Equal(new GitCommit(first, null), _kept.Fetch("light"));
        Assert.Equal(new GitCommit(first, tag), _kept.Fetch("v1"));
        Assert.Equal(new GitCommit(first, _source.Git("rev-parse", "again").Trim()), _kept.Fetch("again"));
        Assert.Equal(new GitCommit(first, tag), _kept.Fetch("refs/tags/v1"));
        Assert.Equal(new GitCommit(first, null), _kept.Fetch("feature/a.b"));
        Assert.Equal(new GitCommit(first, null), _kept.Fetch("refs/heads/feature/a.b"));
        Assert.Equal(new GitCommit(first, null), _kept.Fetch(first));
        Assert.Equal("- 1\n", _kept.Write(first)["a"]);
        Assert.Equal("- 2\n", _kept.Write(second)["a"]);
    }

    /// <summary>gitrevisions(7): the tag.</summary>
    [Fact]
    public void A_tag_and_a_branch_of_one_name()
    {
        var first = _source.Commit(("a", "1\n"));
        _ = _source.Git("tag", "same");
        _ = _source.Commit(("a", "2\n"));
        _ = _source.Git("branch", "same");
        Assert.Equal(first, _kept.Fetch("same").Commit);
    }

    /// <summary>Names that are words or signs of git fetch's own.</summary>
    [Theory]
    [InlineData("tag")]
    [InlineData("+plus")]
    [InlineData("a'b\"c;$(touch)")]
    [InlineData("ü/ñ")]
    public void Names_that_look_like_something_else(string name)
    {
        var commit = _source.Commit(("a", "1\n"));
        _ = _source.Git("update-ref", $"refs/heads/{name}", commit);
        _ = _source.Commit(("a", "2\n"));
        Assert.Equal(commit, _kept.Fetch(name).Commit);
    }

    [Fact]
    public void What_is_no_commit()
    {
        var commit = _source.Commit(("a", "1\n"));
        _ = _source.Git("tag", "tree", $"{commit}^{{tree}}");
        _ = _source.Git("tag", "--annotate", "--message=x", "blob", $"{commit}:a");
        _kept.Refuses(ExitStatus.Data, "tree", "'tree' is the name of something that is not a commit");
        _kept.Refuses(ExitStatus.Data, "blob", "'blob' is the name of something that is not a commit");
        _kept.Refuses(ExitStatus.Data, _source.Git("rev-parse", "HEAD:a").Trim(), "not a commit");
        Assert.False(_kept.Has(_source.Git("rev-parse", "HEAD:a").Trim()));
    }

    [Fact]
    public void What_is_not_there()
    {
        var commit = _source.Commit(("a", "1\n"));
        _ = _source.Git("tag", "v1.0.0");
        _kept.Refuses(ExitStatus.NotFound, "v1.0.1", "tools: no branch or tag 'v1.0.1'", "did you mean 'v1.0.0'?");
        _kept.Refuses(ExitStatus.NotFound, "something-else", "no branch or tag 'something-else'");
        _kept.Refuses(ExitStatus.NotFound, commit[..10], "no branch or tag", "a commit is named by all of its digits");
        _kept.Refuses(ExitStatus.NotFound, new string('1', 40), "no commit 1111");
        new Kept(_box, $"file://{_box.Root}/nothing").Refuses(ExitStatus.NotFound, "HEAD", "/nothing: no such repository");
    }

    [Fact]
    public void A_repository_without_commits() =>
        _kept.Refuses(ExitStatus.NotFound, "HEAD", "it has no commit yet, or no default branch");

    [Theory]
    [InlineData("", "an empty ref")]
    [InlineData("-x", "begins with '-'")]
    [InlineData("--upload-pack=touch x", "begins with '-'")]
    [InlineData("a b", "' ' in the ref")]
    [InlineData("main:refs/heads/x", "':' in the ref")]
    [InlineData("main~1", "'~' in the ref")]
    [InlineData("main^", "'^' in the ref")]
    [InlineData("v*", "'*' in the ref")]
    [InlineData("v?", "'?' in the ref")]
    [InlineData("v[1]", "'[' in the ref")]
    [InlineData("a\\b", "'\\' in the ref")]
    [InlineData("a..b", "'..' in the ref")]
    [InlineData("main@{1}", "'@{' in the ref")]
    [InlineData("@", "a ref that is '@'")]
    [InlineData("a\nb", "a control character")]
    [InlineData("a.lock", "ends with '.lock'")]
    [InlineData("a.lock/b", "ends with '.lock'")]
    [InlineData("a/.b", "begins with '.'")]
    [InlineData("a//b", "an empty part")]
    [InlineData("/a", "an empty part")]
    [InlineData("a/", "an empty part")]
    [InlineData("a.", "ends with '.'")]
    public void What_is_no_ref(string reference, string flaw)
    {
        _ = _source.Commit(("a", "1\n"));
        _kept.Refuses(ExitStatus.Usage, reference, flaw);

        // git agrees, about all that could be a name; a dash it allows.
        if (reference is not ("" or "@" or ['-', ..]) && !reference.Contains(' ', StringComparison.Ordinal))
        {
            Assert.Throws<InvalidOperationException>(() => _source.Git("check-ref-format", $"refs/heads/{reference}"));
        }
    }
}
