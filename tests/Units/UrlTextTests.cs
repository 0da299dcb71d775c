using System.Net;
using System.Text;
using FsCheck.Fluent;
using Run.Naming;
using Run.Posix;

namespace Run.Tests.Units;

public sealed class UrlTextTests
{
    [Theory]
    [InlineData("https://h/x", "https://h/x")]
    [InlineData("HTTPS://User:Pass@Host:80/X?Y#Z", "https://User:Pass@host:80/X?Y")]
    [InlineData("http://h/a b\"<>^`{|}", "http://h/a%20b%22%3C%3E%5E%60%7B%7C%7D")]
    [InlineData("http://h/é😀", "http://h/%C3%A9%F0%9F%98%80")]
    [InlineData("http://h/%41%2f%zz%", "http://h/%41%2f%zz%")]
    [InlineData("http://h/x?a=b c&d=é", "http://h/x?a=b%20c&d=%C3%A9")]
    [InlineData("http://h/x?../..//", "http://h/x?../..//")]
    public void Normalize(string typed, string url) => Assert.Equal(url, UrlText.Normalize(typed));

    [Theory]
    [InlineData("http://h")]
    [InlineData("http://h?x")]
    [InlineData("http://h/")]
    [InlineData("http://h//")]
    [InlineData("http://h/a/../b")]
    [InlineData("http://h/a/%2E%2e")]
    [InlineData("http://h/%00")]
    [InlineData("http://h/a\\b")]
    [InlineData("http:///x")]
    [InlineData("ftp://h/x")]
    [InlineData("http://h/x#a=b")]
    public void Normalize_refuses(string typed) =>
        Assert.Equal(ExitStatus.Usage, Assert.Throws<RunException>(() => UrlText.Normalize(typed)).Status);

    [Theory]
    [InlineData("https://h/x", "https://h/x", "https://h/x")]
    [InlineData("https://me:secret@h/x", "https://h/x", "https://h/x")]
    [InlineData("https://a@b@h/x@y", "https://h/x@y", "https://h/x@y")]
    [InlineData("https://h/x?a=1&access_token=s&b", "https://h/x?a=1&access_token=s&b", "https://h/x?a=***&access_token=***&***")]
    [InlineData("https://me@h?X-Amz-Signature=s", "https://h?X-Amz-Signature=s", "https://h?X-Amz-Signature=***")]
    [InlineData("https://h/x?APIKEY=s&sig=s&q=@", "https://h/x?APIKEY=s&sig=s&q=@", "https://h/x?APIKEY=***&sig=***&q=***")]
    [InlineData("https://h/x?a=&=b&c==&;&#d=s", "https://h/x?a=&=b&c==&;&#d=s", "https://h/x?***&***&***&;&#***")]
    [InlineData("not a URL", "not a URL", "not a URL")]
    public void What_is_secret_is_not_shown(string url, string withoutUser, string shown)
    {
        if (url.Contains("://", StringComparison.Ordinal))
        {
            Assert.Equal(withoutUser, UrlText.WithoutUser(url));
        }

        Assert.Equal(shown, UrlText.Redacted(url));
    }

    [Theory]
    [InlineData("https://h/x", "x")]
    [InlineData("https://h/a/b.sh?c/d#e", "b.sh")]
    [InlineData("https://h/a%20b", "a b")]
    [InlineData("https://h/%C3%A9", "é")]
    [InlineData("https://h/a%2Fb", "a%2Fb")]
    [InlineData("https://h/a%0Ab", "a%0Ab")]
    [InlineData("https://h/100%", "100%")]
    public void FileName(string url, string name) => Assert.Equal(name, UrlText.FileName(url));

    [Fact]
    public void What_is_encoded_decodes_to_the_same_bytes_and_cannot_leave_its_place() => Prop.ForAll<byte[]>(static bytes =>
    {
        foreach (var inQuery in (bool[])[false, true])
        {
            var url = new StringBuilder();
            UrlText.AppendEncoded(url, OsText.FromBytes(bytes), inQuery);
            var text = url.ToString();
            var plus = Encoding.ASCII.GetBytes(text.Replace("+", "%2B", StringComparison.Ordinal));
            if (text.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0
                || text.AsSpan().IndexOfAny(inQuery ? "?#&" : "?#") >= 0
                || !WebUtility.UrlDecodeToBytes(plus, 0, plus.Length).AsSpan().SequenceEqual(bytes))
            {
                return false;
            }
        }

        return true;
    }).Holds();
}
