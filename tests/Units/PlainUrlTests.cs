using FsCheck;
using FsCheck.Fluent;
using Run.Naming;

namespace Run.Tests.Units;

/// <summary>The short check of a URL against the long one: what it takes, the other takes as it is.</summary>
public sealed class PlainUrlTests
{
    [Theory]
    [InlineData("https://example.com/x")]
    [InlineData("http://localhost:8080/a/b.sh")]
    [InlineData("https://raw.githubusercontent.com/x/x/x/x")]
    public void It_takes_what_is_plain(string url) => Assert.True(UrlText.IsPlain(url));

    [Theory]
    [InlineData("https://example.com")]
    [InlineData("https://example.com/")]
    [InlineData("https://example.com//x")]
    [InlineData("https://example.com/../x")]
    [InlineData("https://example.com/./x")]
    [InlineData("https://Example.com/x")]
    [InlineData("https://127.0.0.1/x")]
    [InlineData("https://me@example.com/x")]
    [InlineData("https://example.com/x?y")]
    [InlineData("https://example.com/%2e%2e/x")]
    [InlineData("https://xn--bcher-kva.example/x")]
    [InlineData("https://example.com:99999/x")]
    [InlineData("ftp://example.com/x")]
    [InlineData("https:///x")]
    public void It_leaves_the_rest(string url) => Assert.False(UrlText.IsPlain(url));

    [Fact]
    public void What_it_takes_is_good()
    {
        var host = Words("a", "b.b", "example", ".com", ".com", "a-b", "x1", "local", "-", "1", "A", "é");
        var port = Gen.Elements("", "", "", ":80", ":0", ":9999", ":65536", ":", ":x");
        var path = Words("/", "a", "b.sh", "x/y", "a/", "-", "~", "..", "%", "?", "#", "%2f");
        var urls =
            from scheme in Gen.Elements("https://", "http://", "ftp://")
            from h in host
            from p in port
            from rest in path
            select scheme + h + p + "/" + rest;
        var taken = 0;
        for (var i = 0; i < 100; i++)
        {
            Prop.ForAll(urls.ToArbitrary(), url =>
            {
                if (UrlText.IsPlain(url))
                {
                    taken++;
                    Assert.Equal(url, UrlText.Normalize(url));
                }
            }).Holds();
        }

        Assert.True(taken > 10, $"{taken}");
    }

    private static Gen<string> Words(params string[] words) => Gen.ListOf(Gen.Elements(words)).Select(static all => string.Concat(all));
}
