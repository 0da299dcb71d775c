using System.Globalization;
using System.Text;
using Run.Naming;
using static Run.Tests.Infra.RawServer;

namespace Run.Tests.Fetching;

/// <summary>A URL with a secret in it, such as a signed one, is sent as it is, and neither shown nor written down.</summary>
public sealed class SecretUrlTests
{
    private const string Secret = "s3cretS3cret", Base64 = "czNjcmV0UzNjcmV0";

    [Theory]
    [InlineData("", "token=" + Secret, "?token=***")]
    [InlineData("", "t%6Fken=" + Secret, "?t%6Fken=***")]
    [InlineData("", "pwd=" + Secret, "?pwd=***")]
    [InlineData("", "jwt=" + Secret, "?jwt=***")]
    [InlineData("", "hmac=" + Secret, "?hmac=***")]
    [InlineData("", "a=1;token=" + Secret, "?a=***;token=***")]
    [InlineData("", ";" + Secret, "?;***")]
    [InlineData("", Secret, "?***")]
    [InlineData("", Base64 + "==", "?***")]
    [InlineData("", "=" + Secret, "?***")]
    [InlineData("", "a=1&" + Secret + "&b=2", "?a=***&***&b=***")]
    [InlineData("", "a=1?token=" + Secret, "?a=***")]
    [InlineData("", "a==" + Secret, "?a=***")]
    [InlineData("", "a%3D" + Secret, "?***")]
    [InlineData("me:" + Secret + "@", "", "")]
    [InlineData(Secret + "@", "q=" + Secret, "?q=***")]
    public async Task Is_not_shown_and_not_stored(string user, string query, string shown)
    {
        const string script = "#!/bin/sh\nread line\necho ran\n";
        await using var world = World.Answering(Serves(script));
        var host = new Uri(world.Server.Url).Authority;
        var url = $"http://{user}{host}/x.sh{(query.Length > 0 ? "?" : "")}{query}";
        var said = new StringBuilder();
        await using (var child = world.Run("--verbose", url).InputStaysOpen().Start())
        {
            await child.Errors("executing");
            await Say("--ps");
            await Say("--ps", "--json");
            await Say("--lock", url);
            await child.Type("\n");
            var result = await child.Exit();
            said.Append(result.Stdout).Append(result.Stderr);
        }

        await Say("--list");
        await Say("--list", "--json");
        await Say("--dry-run", url);
        await Say("--dry-run", "--json", url);
        await Say("--pin", url);
        await Say("--pinned", url);
        await Say("--sha256", new string('0', 64), url);
        await Say("--diff", url);
        await Say(url);
        await Say(url);
        await Say("--detach", url);
        await Say(url + "#other=" + Secret);
        await Say(url.Replace("http:", "ftp:", StringComparison.Ordinal));
        await Say(url.Replace("http:", "http:/", StringComparison.Ordinal));

        Assert.Contains($"http://{host}/x.sh{shown}", said.ToString(), StringComparison.Ordinal);
        Assert.All(world.Server.Requests, request => Assert.Contains(Uri.UnescapeDataString(query), Uri.UnescapeDataString(request)));
        IsNotIn(said.ToString());
        foreach (var file in Directory.EnumerateFiles(world.Home, "*", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(world.Work)))
        {
            IsNotIn(file + "\n" + await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        }

        async Task Say(params string[] arguments)
        {
            var result = await world.Run(arguments).Result();
            said.Append(result.Stdout).Append(result.Stderr);
        }
    }

    private static void IsNotIn(string text)
    {
        Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
        Assert.DoesNotContain(Base64, text, StringComparison.Ordinal);
    }

    /// <summary>A password that has a reserved character in it makes no URL, and is not part of the message that says so.</summary>
    [Theory]
    [InlineData("https://me:s3/cret@h/x")]
    [InlineData("https://me:s3?cret@h/x")]
    [InlineData("https://me:s3#cret@h/x")]
    [InlineData("https://me:cret@h/\\x")]
    [InlineData("https://me:cret@h/a\tb")]
    [InlineData("ssh://me:cret@h/x")]
    public async Task Is_not_part_of_a_message_about_the_command_line(string url)
    {
        using var box = new Sandbox();
        var result = await box.Run(url).Fails(ExitStatus.Usage);
        Assert.DoesNotContain("cret", result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("s3", result.Stderr, StringComparison.Ordinal);
    }

    /// <summary>Nor of what is said of a URL that stands where something else belongs, or that could not be fetched.</summary>
    [Theory]
    [InlineData("http://127.0.0.1:9/x?a=***", "--fetch --json")]
    [InlineData("http://127.0.0.1:9/x?a=***", "--fetch --json --pinned")]
    [InlineData("--wait=60 'http://127.0.0.1:9/x?a=***'?", "-w 60")]
    [InlineData("--clean=90d 'http://127.0.0.1:9/x?a=***'?", "-c 90d")]
    [InlineData("--lock=deploy 'http://127.0.0.1:9/x?a=***'?", "--lock deploy")]
    [InlineData("http://127.0.0.1:9/x?a=***: not a SHA-256 digest", "--sha256")]
    [InlineData("http://127.0.0.1:9/x?a=***: not an exit status", "-E")]
    [InlineData("http://127.0.0.1:9/x?a=***: no completion", "--completion")]
    [InlineData("http://127.0.0.1:9/x?a=***: no such file", "--config", "x")]
    [InlineData("http://127.0.0.1:9/x?a=***: no such launcher", "--on", "x")]
    [InlineData("no such interpreter: http://127.0.0.1:9/x?a=***", "-i", "./y")]
    public async Task Is_not_part_of_what_is_said_of_its_place(string shown, string options, params string[] script)
    {
        await using var world = await World.Serving();
        world.Put("y", Saying("ran"));
        string[] line = [.. options.Split(' '), $"http://{Secret}:{Secret}@127.0.0.1:9/x?a={Secret}", .. script];
        var result = await world.Run(line).Env("RUN_OFFLINE", options.Contains("fetch", StringComparison.Ordinal) ? "1" : null).Result();
        Assert.Contains(shown, result.Stdout + result.Stderr, StringComparison.Ordinal);
        IsNotIn(result.Stdout + result.Stderr);
    }

    [Theory]
    [InlineData("https://me:p@h/x?a=1#sha256={0}", "https://h/x?a=***#sha256={0}")]
    [InlineData("git+https://me:p@h/x//y#tree={0}", "git+https://h/x//y#tree={0}")]
    [InlineData("git+https://me:s3/cret@h/x", "git+https://***@h/x")]
    [InlineData("https://h/x#sha256=12", "https://h/x#***")]
    [InlineData("ops:bin/x#y", "ops:bin/x#y")]
    public void A_digest_is_no_secret(string typed, string shown)
    {
        var digest = new string('A', 64);
        Assert.Equal(
            string.Format(CultureInfo.InvariantCulture, shown, digest),
            UrlText.Shown(string.Format(CultureInfo.InvariantCulture, typed, digest)));
    }

    /// <summary>What a pin says of a commit is public, wherever in the URL it stands.</summary>
    [Fact]
    public async Task A_ref_in_the_query_is_pinned_and_the_token_beside_it_is_not_shown()
    {
        var commit = new string('a', 40);
        await using var world = await World.Serving(
            ("/commits/main", commit), ($"/x?private_token={Secret}&ref={commit}", Saying("pinned")),
            ($"/x?private_token={Secret}&ref=main", Saying("moved")));
        world.Conf($$"""
            sources:
              api:
                url: {{world.Server.Url}}/%s?private_token={{Secret}}&ref={ref}
                commit: {{world.Server.Url}}/commits/{ref}
                ref: main

            """);
        await world.Run("-q", "--pin", "api:x").Succeeds("");
        Assert.Equal(
            $"api:x {world.Server.Url}/x?private_token=***&ref={commit} sha256:{DigestOf(Saying("pinned"))}\n",
            await File.ReadAllTextAsync(world.Work + "/run.pins", TestContext.Current.CancellationToken));
        await world.Run("--clean", "--yes").Succeeds("");
        await world.Run("api:x").Succeeds("pinned\n");
        await world.Run("--dry-run", "api:x").Result();
    }

    [Theory]
    [InlineData("https://h/x?a=1&b=2", "https://h/%s?a=1&b={ref}", "https://h/x?a=***&b=2")]
    [InlineData("https://h/x?a=1;b=2", "https://h/%s?a=1;b={ref}", "https://h/x?a=***;b=2")]
    [InlineData("https://h/x?v1&b=2", "https://h/%s?{ref}&b=2", "https://h/x?v1&b=***")]
    [InlineData("https://h/x?a=1&b=2", "https://h/%s?a=1&b=v{ref}", "https://h/x?a=***&b=***")]
    [InlineData("https://h/x?a=1&b=2", "https://h/{ref}/%s", "https://h/x?a=***&b=***")]
    [InlineData("https://h/x?=1", "https://h/a={ref}&%s", "https://h/x?***")]
    public void Only_a_ref_of_the_pattern_is_shown(string url, string pattern, string shown) =>
        Assert.Equal(shown, UrlText.Redacted(url, pattern));
}
