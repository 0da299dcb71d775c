using Microsoft.AspNetCore.Http;
using Run.Tests.Fetching;
using Run.Tests.Signing;

namespace Run.Tests.Caching;

/// <summary>What waits for the fetch of another process gets that one's failure only if it asks for the same.</summary>
public sealed class SharedFailureTests
{
    [Fact]
    [Needs("ssh-keygen")]
    public async Task A_missing_signature_is_the_failure_of_the_source_that_wants_one()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Allow(new Signer(world, "alice").Line());
        world.Conf($"sources:\n  s: {{url: '{world.Server.Url}/%s', signers: ~/signers}}\n  plain: {world.Server.Url}/%s\n");
        await Beside(world, ["s:x"], ExitStatus.Data, ["plain:x"]);
    }

    [Fact]
    public async Task So_is_a_file_of_signers_that_is_not_there()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Conf($"sources:\n  s: {{url: '{world.Server.Url}/%s', signers: ~/signers}}\n  plain: {world.Server.Url}/%s\n");
        await Beside(world, ["s:x"], ExitStatus.Configuration, ["plain:x"]);
    }

    [Fact]
    public async Task A_digest_is_that_of_the_one_who_has_given_it()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Beside(world, ["--sha256", new string('0', 64), "x"], ExitStatus.Data, ["x"]);
    }

    [Fact]
    public async Task Who_asks_for_the_same_gets_the_same_answer()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var gate = world.Server.Hold("/x");
        string[] arguments = ["--sha256", new string('0', 64), "x"];
        await using var first = world.Run(arguments).Start();
        await gate.Reached;
        await using var second = world.Run(arguments).Start();
        await Waits(second);
        gate.Open();
        Assert.Equal((int)ExitStatus.Data, (await first.Exit()).Status);
        Assert.Equal((int)ExitStatus.Data, (await second.Exit()).Status);
        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Fact]
    public async Task That_a_server_is_down_concerns_all_who_ask_it()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var gate = new TaskCompletionSource();
        var reached = new TaskCompletionSource();
        world.Server.Map("/x", async context =>
        {
            reached.TrySetResult();
            await gate.Task.WaitAsync(context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "1000";
        });
        await using var first = world.Run("--sha256", new string('0', 64), "x").Start();
        await reached.Task;
        await using var second = world.Run("x").Start();
        await Waits(second);
        gate.SetResult();
        Assert.Equal((int)ExitStatus.Unavailable, (await first.Exit()).Status);
        Assert.Equal((int)ExitStatus.Unavailable, (await second.Exit()).Status);
        Assert.Equal(1, world.Server.Count("/x"));
    }

    /// <summary>A server that refuses one user's token may accept another's; the same for what leads there.</summary>
    [Theory]
    [InlineData("NETRC", "/none", "netrc")]
    [InlineData("HOME", "/none", "home")]
    [InlineData("OPS_TOKEN", null, "s3cret")]
    [InlineData("OPS_TOKEN", "old", "s3cret")]
    public async Task A_refusal_is_that_of_the_one_whose_credentials_were_refused(string variable, string? first, string second)
    {
        await using var world = await World.Serving();
        world.SourceWith("headers: {X-Token: \"${OPS_TOKEN}\"}");
        foreach (var file in (string[])["netrc", "home/.netrc"])
        {
            world.Put(file, "default login me password s3cret\n", executable: false);
        }

        world.Server.Map("/x", context =>
            context.Request.Headers.Authorization.Count > 0 || context.Request.Headers["X-Token"] == "s3cret"
                ? ScriptServer.Send(context, Saying("ran"))
                : ScriptServer.Refuse(context, StatusCodes.Status401Unauthorized));
        var right = variable == "OPS_TOKEN" ? second : Path.Combine(world.Work, second);
        Command Run(string? value) => world.Run("x")
            .Env("RUN_CACHE", world.Cache).Env("RUN_CONFIG", world.ConfFile).Env("XDG_STATE_HOME", world.StateHome).Env(variable, value);

        var gate = world.Server.Hold("/x");
        await using var refused = Run(first).Start();
        await gate.Reached;
        await using var accepted = Run(right).Start();
        await Waits(accepted);
        gate.Open();
        Assert.Equal((int)ExitStatus.Refused, (await refused.Exit()).Status);
        (await accepted.Exit()).Is(0, "ran\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    [Fact]
    public async Task A_proxy_that_fails_is_that_of_the_one_who_goes_through_it()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.SourceWith("plain-http: allow");
        var (reached, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var proxy = RawServer.Start(async connection =>
        {
            reached.TrySetResult();
            await gate.Task.WaitAsync(connection.End);
            await connection.Send("HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
        });
        await using var first = world.Run("x").Env("http_proxy", proxy.Url).Start();
        await reached.Task.WaitAsync(Eventually.Deadline, TestContext.Current.CancellationToken);
        await using var second = world.Run("x").Start();
        await Waits(second);
        gate.SetResult();
        Assert.Equal((int)ExitStatus.Unavailable, (await first.Exit()).Status);
        (await second.Exit()).Is(0, "ran\n");
        Assert.Equal(1, world.Server.Count("/x"));
    }

    /// <summary>Who waits would else have the failure of a certificate that it trusts.</summary>
    [Fact]
    public async Task A_certificate_that_is_not_trusted_is_that_of_the_one_who_does_not_trust_it()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue(), "127.0.0.1", ("/x", Saying("ran")));
        world.Trust(authority);

        // Held before TLS begins.
        var (reached, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var proxy = ConnectProxy.To(world.Server.Port, () =>
        {
            reached.TrySetResult();
            return gate.Task;
        });
        Command Run() => world.Run("x").Env("https_proxy", $"http://{proxy.Authority}");
        await using var first = Run().Env("SSL_CERT_FILE", "/dev/null").Start();
        await reached.Task.WaitAsync(Eventually.Deadline, TestContext.Current.CancellationToken);
        await using var second = Run().Start();
        await Waits(second);
        gate.SetResult();
        var failed = await first.Exit();
        Assert.NotEqual(0, failed.Status);
        (await second.Exit()).Is(0, "ran\n");
    }

    /// <summary>The first fails; the second, which has waited for it, runs.</summary>
    private static async Task Beside(World<ScriptServer> world, string[] failing, ExitStatus status, string[] waiting)
    {
        var gate = world.Server.Hold("/x");
        await using var first = world.Run(failing).Start();
        await gate.Reached;
        await using var second = world.Run(waiting).Start();
        await Waits(second);
        gate.Open();
        Assert.Equal((int)status, (await first.Exit()).Status);
        (await second.Exit()).Is(0, "ran\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    /// <summary>Until the process has the file of the other's fetch open.</summary>
    internal static Task Waits(Child child) => Eventually.True(() => Open(child.Pid).Contains("/flights/"), "it waits for the fetch");

    private static string Open(int process)
    {
        try
        {
            return string.Concat(Directory.GetFileSystemEntries($"/proc/{process}/fd").Select(static fd => new FileInfo(fd).LinkTarget));
        }
        catch (IOException)
        {
            // A descriptor was closed meanwhile.
            return "";
        }
    }
}
