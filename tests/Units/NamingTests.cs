using FsCheck.Fluent;
using Run.Naming;
using Run.Posix;

namespace Run.Tests.Units;

public sealed class NamingTests
{
    [Theory]
    [InlineData("gihub", "github")]
    [InlineData("githbu", "github")]
    [InlineData("bitbuket", "bitbucket")]
    [InlineData("git", "github")]
    [InlineData("x", null)]
    [InlineData("", null)]
    [InlineData("something", null)]
    public void The_nearest_name(string typed, string? nearest) =>
        Assert.Equal(nearest, Suggestion.For(typed, ["bitbucket", "github", "gitlab"]));

    [Fact]
    public void Whatever_is_typed_the_URL_stays_below_the_pattern() => Prop.ForAll<byte[]>(static bytes =>
    {
        var source = new Source("s", "https://h/base/{ref}/%s/-/%s");
        string url;
        try
        {
            url = UrlText.Checked(source.Expand(OsText.FromBytes(bytes))[0]);
        }
        catch (RunException e)
        {
            return e.Status == ExitStatus.Usage;
        }

        var uri = new Uri(url);
        return uri.Host == "h" && uri.AbsolutePath.StartsWith("/base/", StringComparison.Ordinal)
            && uri.Query.Length == 0 && uri.Fragment.Length == 0;
    }).Holds();
}
