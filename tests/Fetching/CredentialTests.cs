using System.Text;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>Private scripts: which server gets which credentials, and what the message says if they are not enough.</summary>
public sealed class CredentialTests
{
    [Fact]
    public async Task Configured_headers_go_to_the_sources_own_origin_alone_and_only_with_their_variables_set()
    {
        await using var world = await World.Serving();
        await using var mirror = await ScriptServer.Start();
        mirror["/x"] = Script;
        world.Conf($$"""
            sources:
              default:
                url: {{world.Server.Url}}/%s
                mirrors: ["{{mirror.Url}}/%s"]
                headers: {PRIVATE-TOKEN: "${OPS_TOKEN}", User-Agent: ours}

            """);
        await world.Run("x").Env("OPS_TOKEN", "s3cret").Succeeds("ran\n");
        Assert.Equal("s3cret", world.Server.Requests.Single().Header("private-token"));
        Assert.Equal("ours", world.Server.Requests.Single().Header("user-agent"));
        Assert.Null(mirror.Requests.Single().Header("private-token"));

        world.Server.ForgetRequests();
        await world.Run("-u", "x").Succeeds("ran\n");
        Assert.Null(world.Server.Requests.Single().Header("private-token"));
    }

    [Theory]
    [InlineData("X-Ops", "a\nInjected: b")]
    [InlineData("Host", "other.example.com")]
    [InlineData("Content-Length", "3")]
    public async Task A_header_that_could_change_the_request_is_refused(string name, string value)
    {
        await using var world = await World.Serving(("/x", Script));
        world.Conf($$"""
            sources:
              default:
                url: {{world.Server.Url}}/%s
                headers: {{{name}}: "${VALUE}"}

            """);
        await world.Run("x").Env("VALUE", value).Fails(ExitStatus.Configuration, name);
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task The_netrc_that_NETRC_names_is_read_instead_of_the_one_at_home()
    {
        await using var world = await World.Serving(("/x", Script));
        world.Put(world.Home + "/.netrc", "machine 127.0.0.1 login home password one\n");
        var other = world.Put("other", "machine 127.0.0.1 login other password \"t w\\\"o\"\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        await world.Run("-u", "x").Env("NETRC", other).Succeeds("ran\n");
        Assert.Equal(["home:one", "other:t w\"o"], world.Server.Requests.Select(static r => r.UserInfo));
    }

    [Theory]
    [InlineData("machine other login a password b\nmachine host login c password d", "c:d")]
    [InlineData("machine HOST\n\tlogin c\n\tpassword d\ndefault login e password f", "c:d")]
    [InlineData("machine other login a password b default login e password f", "e:f")]
    [InlineData("# machine host login c password d\nmachine host login e password f", "e:f")]
    [InlineData("macdef init\nmachine host login c password d\n\nmachine host login e password f", "e:f")]
    [InlineData("machine host account x login c password #d", "c:#d")]
    [InlineData("machine host login c", "c:")]
    [InlineData("machine host login c password d machine host login e password f", "c:d")]
    [InlineData("machine hosts login c password d", null)]
    [InlineData("machine host", null)]
    [InlineData("machine", null)]
    [InlineData("", null)]
    public void Netrc(string text, string? expected)
    {
        var found = Run.Http.Auth.Netrc.Find(text, "host", null);
        Assert.Equal(expected, found is { } f ? $"{f.User}:{f.Password}" : null);
    }

    [Fact]
    public void Netrc_has_the_password_for_a_name()
    {
        const string text = "machine host login a password b\nmachine host login c password d";
        Assert.Equal(("c", "d"), Run.Http.Auth.Netrc.Find(text, "host", "c"));
        Assert.Null(Run.Http.Auth.Netrc.Find(text, "host", "e"));
    }

    [Theory]
    [InlineData("raw.githubusercontent.com", "GH_TOKEN=one GITHUB_TOKEN=two", "authorization", "Bearer one")]
    [InlineData("github.com", "GITHUB_TOKEN=two", "authorization", "Bearer two")]
    [InlineData("api.github.com", "GH_TOKEN= GITHUB_TOKEN=two", "authorization", "Bearer two")]
    [InlineData("gist.githubusercontent.com", "GH_TOKEN=one", "authorization", "Bearer one")]
    [InlineData("gitlab.com", "GITLAB_TOKEN=three GH_TOKEN=one", "private-token", "three")]
    [InlineData("example.com", "GITLAB_TOKEN=three GH_TOKEN=one GITHUB_TOKEN=two", "authorization", null)]
    [InlineData("raw.githubusercontent.com.example.com", "GH_TOKEN=one", "authorization", null)]
    [InlineData("github.com", "GITLAB_TOKEN=three", "private-token", null)]
    public async Task Tokens_go_only_to_the_hosts_that_they_are_for(string host, string variables, string header, string? expected)
    {
        await using var world = await ProxiedHost.Of(host);
        world.Server["/o/r/x"] = Script;
        await world.Run(variables, $"https://{host}/o/r/x").Succeeds("ran\n");
        Assert.Equal(expected, world.Server.Requests.Single().Header(header));
        Assert.StartsWith($"CONNECT {host}:443 ", world.Proxy.Heads.Single(), StringComparison.Ordinal);
        Assert.DoesNotContain("uthorization", world.Proxy.Heads.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_does_not_follow_a_redirect_from_elsewhere()
    {
        await using var world = await ProxiedHost.Of("github.com");
        await using var elsewhere = await ScriptServer.Start();
        world.Server["/x"] = Script;
        world.Server.Redirect("/moved", "/x");
        elsewhere.Redirect("/x", "https://github.com/x");
        await world.Run("GH_TOKEN=one", "https://github.com/moved").Succeeds("ran\n");
        await world.Run("GH_TOKEN=one", elsewhere.Url + "/x").Succeeds("ran\n");
        Assert.Equal(["Bearer one", "Bearer one", null], world.Server.Requests.Select(static r => r.Header("authorization")));
    }

    [Fact]
    public async Task The_sources_headers_take_precedence_over_a_token()
    {
        await using var world = await ProxiedHost.Of("github.com");
        world.Server["/x"] = Script;
        world.Box.Conf("sources:\n  default:\n    url: https://github.com/%s\n    headers: {Authorization: mine}\n");
        await world.Run("GH_TOKEN=one", "x").Succeeds("ran\n");
        await world.Run("GH_TOKEN=one", "-u", "https://me:too@github.com/x").Succeeds("ran\n");
        Assert.Equal(["mine", "Basic bWU6dG9v"], world.Server.Requests.Select(static r => r.Header("authorization")));
    }

    [Theory]
    [InlineData("raw.githubusercontent.com", 404, "", 127, "set GH_TOKEN")]
    [InlineData("raw.githubusercontent.com", 401, "", 77, "set GH_TOKEN")]
    [InlineData("raw.githubusercontent.com", 403, "", 77, "set GH_TOKEN")]
    [InlineData("raw.githubusercontent.com", 404, "GITHUB_TOKEN=t", 127, "the token in GITHUB_TOKEN")]
    [InlineData("gitlab.com", 404, "", 127, "set GITLAB_TOKEN")]
    [InlineData("example.com", 401, "", 77, "~/.netrc")]
    public async Task A_refusal_says_what_might_help(string host, int answer, string variables, int status, string hint)
    {
        await using var world = await ProxiedHost.Of(host);
        world.Server.Status("/o/r/x", answer);
        await world.Run(variables, $"https://{host}/o/r/x").Fails((ExitStatus)status, $"https://{host}/o/r/x", hint);
    }

    [Theory]
    [InlineData(403)]
    [InlineData(429)]
    public async Task A_rate_limit_says_which_variable_raises_it(int status)
    {
        await using var world = await ProxiedHost.Of("api.github.com");
        world.Server.Map("/x", context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers["x-ratelimit-remaining"] = "0";
            context.Response.Headers.RetryAfter = "3600";
            return Task.CompletedTask;
        });
        var expected = status == 403 ? ExitStatus.Refused : ExitStatus.Unavailable;
        await world.Run("", "https://api.github.com/x").Fails(expected, "GH_TOKEN", "limit");
    }

    [Fact]
    public async Task No_secret_is_ever_shown_or_stored()
    {
        await using var world = await World.Serving();
        const string secret = "s3cret";
        world.Server[$"/x?access_token={secret}"] = Script;
        world.Server.Redirect("/moved", $"/x?access_token={secret}");
        var authority = new Uri(world.Server.Url).Authority;
        world.Conf($$"""
            sources:
              user: http://me:{{secret}}@{{authority}}/%s
              query: http://{{authority}}/%s?access_token={{secret}}
              header:
                url: http://{{authority}}/%s
                headers: {X-Secret: "${OPS_TOKEN}"}

            """);
        world.Variables["OPS_TOKEN"] = secret;
        var said = new StringBuilder();
        foreach (var arguments in (string[][])
        [
            ["--verbose", "user:moved"], ["--verbose", "query:x"], ["--verbose", "header:moved"], ["-u", "--verbose", "user:moved"],
            ["user:404"], ["query:404"], ["header:404"], ["--dry-run", "user:moved"], ["--dry-run", "--json", "query:x"],
            ["--list"], ["--list", "--json"],
        ])
        {
            var result = await world.Run(arguments).Result();
            said.Append(result.Stdout).Append(result.Stderr);
        }

        Assert.Contains("ran\n", said.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(secret, said.ToString(), StringComparison.Ordinal);
        foreach (var file in Directory.EnumerateFiles(world.Home, "*", SearchOption.AllDirectories).Where(file => file != world.ConfFile))
        {
            Assert.DoesNotContain(secret, file, StringComparison.Ordinal);
            var content = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            Assert.DoesNotContain(secret, content, StringComparison.Ordinal);
        }
    }

    /// <summary>A world in which one host is a server on this machine, with a trusted certificate, behind a proxy.</summary>
    private sealed class ProxiedHost : IAsyncDisposable
    {
        public Sandbox Box { get; } = new();

        public required ScriptServer Server { get; init; }

        public required ConnectProxy Proxy { get; init; }

        public static async Task<ProxiedHost> Of(string host)
        {
            using var authority = new Certificates();
            var server = await ScriptServer.StartTls(authority.Issue(host), host);
            var world = new ProxiedHost { Server = server, Proxy = ConnectProxy.To(server.Port) };
            world.Box.Trust(authority);
            world.Box.Variables["HTTPS_PROXY"] = world.Proxy.Authority;
            return world;
        }

        /// <param name="variables">As NAME=VALUE, separated by blanks.</param>
        public Command Run(string variables, params string[] arguments)
        {
            var command = Box.Run(arguments);
            foreach (var variable in variables.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var words = variable.Split('=', 2);
                command.Env(words[0], words[1]);
            }

            return command;
        }

        public async ValueTask DisposeAsync()
        {
            await Proxy.DisposeAsync();
            await Server.DisposeAsync();
            Box.Dispose();
        }
    }
}
