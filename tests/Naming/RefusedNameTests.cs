namespace Run.Tests.Naming;

/// <summary>Names that could lead elsewhere than they seem to. They are refused before anything is created or sent.</summary>
public sealed class RefusedNameTests
{
    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("-")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("a/./b")]
    [InlineData("a/../b")]
    [InlineData("a/..")]
    [InlineData("default:")]
    [InlineData("default:/a")]
    [InlineData("default:../a")]
    [InlineData("default:./a")]
    [InlineData("with:a@..")]
    [InlineData("with:a@../../x")]
    [InlineData("with:a@b//c")]
    [InlineData("with:a@/b")]
    [InlineData("two:../a")]
    [InlineData("two:a/../../x")]
    [InlineData("a\nb")]
    [InlineData("a\tb")]
    [InlineData("a\u0001b")]
    [InlineData("a\u007fb")]
    [InlineData("a\u0085b")]
    [InlineData("\u001b[31mred")]
    [InlineData("with:a@b\rc")]
    [InlineData("URL/a///b")]
    [InlineData("URL//b")]
    [InlineData("URL/./b")]
    [InlineData("URL/../b")]
    [InlineData("URL/a/%2e%2E/b")]
    [InlineData("URL/a/.%2e/b")]
    [InlineData("URL/a/%2e/b")]
    [InlineData("URL/a/..")]
    [InlineData("URL/a/..?x")]
    [InlineData("URL/a%0ab")]
    [InlineData("URL/a%7f")]
    [InlineData("URL/a\nb")]
    public async Task Nothing_is_sent_and_nothing_made(string script)
    {
        await using var world = await World.Serving();
        world.Sources(world.Server, $"with: {world.Server.Url}/{{ref}}/%s", $"two: {world.Server.Url}/%s/x/%s");
        var result = await world.Run(script.Replace("URL", world.Server.Url, StringComparison.Ordinal)).Fails(ExitStatus.Usage);
        Assert.DoesNotContain('\u001b', result.Stderr);
        Assert.Empty(world.Server.Requests);
        Assert.False(Directory.Exists(world.Cache));
        Assert.Empty(Directory.EnumerateFileSystemEntries(world.StateHome));
    }
}
