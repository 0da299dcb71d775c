using Run.Http;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>Proxies: tinyproxy, for http and for https through CONNECT, and which hosts are reached without one.</summary>
public sealed class ProxyTests
{
    [Theory]
    [InlineData("http_proxy")]
    [InlineData("HTTP_PROXY")]
    [InlineData("ALL_PROXY")]
    public async Task Plain_http_goes_through_the_proxy(string variable)
    {
        await using var world = await World.Serving(("/x", Script));
        await using var proxy = await Tinyproxy.Start(world);
        await world.Run("x").Env(variable, proxy.Url).Succeeds("ran\n");
        Assert.Contains("tinyproxy", world.Server.Requests.Single().Header("via"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https_proxy", "http://")]
    [InlineData("HTTPS_PROXY", "")]
    [InlineData("all_proxy", "http://")]
    public async Task Https_goes_through_a_tunnel_of_the_proxy(string variable, string scheme)
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue(), "127.0.0.1", ("/x", Script));
        world.Trust(authority);
        await using var proxy = await Tinyproxy.Start(world);
        await world.Run("x").Env(variable, scheme + new Uri(proxy.Url).Authority).Succeeds("ran\n");
        Assert.Contains($"CONNECT 127.0.0.1:{world.Server.Port}", proxy.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proxy_may_want_a_password_and_it_is_not_shown()
    {
        await using var world = await World.Serving(("/x", Script));
        await using var proxy = await Tinyproxy.Start(world, "BasicAuth me s3cret");
        await world.Run("x").Env("http_proxy", proxy.Url).Fails(ExitStatus.Unavailable, "proxy", "407");
        var url = proxy.Url.Replace("//", "//me:s3cret@", StringComparison.Ordinal);
        var result = await world.Run("--verbose", "x").Env("http_proxy", url).Result();
        result.Check(result.Stdout == "ran\n", "the script's output");
        result.Check(!result.Stderr.Contains("s3cret", StringComparison.Ordinal), "no password");
    }

    [Fact]
    public async Task A_proxy_that_refuses_the_tunnel_is_named()
    {
        using var box = new Sandbox();
        await using var proxy = await Tinyproxy.Start(box, "ConnectPort 1");
        await box.Run("https://name.invalid/x").Env("https_proxy", proxy.Url)
            .Fails(ExitStatus.Unavailable, "the proxy " + new Uri(proxy.Url).Authority, "name.invalid:443", "403");
    }

    [Fact]
    public async Task A_proxy_that_cannot_be_reached_is_named()
    {
        await using var world = await World.Serving();
        var authority = $"127.0.0.1:{Ports.Free()}";
        await world.Run("x").Env("http_proxy", authority).Fails(ExitStatus.Unavailable, "the proxy " + authority, "refused");
        await world.Run("x").Env("http_proxy", "://me:s3cret@x").Fails(ExitStatus.Unavailable, "http_proxy");
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task A_CGI_program_does_not_believe_HTTP_PROXY()
    {
        await using var world = await World.Serving(("/x", Script));
        await world.Run("x").Env("HTTP_PROXY", "http://127.0.0.1:1").Env("REQUEST_METHOD", "GET").Succeeds("ran\n");
    }

    [Fact]
    public async Task NO_PROXY_leads_past_it()
    {
        await using var world = await World.Serving(("/x", Script));
        await world.Run("x").Env("http_proxy", "http://127.0.0.1:1").Env("NO_PROXY", "example.com, 127.0.0.0/8").Succeeds("ran\n");
    }

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
    [InlineData("::1", "::1", true)]
    [InlineData("[::1]", "::1", true)]
    [InlineData("[::1]:443", "::1", true)]
    [InlineData("[::1]:80", "::1", false)]
    [InlineData("fd00::/8", "fd00::2", true)]
    [InlineData(".", "example.com", false)]
    [InlineData(":443", "example.com", false)]
    [InlineData("]:443", "example.com", false)]
    public void An_entry_of_NO_PROXY(string entry, string host, bool covers) =>
        Assert.Equal(covers, Proxies.Covers(entry, new Origin("https", host, 443)));

    /// <summary>The real tinyproxy.</summary>
    private sealed class Tinyproxy : IAsyncDisposable
    {
        private readonly Child _child;
        private readonly string _log;

        private Tinyproxy(Child child, string url, string log) => (_child, Url, _log) = (child, url, log);

        public string Url { get; }

        public string Log => File.ReadAllText(_log);

        public static async Task<Tinyproxy> Start(Sandbox box, params string[] more)
        {
            Tools.Need("tinyproxy");
            for (var tries = 0; ; tries++)
            {
                var port = Ports.Free();
                var log = box.Put("tinyproxy.log", "", executable: false);
                var settings =
                    $"Port {port}\nListen 127.0.0.1\nTimeout 60\nLogFile \"{log}\"\nLogLevel Connect\n{string.Join('\n', more)}\n";
                var conf = box.Put("tinyproxy.conf", settings, executable: false);
                var child = box.Exec("/usr/bin/tinyproxy", "-d", "-c", conf).Start();
                await Eventually.True(() => child.HasExited || Ports.IsOpen(port), "tinyproxy listens");
                if (!child.HasExited)
                {
                    return new Tinyproxy(child, $"http://127.0.0.1:{port}", log);
                }

                // Another process took the port first.
                Assert.True(tries < 5, (await child.Exit()).Transcript);
                await child.DisposeAsync();
            }
        }

        public ValueTask DisposeAsync() => _child.DisposeAsync();
    }
}
