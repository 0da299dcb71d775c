namespace Run.Tests.Naming;

/// <summary>A full URL instead of a name.</summary>
public sealed class UrlTests
{
    [Theory]
    [InlineData("https://github.com/o/r/blob/main/bin/tool", "https://raw.githubusercontent.com/o/r/main/bin/tool")]
    [InlineData("https://github.com/o/r/blob/v1.0/a%20b.sh?raw=true#L3-L7", "https://raw.githubusercontent.com/o/r/v1.0/a%20b.sh")]
    [InlineData("https://gitlab.com/g/r/-/blob/main/bin/tool#part", "https://gitlab.com/g/r/-/raw/main/bin/tool")]
    [InlineData("https://github.com/o/r/raw/main/tool", "https://github.com/o/r/raw/main/tool")]
    [InlineData("https://gitlab.com/g/r/-/blob/main/bin/tool", "https://gitlab.com/g/r/-/raw/main/bin/tool")]
    [InlineData("https://git.example.com/g/sub/r/-/blob/main/tool", "https://git.example.com/g/sub/r/-/raw/main/tool")]
    [InlineData("https://codeberg.org/o/r/src/branch/main/bin/tool", "https://codeberg.org/o/r/raw/branch/main/bin/tool")]
    [InlineData("https://git.example.com/o/r/src/tag/v1/tool", "https://git.example.com/o/r/raw/tag/v1/tool")]
    [InlineData("https://git.example.com/o/r/src/commit/0a1b/tool", "https://git.example.com/o/r/raw/commit/0a1b/tool")]
    [InlineData("https://bitbucket.org/o/r/src/main/bin/tool", "https://bitbucket.org/o/r/raw/main/bin/tool")]
    [InlineData("https://gist.github.com/u/0123456789abcdef01234567", "https://gist.githubusercontent.com/u/0123456789abcdef01234567/raw")]
    [InlineData("https://example.com/o/r/blob/main/tool", "https://example.com/o/r/blob/main/tool")]
    [InlineData("https://example.com/src/tool", "https://example.com/src/tool")]
    public Task A_page_that_shows_a_script_is_turned_into_the_script(string page, string raw) => StandsFor(page, raw);

    [Theory]
    [InlineData("https://h/x", "https://h/x")]
    [InlineData("http://h/x", "http://h/x")]
    [InlineData("HTTPS://Host.Example/X", "https://host.example/X")]
    [InlineData("https://h:8443/a/b.sh?at=main&x=%2F", "https://h:8443/a/b.sh?at=***&x=***")]
    [InlineData("https://h/a%20b%2Fc", "https://h/a%20b%2Fc")]
    [InlineData("https://h/a b", "https://h/a%20b")]
    [InlineData("https://h/é", "https://h/%C3%A9")]
    [InlineData("https://[::1]:80/x", "https://[::1]:80/x")]
    [InlineData("https://h/x?a=../b//c", "https://h/x?a=***")]
    [InlineData("https://h/a@b:c", "https://h/a@b:c")]
    public Task Any_other_stays_as_it_is_but_for_what_could_not_be_sent(string typed, string url) => StandsFor(typed, url);

    [Theory]
    [InlineData("https://h")]
    [InlineData("https://h/")]
    [InlineData("https://h/a/")]
    [InlineData("https:///x")]
    [InlineData("https://")]
    [InlineData("https://h:99999/x")]
    [InlineData("https://[::1/x")]
    [InlineData("https://h h/x")]
    [InlineData(@"https://h/a\b")]
    [InlineData("https://h/x#sha=1")]
    [InlineData("ftp://h/x")]
    [InlineData("file:///etc/passwd")]
    public async Task What_leads_to_no_script(string url)
    {
        using var box = new Sandbox();
        await box.Run(url).Fails(ExitStatus.Usage, "://");
    }

    [Fact]
    public async Task A_user_and_a_token_are_never_shown_nor_written()
    {
        await using var world = await World.Serving(("/x?private_token=s3cret", Saying("ran")));
        var url = world.Server.Url.Replace("://", "://me:s3cret@", StringComparison.Ordinal) + "/x?private_token=s3cret";
        var run = await world.Run("--verbose", url).Result();
        Assert.Equal("ran\n", run.Stdout);
        var plan = await world.Run("-n", url).Result();
        var list = await world.Run("--list", "--json").Result();
        Assert.Contains(world.Server.Url, list.Stdout, StringComparison.Ordinal);
        var held = world.CachedFiles().Concat(Directory.GetFiles(world.Locks, "*", SearchOption.AllDirectories)).Select(File.ReadAllText);
        foreach (var text in (string[])[run.Stderr, plan.Stdout, list.Stdout, .. held, .. world.CachedFiles()])
        {
            Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
        }
    }

    private static async Task StandsFor(string typed, string url)
    {
        using var box = new Sandbox();
        Assert.Equal(url, (await WouldRun.Of(box, typed)).Url);
    }
}
