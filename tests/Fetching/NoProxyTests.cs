using Run.Http;

namespace Run.Tests.Fetching;

/// <summary>Whom an entry of NO_PROXY covers. The lists are cases that curl, whose users write them, decides in the same way.</summary>
public sealed class NoProxyTests
{
    [Theory]
    [InlineData("*", "example.com", true)]
    [InlineData("example.com", "example.com", true)]
    [InlineData("EXAMPLE.com", "example.com", true)]
    [InlineData("example.com", "www.example.com", true)]
    [InlineData(".example.com", "www.example.com", true)]
    [InlineData(".example.com", "example.com", true)]
    [InlineData("*.example.com", "www.example.com", true)]
    [InlineData("example.com", "notexample.com", false)]
    [InlineData("www.example.com", "example.com", false)]
    [InlineData("example.com:443", "example.com", true)]
    [InlineData("example.com:80", "example.com", false)]
    [InlineData("10.0.0.0/8", "10.1.2.3", true)]
    [InlineData("10.0.0.0/8", "11.1.2.3", false)]
    [InlineData("10.0.0.0/8", "example.com", false)]
    [InlineData("10.1.2.3", "10.1.2.3", true)]
    [InlineData("10.1.2.3:443", "10.1.2.3", true)]
    [InlineData("10.1.2.3:80", "10.1.2.3", false)]
    [InlineData("2.3", "10.1.2.3", false)]
    [InlineData("10.0.0.0/08", "10.1.2.3", true)]
    [InlineData("10/8", "10.1.2.3", false)]
    [InlineData("10.0.0.0/-8", "10.1.2.3", false)]
    [InlineData("10.0.0.0/", "10.1.2.3", false)]
    [InlineData("0.0.0.0/0", "10.1.2.3", true)]
    [InlineData("0.0.0.0/0", "::1", false)]
    [InlineData("::/0", "::1", true)]
    [InlineData("::1", "::1", true)]
    [InlineData("0:0::1", "::1", true)]
    [InlineData("[::1]", "::1", true)]
    [InlineData("[::1]:443", "::1", true)]
    [InlineData("[::1]:80", "::1", false)]
    [InlineData("fd00::/8", "fd00::2", true)]
    [InlineData(".", "example.com", false)]
    [InlineData("..", "example.com", false)]
    [InlineData(":443", "example.com", false)]
    [InlineData("]:443", "example.com", false)]
    [InlineData("/8", "10.1.2.3", false)]
    public void An_entry(string entry, string host, bool covers) =>
        Assert.Equal(covers, Proxies.AnyCovers(entry, new Origin("https", host, 443)));

    [Theory]
    [InlineData("localhost,.example.com,.example.de", "www.example.com www.example.com. example.com example.com.", "nexample.com")]
    [InlineData("localhost,.example.com.,.example.de", "www.example.com example.com.", "example.org")]
    [InlineData("localhost,www.example.com.,.example.de", "www.example.com", "example.com")]
    [InlineData("localhost,example.com,.example.de", "www.example.com example.com example.com.", "nexample.com")]
    [InlineData("127.0.0.1,localhost,", "127.0.0.1 localhost", "127.0.0.2")]
    [InlineData("127.0.0.1/8,localhost,", "127.0.0.1 127.255.0.9 localhost", "126.0.0.1")]
    [InlineData("127.0.0.1/28", "127.0.0.1 127.0.0.15", "127.0.0.16")]
    [InlineData("127.0.0.1/31", "127.0.0.0 127.0.0.1", "127.0.0.2")]
    [InlineData("localhost,127.0.0.1.127.0.0.1.127.0.0.1", "localhost", "127.0.0.1 0.0.0.1")]
    [InlineData("barfoo", "barfoo", "foobar 192.168.0.1")]
    [InlineData("192.168.0.0/16", "192.168.0.1 192.168.1.1", "192.169.0.1")]
    [InlineData("192.168.0.0/16 ", "192.168.0.1", "192.169.0.1")]
    [InlineData("192.168.0.0/16a,192.168.0.0/a16,192.168.0.0/ 16,192.168.0.1/33,192.168.0.0", "192.168.0.0", "192.168.0.1 192.168.1.1")]
    [InlineData("192.168.0.0/24", "192.168.0.1", "192.168.1.1")]
    [InlineData("192.168.0.1/32", "192.168.0.1", "192.168.0.0")]
    [InlineData("foo, bar, 192.168.0.0/16", "192.168.1.1 bar BAr", "::1")]
    [InlineData("foo,,,,,              bar, ::1/64", "::1 bar BAr", "1:: 2001:db8::1")]
    [InlineData("::1/96", "::1 ::ffff:1", "::1:0:0:1")]
    [InlineData("::1/127", "::1 ::", "::2")]
    [InlineData("::1/125", "::1 ::7", "::8")]
    [InlineData("::1/128", "::1", "::2")]
    [InlineData("::1/129,::1/a127,::1/127a,::1/ 127,foo", "foo", "::1")]
    [InlineData("::1/127 ", "::1", "::2")]
    [InlineData("2001:db8::/65", "2001:db8::1", "2001:db8:8000::1 2001:db8:0:0:8000::1")]
    [InlineData("2001:db8::/72", "2001:db8::1", "2001:db8:8000::1 2001:db8:0:0:100::")]
    [InlineData("www2.example.com, .example.net", "www2.example.com example.net", "www.example.com example.com")]
    [InlineData(".example.com, .example.net", "example.com", "nonexample.com")]
    public void A_list(string list, string covered, string others)
    {
        Assert.All(covered.Split(' '), host => Assert.True(Proxies.AnyCovers(list, Of(host)), host));
        Assert.All(others.Split(' '), host => Assert.False(Proxies.AnyCovers(list, Of(host)), host));

        static Origin Of(string host) =>
            Origin.Of(new Uri(host.Contains(':', StringComparison.Ordinal) ? $"https://[{host}]/x" : $"https://{host}/x"));
    }
}
