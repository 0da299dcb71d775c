namespace Run.Tests.Configuration;

/// <summary>The run.conf of the original run of 2014, as it is in its repository.</summary>
public sealed class OriginalFileTests
{
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
    [InlineData("pt-summary", "https://raw.githubusercontent.com/runscripts/scripts/master/pt-summary")]
    [InlineData("a@b", "https://raw.githubusercontent.com/runscripts/scripts/master/a@b")]
    [InlineData("bitbucket:run/scripts/redis/start", "https://bitbucket.org/run/scripts/raw/master/redis/start")]
    [InlineData("gitcafe:o/r/x", "https://gitcafe.com/o/r/blob/master/x")]
    [InlineData("github:o/r/dir/x", "https://raw.githubusercontent.com/o/r/master/dir/x")]
    [InlineData("https://raw.github.com/o/r/master/x", "https://raw.github.com/o/r/master/x")]
    [InlineData("http://host/x", "http://host/x")]
    public async Task It_is_read_unchanged(string script, string url)
    {
        using var box = new Sandbox();
        foreach (var text in (string[])
            [Original, Original.Replace("\n", "\r\n", StringComparison.Ordinal), "\ufeff; a comment\n\n# another\n  " + Original])
        {
            box.Conf(text);
            Assert.Equal(url, (await WouldRun.Of(box, script)).Url);
        }
    }

    [Fact]
    public async Task Its_example()
    {
        using var box = new Sandbox();
        box.Conf(Original);
        var start = await WouldRun.Of(box, "bitbucket:run/scripts/redis/start", "-d", "test.conf");
        Assert.Equal("https://bitbucket.org/run/scripts/raw/master/redis/start", start.Url);
        Assert.Equal(["start", "-d", "test.conf"], start.Argv);
    }

    [Fact]
    public async Task A_source_of_it_runs()
    {
        await using var world = await World.Serving(("/o/r/raw/master/redis/start", "#!/bin/sh\necho \"$@\"\n"));
        world.Conf($"[sources]\nbitbucket: {world.Server.Url}/%s/%s/raw/master/%s\n");
        await world.Run("bitbucket:o/r/redis/start", "-d", "test.conf").Succeeds("-d test.conf\n");
    }

    [Theory]
    [InlineData("[sources]\na: https://h/%s\nb https\n", "3:1", "source")]
    [InlineData("[sources]\na: https://h/%s\na: https://h/%s\n", "3:1", "a is defined twice")]
    [InlineData("[sources]\n  a: https://h/x\n", "2:6", "%s")]
    [InlineData("[sources]\n-a: https://h/%s\n", "2:1", "-a")]
    [InlineData("[sources]\na: ftp://h/%s\n", "2:4", "http")]
    [InlineData("[sources]\na: https://h/%s # theirs\n", "2:17", "comment")]
    [InlineData("[sources]\na = https://h/%s\t; theirs\n", "2:18", "comment")]
    [InlineData("[sources]\na: https://h/%s#theirs\n", "2:4", "fragment")]
    [InlineData("[sorces]\na: https://h/%s\n", "1:1", "[sources]")]
    public async Task A_mistake_in_it_is_told_with_its_place(string text, string place, string word)
    {
        using var box = new Sandbox();
        box.Conf(text);
        await box.Run("-n", "x").Fails(ExitStatus.Configuration, $"run: {box.ConfFile}:{place}: ", word);
    }
}
