using Run.Tests.Fetching;
using Run.Tests.Locking;

namespace Run.Tests.CommandLine;

/// <summary>A slip of the finger runs nobody's code, and is told what was probably meant.</summary>
public sealed class SlipTests
{
    private const string Question = "run it? [y/N] ";

    [Fact]
    public async Task A_bare_name_that_is_not_found_is_told_what_may_have_been_meant()
    {
        await using var world = await World.Serving();
        world.Put("hello.sh", Saying("ran"));
        await world.Run("hello.sh").Fails(ExitStatus.NotFound, "hello.sh", "did you mean ./hello.sh?");
        await world.Run("-u", "hello.sh").Fails(ExitStatus.NotFound, "did you mean ./hello.sh?");
        await world.Run("--lock", "deploy", "./hello.sh").Fails(ExitStatus.NotFound, "did you mean --lock=deploy ./hello.sh?");
        await world.Run("list").Fails(ExitStatus.NotFound, "did you mean run --list?");
        await world.Run("ls").Fails(ExitStatus.NotFound, "did you mean run --list?");
        var other = await world.Run("--lock", "other", "argument").Result();
        Assert.DoesNotContain("did you mean", other.Failed(127).Stderr, StringComparison.Ordinal);

        // A name with its source is no slip of that kind.
        other = await world.Run("default:hello.sh").Result();
        Assert.DoesNotContain("./hello.sh?", other.Failed(127).Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_project_in_a_subgroup_is_told_how_to_be_named()
    {
        await using var world = await World.Serving(("/group/sub/repo/-/raw/HEAD/bin/x", Saying("ran")));
        world.Sources(world.Server, $"lab: {world.Server.Url}/%s/%s/-/raw/{{ref}}/%s");
        await world.Run("lab:group/sub/repo/x@v1").Fails(ExitStatus.NotFound, "in a subgroup it would be lab:group/sub/repo/-/x@v1");
        await world.Run("lab:group/sub/repo/-/bin/x").Succeeds("ran\n");
        await world.Run("--pin", "lab:group/sub/repo/-/bin/x").Result();
        await world.Run("--pinned", "lab:group/sub/repo/-/bin/x").Succeeds("ran\n");
    }

    [Theory]
    [InlineData(404)]
    [InlineData(401)]
    public async Task A_header_that_was_not_sent_is_named(int answer)
    {
        var status = answer == 404 ? ExitStatus.NotFound : ExitStatus.Refused;
        await using var world = await World.Serving();
        world.Server.Status("/x", answer);
        world.Conf($"sources:\n  ops:\n    url: {world.Server.Url}/%s\n    headers: {{PRIVATE-TOKEN: \"${{OPS_TOKEN}}\"}}\n");
        await world.Run("ops:x").Fails(status, "PRIVATE-TOKEN", "OPS_TOKEN is not set");
        var sent = await world.Run("ops:x").Env("OPS_TOKEN", "s3cret").Result();
        Assert.DoesNotContain("OPS_TOKEN", sent.Failed((int)status).Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_fetch_of_a_bare_name_that_no_run_conf_explains_is_asked_about()
    {
        await using var forge = await BuiltIn.Serving("x");
        await using (var child = forge.Run("x").OnTerminal().Start())
        {
            await child.Output(Question);
            Assert.Contains("| echo ran", child.OutputSoFar, StringComparison.Ordinal);
            await child.Type("\n");
            var refused = await child.Exit();
            Assert.Equal(77, refused.Status);
            Assert.DoesNotContain("\nran", refused.Stdout, StringComparison.Ordinal);
        }

        await using (var child = forge.Run("x").OnTerminal().Start())
        {
            await child.Output(Question);
            await child.Type("y\n");
            Assert.EndsWith(Question + "y\r\nran\r\n", (await child.Exit()).Stdout, StringComparison.Ordinal);
        }

        // Only the first: neither the copy nor a later version is asked about.
        (await forge.Run("x").OnTerminal().Result()).Is(0, "ran\r\n");
        forge.Says("x", "newer");
        (await forge.Run("-u", "x").OnTerminal().Result()).Is(0, "newer\r\n");
    }

    [Theory]
    [InlineData("default:x")]
    [InlineData("github:runscripts/scripts/x")]
    [InlineData("--sha256={digest} x")]
    public async Task Whoever_says_more_than_a_bare_name_has_answered(string line)
    {
        await using var forge = await BuiltIn.Serving("x");
        var words = line.Replace("{digest}", DigestOf(Saying("ran")), StringComparison.Ordinal).Split(' ');
        (await forge.Run(words).OnTerminal().Result()).Is(0, "ran\r\n");
    }

    [Fact]
    public async Task Off_a_terminal_nothing_is_asked()
    {
        await using var forge = await BuiltIn.Serving("x");
        await forge.Run("x").Succeeds("ran\n");
    }

    [Fact]
    public async Task Without_a_run_conf_a_name_that_is_not_found_leads_to_one()
    {
        await using var forge = await BuiltIn.Serving("x");
        await forge.Run("something").Fails(ExitStatus.NotFound, "404", "run --init");
        await forge.Run("github:OWNER/REPO/something").Fails(ExitStatus.NotFound, "404", "GH_TOKEN");
    }

    [Fact]
    public async Task Ctrl_C_in_a_fetch_ends_the_loop_of_the_shell_too()
    {
        await using var world = World.Answering(RawServer.Stalls("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n#!/bin/sh\n"));
        await using var child = world.Exec("bash", "-c", "for i in 1 2 3; do run dir/slow.sh; echo \"after $?\"; done")
            .Env("TERM", "xterm").OnTerminal().Start();
        await child.Output("fetching slow.sh");
        await child.Type("\u0003");
        var result = await child.Exit();
        Assert.Equal(130, result.Status);
        Assert.DoesNotContain("after", result.Stdout, StringComparison.Ordinal);
        Assert.EndsWith("\r\e[K", result.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_while_waiting_or_asked_ends_it_too()
    {
        await using var forge = await BuiltIn.Serving("x");
        forge.PutHolder();
        const string Loop = "for i in 1 2 3; do run $0 $1; echo \"after $?\"; done";
        await using var holder = await forge.Holds("--lock", "./x");
        foreach (var (words, shown) in (((string, string), string)[])[(("--wait", "./x"), "waiting"), (("--quiet", "x"), Question)])
        {
            await using var child = forge.Exec("bash", "-c", Loop, words.Item1, words.Item2).OnTerminal().Start();
            await child.Output(shown);
            await child.Type("\u0003");
            var result = await child.Exit();
            Assert.Equal(130, result.Status);
            Assert.DoesNotContain("after", result.Stdout, StringComparison.Ordinal);
        }

        await holder.Ends();
    }

    /// <summary>A world in which raw.githubusercontent.com is a server of its own, and nobody has written a run.conf.</summary>
    private sealed class BuiltIn : Sandbox, IAsyncDisposable
    {
        private const string Host = "raw.githubusercontent.com";
        private readonly ScriptServer _server;
        private readonly ConnectProxy _proxy;

        private BuiltIn(ScriptServer server)
        {
            (_server, _proxy) = (server, ConnectProxy.To(server.Port));
            Variables["HTTPS_PROXY"] = $"http://{_proxy.Authority}";
        }

        public static async Task<BuiltIn> Serving(string name)
        {
            using var authority = new Certificates();
            var box = new BuiltIn(await ScriptServer.StartTls(authority.Issue(Host), Host));
            box.Trust(authority);
            box.Says(name, "ran");
            return box;
        }

        public void Says(string name, string line) => _server[$"/runscripts/scripts/HEAD/{name}"] = Saying(line);

        public async ValueTask DisposeAsync()
        {
            await _proxy.DisposeAsync();
            await _server.DisposeAsync();
            Dispose();
        }
    }
}
