using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>Redirects: where they may lead, and which headers are sent there.</summary>
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
        await using var world = await World.Serving(("/there/y%20z?q=%2F", Script));
        world.Server.Redirect("/x", "there/y z?q=%2F", status);
        await world.Run("x").Succeeds("ran\n");
    }

    [Fact]
    public async Task Ten_in_a_row_are_followed_but_not_more()
    {
        await using var world = await World.Serving(("/0", Script));
        for (var i = 1; i <= 10; i++)
        {
            world.Server.Redirect($"/{i}", $"/{i - 1}");
        }

        world.Server.Redirect("/loop", "/loop");
        await world.Run("10").Succeeds("ran\n");
        await world.Run("loop").Fails(ExitStatus.Unavailable, world.Server.Url + "/loop", "more than 10 times");
        Assert.Equal(11, world.Server.Count("/loop"));
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/x")]
    [InlineData("http://")]
    public async Task To_what_cannot_be_fetched_are_refused(string to)
    {
        await using var world = await World.Serving();
        world.Server.Redirect("/x", to);
        await world.Run("x").Fails(ExitStatus.Unavailable);
    }

    [Fact]
    public async Task To_nowhere_are_refused()
    {
        await using var world = await World.Serving();
        world.Server.Status("/x", 302);
        await world.Run("x").Fails(ExitStatus.Unavailable, "302");
    }

    [Fact]
    public async Task From_https_to_http_are_refused()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue(), "127.0.0.1");
        world.Trust(authority);
        await using var plain = await ScriptServer.Start();
        plain["/x"] = Script;
        world.Server.Redirect("/x", plain.Url + "/x");
        world.SourceWith("plain-http: allow");
        await world.Run("x").Fails(ExitStatus.Refused, world.Server.Url, "from https to http");
        Assert.Empty(plain.Requests);

        // From http to https is fine.
        plain.Redirect("/y", world.Server.Url + "/y");
        world.Server["/y"] = Script;
        await world.Run(plain.Url + "/y").Succeeds("ran\n");
    }

    [Fact]
    public async Task To_plain_http_elsewhere_are_refused_like_plain_http_itself()
    {
        await using var world = await World.Serving();
        world.Server.Redirect("/x", "http://plain.invalid/x");
        await world.Run("x").Fails(ExitStatus.Refused, "http://plain.invalid/x", "plain http");
        await world.Run("http://plain.invalid/x").Fails(ExitStatus.Refused, "plain http");
    }

    [Fact]
    public async Task Take_no_secret_to_another_origin_and_bring_none()
    {
        await using var world = await World.Serving(("/back", Script));
        await using var other = await ScriptServer.Start();
        world.Server.Redirect("/x", $"{other.Url.Replace("//", "//their:choice@", StringComparison.Ordinal)}/x");
        other.Redirect("/x", world.Server.Url + "/back");
        world.Put(world.Home + "/.netrc", "machine 127.0.0.1 login from password netrc\n");
        world.Conf($$"""
            sources:
              headers:
                url: {{world.Server.Url}}/%s
                headers: {X-Ops: "token ${OPS_TOKEN}", Cookie: "a=${OPS_TOKEN}"}
              user:
                url: {{world.Server.Url.Replace("//", "//me:pass%20word@", StringComparison.Ordinal)}}/%s
              netrc: {{world.Server.Url}}/%s

            """);
        foreach (var source in (string[])["headers", "user", "netrc"])
        {
            await world.Run("-u", source + ":x").Env("OPS_TOKEN", "s3cret").Succeeds("ran\n");
        }

        Assert.Equal(3, other.Requests.Length);
        Assert.All(
            other.Requests, static r => Assert.True((r.Header("authorization") ?? r.Header("x-ops") ?? r.Header("cookie")) is null));
        Assert.Equal(["token s3cret", "token s3cret"], world.Server.Requests.Select(static r => r.Header("x-ops")).OfType<string>());
        Assert.Equal(
            ["from:netrc", "from:netrc", "me:pass word", "me:pass word", "from:netrc", "from:netrc"],
            world.Server.Requests.Select(static r => r.UserInfo));
    }
}
