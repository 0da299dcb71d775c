using System.Text;
using Run.Reporting;
using Run.Tests.Infra;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>Redirects: where they may lead, and what goes along.</summary>
public sealed class RedirectTests
{
    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task Are_followed(int status)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/there/y%20z?q=%2F"] = Script;
        server.Redirect("/x", "there/y z?q=%2F", status);
        box.Sources(server);
        await box.Run("x").Succeeds("ran\n");
    }

    [Fact]
    public async Task Ten_in_a_row_but_not_for_ever()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/0"] = Script;
        for (var i = 1; i <= 10; i++)
        {
            server.Redirect($"/{i}", $"/{i - 1}");
        }

        server.Redirect("/loop", "/loop");
        box.Sources(server);
        await box.Run("10").Succeeds("ran\n");
        await box.Run("loop").Fails(ExitStatus.Unavailable, server.Url + "/loop", "more than 10 times");
        Assert.Equal(11, server.Count("/loop"));
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/x")]
    [InlineData("http://")]
    public async Task To_what_cannot_be_fetched_are_refused(string to)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server.Redirect("/x", to);
        box.Sources(server);
        await box.Run("x").Fails(ExitStatus.Unavailable);
    }

    [Fact]
    public async Task To_nowhere_are_refused()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server.Status("/x", 302);
        box.Sources(server);
        await box.Run("x").Fails(ExitStatus.Unavailable, "302");
    }

    [Fact]
    public async Task From_https_to_http_are_refused()
    {
        using var box = new Sandbox();
        using var authority = new Certificates();
        using var certificate = authority.Issue();
        await using var secure = await ScriptServer.StartTls(certificate);
        await using var plain = await ScriptServer.Start();
        plain["/x"] = Script;
        secure.Redirect("/x", plain.Url + "/x");
        box.Conf($"sources:\n  default:\n    url: {secure.Url}/%s\n    plain-http: allow\n");
        box.Variables["SSL_CERT_FILE"] = box.Put("ca.pem", authority.AuthorityPem);
        await box.Run("x").Fails(ExitStatus.Refused, secure.Url, "from https to http");
        Assert.Empty(plain.Requests);

        // The other way round nothing is lost.
        plain.Redirect("/y", secure.Url + "/y");
        secure["/y"] = Script;
        await box.Run(plain.Url + "/y").Succeeds("ran\n");
    }

    [Fact]
    public async Task To_plain_http_elsewhere_are_refused_like_plain_http_itself()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server.Redirect("/x", "http://plain.invalid/x");
        box.Sources(server);
        await box.Run("x").Fails(ExitStatus.Refused, "http://plain.invalid/x", "plain http");
        await box.Run("http://plain.invalid/x").Fails(ExitStatus.Refused, "plain http");
    }

    [Fact]
    public async Task Take_no_secret_to_another_origin_and_bring_none()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        await using var other = await ScriptServer.Start();
        server.Redirect("/x", $"{other.Url.Replace("//", "//their:choice@", StringComparison.Ordinal)}/x");
        other.Redirect("/x", server.Url + "/back");
        server["/back"] = Script;
        box.Put(box.Home + "/.netrc", "machine 127.0.0.1 login from password netrc\n");
        box.Conf($$"""
            sources:
              headers:
                url: {{server.Url}}/%s
                headers: {X-Ops: "token ${OPS_TOKEN}", Cookie: "a=${OPS_TOKEN}"}
              user:
                url: {{server.Url.Replace("//", "//me:pass%20word@", StringComparison.Ordinal)}}/%s
              netrc: {{server.Url}}/%s

            """);
        foreach (var source in (string[])["headers", "user", "netrc"])
        {
            await box.Run("-u", source + ":x").Env("OPS_TOKEN", "s3cret").Succeeds("ran\n");
        }

        Assert.Equal(3, other.Requests.Length);
        Assert.All(
            other.Requests, static r => Assert.True((r.Header("authorization") ?? r.Header("x-ops") ?? r.Header("cookie")) is null));
        Assert.Equal(["token s3cret", "token s3cret"], server.Requests.Select(static r => r.Header("x-ops")).OfType<string>());
        Assert.Equal(
            ["from:netrc", "from:netrc", "me:pass word", "me:pass word", "from:netrc", "from:netrc"],
            server.Requests.Select(static r => UserInfo(r.Header("authorization"))));
    }

    private static string UserInfo(string? basic) => Encoding.UTF8.GetString(Convert.FromBase64String(basic!["Basic ".Length..]));
}
