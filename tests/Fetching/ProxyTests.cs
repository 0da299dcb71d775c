using System.Globalization;
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
        world.SourceWith("plain-http: allow");
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
        world.SourceWith("plain-http: allow");
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
    public async Task A_proxy_that_closes_without_an_answer_is_tried_four_times_in_all()
    {
        using var box = new Sandbox();
        await using var proxy = RawServer.Start(RawServer.Says(""));
        await box.Run("https://name.invalid/x").Env("https_proxy", proxy.Url)
            .Fails(ExitStatus.Unavailable, "the proxy " + new Uri(proxy.Url).Authority, "closed the connection without an answer");
        Assert.Equal(4, proxy.Requests.Length);
        Assert.All(proxy.Requests, static request => Assert.StartsWith("CONNECT ", request, StringComparison.Ordinal));
    }

    /// <summary>As the same answer of a server, over http or through the proxy's http.</summary>
    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(502)]
    public async Task A_proxy_that_is_busy_is_asked_again(int status)
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue(), "127.0.0.1", ("/x", Script));
        world.Trust(authority);
        await using var proxy = ConnectProxy.To(world.Server.Port, status, status);
        await world.Run("x").Env("https_proxy", $"http://{proxy.Authority}").Succeeds("ran\n");
        Assert.Equal(3, proxy.Heads.Length);

        await using var always = ConnectProxy.To(world.Server.Port, [.. Enumerable.Repeat(status, 20)]);
        await world.Run("-u", "x").Env("https_proxy", $"http://{always.Authority}").Fails(
            ExitStatus.Unavailable, "the proxy " + always.Authority, status.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(4, always.Heads.Length);
    }

    [Fact]
    public async Task A_SOCKS_proxy_that_says_nothing_does_not_answer()
    {
        using var box = new Sandbox();
        await using var proxy = SocksProxy.Start(greets: true, SocksEnd.Silence);
        await box.Run("https://name.invalid/x").Env("https_proxy", $"socks5://{proxy.Authority}")
            .Fails(ExitStatus.Unavailable, $"the proxy {proxy.Authority} does not answer");
        Assert.InRange(proxy.Connections, 2, 4);
    }

    /// <summary>What a SOCKS proxy says itself is final; that it says nothing more may pass.</summary>
    [Theory]
    [InlineData(false, SocksEnd.Reset, 4, "dropped the connection")]
    [InlineData(false, SocksEnd.Close, 4, "closed the connection without an answer")]
    [InlineData(true, SocksEnd.Close, 4, "closed the connection without an answer")]
    [InlineData(true, SocksEnd.Refusal, 1, "refused to connect to name.invalid:443")]
    public async Task A_SOCKS_proxy_that_ends_the_connection_is_asked_again_unless_it_refuses(
        bool greets, SocksEnd end, int tries, string message)
    {
        using var box = new Sandbox();
        await using var proxy = SocksProxy.Start(greets, end);
        await box.Run("https://name.invalid/x").Env("https_proxy", $"socks5h://{proxy.Authority}")
            .Fails(ExitStatus.Unavailable, $"the proxy {proxy.Authority} {message}");
        Assert.Equal(tries, proxy.Connections);
    }

    /// <summary>The answer that asks for the password ends the connection, and the request with the password needs another.</summary>
    [Fact]
    public async Task A_tunnel_may_need_a_password_and_a_second_connection()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue(), "127.0.0.1", ("/x", Script));
        world.Trust(authority);
        await using var proxy = await Tinyproxy.Start(world, "BasicAuth me s3cret");
        var url = proxy.Url.Replace("//", "//me:s3cret@", StringComparison.Ordinal);
        await world.Run("x").Env("https_proxy", url).Succeeds("ran\n");
    }

    [Fact]
    public async Task A_proxy_that_cannot_be_reached_is_named()
    {
        await using var world = await World.Serving();
        world.SourceWith("plain-http: allow");
        var authority = $"127.0.0.1:{Ports.Free()}";
        await world.Run("x").Env("http_proxy", authority).Fails(ExitStatus.Unavailable, "the proxy " + authority, "refused");
        await world.Run("x").Env("http_proxy", "://me:s3cret@x").Fails(ExitStatus.Unavailable, "http_proxy");
        Assert.Empty(world.Server.Requests);
    }

    /// <summary>Up to the first / ? or # it looks like a host and a port.</summary>
    [Theory]
    [InlineData("http://user:1234/SECRET@127.0.0.1:1")]
    [InlineData("http://user:1234?SECRET@127.0.0.1:1")]
    [InlineData("http://user:1234#SECRET@127.0.0.1:1")]
    [InlineData(@"http://user:1234\SECRET@127.0.0.1:1")]
    [InlineData("socks5h://user:1234/SECRET@127.0.0.1:1")]
    [InlineData("user/SECRET@127.0.0.1:1")]
    public async Task A_password_that_is_not_encoded_is_not_shown_as_a_host(string url)
    {
        using var box = new Sandbox();
        var result = await box.Run("--verbose", "https://name.invalid/x").Env("https_proxy", url).Result();
        Assert.Equal((int)ExitStatus.Unavailable, result.Status);
        Assert.Contains("https_proxy is not the URL of a proxy", result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("1234", result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", result.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_CGI_program_does_not_believe_HTTP_PROXY()
    {
        await using var world = await World.Serving(("/x", Script));
        await world.Run("x").Env("HTTP_PROXY", "http://127.0.0.1:1").Env("REQUEST_METHOD", "GET").Succeeds("ran\n");
    }

    /// <summary>What goes to this machine by way of another is no longer on this machine. curl sends it there; run asks first.</summary>
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task Plain_http_to_this_machine_does_not_leave_it_through_a_proxy(string host)
    {
        await using var world = await World.Serving(("/x", Script));
        await using var proxy = World.Answering(RawServer.Serves("#!/bin/sh\necho forged\n"));
        var url = $"http://{host}:{world.Server.Port}";
        world.Conf($"sources:\n  default:\n    url: {url}/%s\n    headers: {{X-Token: s3cret}}\n");
        await world.Run("x").Env("http_proxy", proxy.Server.Url)
            .Fails(ExitStatus.Refused, $"{url}/x", "plain http", new Uri(proxy.Server.Url).Authority, "NO_PROXY");
        await world.Run("x").Env("ALL_PROXY", proxy.Server.Url).Fails(ExitStatus.Refused, "plain http");
        Assert.Empty(proxy.Server.Requests);
        await world.Run($"x#sha256={DigestOf(Script)}").Env("http_proxy", proxy.Server.Url).Fails(ExitStatus.Data);
        await world.Run("x").Env("http_proxy", proxy.Server.Url).Env("no_proxy", host).Succeeds("ran\n");
        await world.Run("-u", "x").Env("https_proxy", proxy.Server.Url).Succeeds("ran\n");
    }

    [Theory]
    [InlineData("example.com, 127.0.0.0/8")]
    [InlineData("127.0.0.1/8")]
    [InlineData("127.0.0.1/31,")]
    public async Task NO_PROXY_leads_past_it(string list)
    {
        await using var world = await World.Serving(("/x", Script));
        await world.Run("x").Env("http_proxy", "http://127.0.0.1:1").Env("NO_PROXY", list).Succeeds("ran\n");
    }

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
