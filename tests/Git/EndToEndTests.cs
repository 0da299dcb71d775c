namespace Run.Tests.Git;

/// <summary>Repositories by the program itself.</summary>
[Needs("git")]
public sealed class EndToEndTests : IDisposable
{
    private const string PackRequest = "/tools.git/git-upload-pack";

    private readonly Sandbox _box = new();
    private readonly GitSource _source;

    public EndToEndTests()
    {
        _source = new GitSource(_box);
        _ = _source.Commit(
            ("bin/deploy", "#!/bin/sh\n. \"$(dirname \"$0\")/../lib/say.sh\"\nsay \"$*\"\n"),
            ("lib/say.sh", "say() { echo \"says $1\"; }\n"));
    }

    public void Dispose() => _box.Dispose();

    [Fact]
    public async Task Over_http()
    {
        await using var server = await ScriptServer.Start();
        var name = $"git+{_source.ServeOn(server)}//bin/deploy";
        await _box.Run(name, "a b").Succeeds("says a b\n");
        var requests = server.Requests.Length;
        await _box.Run(name, "again").Succeeds("says again\n");
        Assert.Equal(requests, server.Requests.Length);
    }

    [Fact]
    [Needs("ssh", "sshd", "ssh-keygen")]
    public async Task Over_ssh()
    {
        await using var server = await SshServer.Start(_box);
        var name = $"git+{server.Url(_source.Directory)}//bin/deploy";
        await _box.Run(name, "x").Env("GIT_SSH_COMMAND", server.StrangersCommand)
            .Fails(ExitStatus.Refused, "access denied", "Permission denied");
        await _box.Run(name, "x").Env("GIT_SSH_COMMAND", server.Command).Succeeds("says x\n");
    }

    /// <summary>What the user's own configuration makes of the URL, is the user's word.</summary>
    [Theory]
    [InlineData("file://ROOT/")]
    [InlineData("ROOT/")]
    [InlineData("SERVER/")]
    public async Task Where_insteadOf_leads(string instead)
    {
        await using var server = await ScriptServer.Start();
        _ = _source.ServeOn(server);
        instead = instead.Replace("ROOT", Path.GetDirectoryName(_source.Directory), StringComparison.Ordinal)
            .Replace("SERVER", server.Url, StringComparison.Ordinal);
        var name = instead.StartsWith("http", StringComparison.Ordinal) ? "tools.git" : "tools";
        TestFile.Write($"{_box.Home}/.gitconfig", $"[url \"{instead}\"]\n\tinsteadOf = https://corp.example/\n");
        await _box.Run($"git+https://corp.example/{name}//bin/deploy", "x").Succeeds("says x\n");
        await _box.Run($"git+https://corp.example/{name}//bin/deploy@mian").Fails(ExitStatus.NotFound, "did you mean 'main'?");
    }

    [Fact]
    public async Task A_password_is_for_the_server_that_the_URL_names()
    {
        await using var server = await ScriptServer.Start();
        var url = _source.ServeOn(server, "ann:secret");
        string Leads(string to) => $"[url \"{to}/\"]\n\tinsteadOf = https://corp.example/\n";
        TestFile.Write($"{_box.Home}/.gitconfig", Leads(server.Url));
        await _box.Run("git+https://ann:secret@corp.example/tools.git//bin/deploy").Fails(ExitStatus.Refused, "access denied");
        await _box.Run($"git+{url.Replace("//", "//ann:secret@", StringComparison.Ordinal)}//bin/deploy", "x").Succeeds("says x\n");
        TestFile.Write($"{_box.Home}/.gitconfig", Leads(server.Url.Replace("//", "//ann:secret@", StringComparison.Ordinal)));
        await _box.Run("git+https://corp.example/tools.git//bin/deploy", "x").Succeeds("says x\n");
    }

    [Theory]
    [InlineData("http://ann:hunter2@SERVER/", "tools", 0)]
    [InlineData("http://ann:hunter2@SERVER/", "nothing", 127)]
    [InlineData("http://ann:hunter2x@SERVER/", "tools", 77)]
    [InlineData("http://ann:hunter2@SERVER/", "failing", 69)]
    [InlineData("http://ann:hunter2@127.0.0.1:1/", "tools", 69)]
    [InlineData("http://ann:hunter2@192.0.2.1/", "tools", 77)]
    [InlineData("https://ann:hunter2@SERVER/", "tools", 69)]
    [InlineData("ssh://ann:hunter2@127.0.0.1:1/", "tools", 69)]
    [InlineData("ftp://ann:hunter2@192.0.2.1/", "tools", 77)]
    [InlineData("ext::false ann:hunter2@", "tools", 77)]
    public async Task The_password_of_insteadOf_is_neither_shown_nor_stored(string instead, string name, int status)
    {
        await using var server = await ScriptServer.Start();
        _ = _source.ServeOn(server, "ann:hunter2");
        server.Status("/failing.git/info/refs?service=git-upload-pack", 500);
        instead = instead.Replace("SERVER", new Uri(server.Url).Authority, StringComparison.Ordinal);
        TestFile.Write($"{_box.Home}/.gitconfig", $"[url \"{instead}\"]\n\tinsteadOf = https://corp.example/\n");
        var script = $"git+https://corp.example/{name}.git//bin/deploy";
        var run = await _box.Run("--verbose", script).Result();
        Assert.Equal(status, run.Status);
        Result[] all =
        [
            run, await _box.Run("--verbose", $"{script}@mian").Result(), await _box.Run("-n", script).Result(),
            await _box.Run("--list", "--json").Result(),
        ];
        foreach (var result in all)
        {
            Assert.DoesNotContain("hunter2", result.Stdout + result.Stderr, StringComparison.Ordinal);
        }

        File.Delete($"{_box.Home}/.gitconfig");
        var found = await _box.Sh("grep -r -l hunter2 \"$HOME\"").Result();
        Assert.Equal((1, ""), (found.Status, found.Stdout));
    }

    /// <summary>In any of the forms in which it got it, or that are in the URL.</summary>
    [Theory]
    [InlineData("ann:hunter22")]
    [InlineData("secret-user:s3cret%2Fword")]
    [InlineData("token-and-no-password")]
    [InlineData("ann:pw")]
    public async Task A_server_that_repeats_a_password(string userInfo)
    {
        await using var server = await ScriptServer.Start();
        var decoded = Uri.UnescapeDataString(userInfo);
        var basic = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(decoded));
        server.Map("/tools.git/info/refs?service=git-upload-pack", context =>
        {
            context.Response.ContentType = "application/x-git-upload-pack-advertisement";
            var words = $"ERR no access for {decoded} {decoded.Split(':')[^1]}, {userInfo}! {basic}\n";
            return ScriptServer.Send(context, $"001e# service=git-upload-pack\n0000{words.Length + 4:x4}{words}0000");
        });
        var withUser = server.Url.Replace("//", $"//{userInfo}@", StringComparison.Ordinal);
        await Hides($"git+{withUser}/tools.git//bin/deploy");
        TestFile.Write($"{_box.Home}/.gitconfig", $"[url \"{withUser}/\"]\n\tinsteadOf = https://corp.example/\n");
        await Hides("git+https://corp.example/tools.git//bin/deploy");

        async Task Hides(string script)
        {
            var failed = await _box.Run(script).Fails(ExitStatus.Unavailable, "no access for *** ");
            foreach (var secret in ((string[])[userInfo, decoded, .. decoded.Split(':'), basic]).Where(static s => s.Length > 3))
            {
                Assert.DoesNotContain(secret, failed.Stderr, StringComparison.Ordinal);
            }
        }
    }

    /// <summary>Plain http that leads to a safe place asks for nothing, and https that leads to plain http does.</summary>
    [Fact]
    public async Task InsteadOf_and_plain_http()
    {
        TestFile.Write(
            $"{_box.Home}/.gitconfig",
            $"[url \"{_source.FileUrl}\"]\n\tinsteadOf = http://corp.example/x\n"
                + "[url \"http://corp.example:1/\"]\n\tinsteadOf = https://corp.example/\n[http]\n\tproxy = http://127.0.0.1:1\n");
        await _box.Run("git+http://corp.example/x//bin/deploy", "x").Succeeds("says x\n");
        await _box.Run("git+https://corp.example/y//bin/deploy").Fails(ExitStatus.Refused, "plain http is refused", "plain-http: allow");
        _box.Put("conf", "sources:\n  c: {url: git+https://corp.example/y//%s, plain-http: allow}\n");
        await _box.Run("--config", "conf", "c:bin/deploy").Fails(ExitStatus.Unavailable, "cannot be fetched");
    }

    /// <summary>Then all that is left is what git says beside every failure; its advice, which comes last, says nothing.</summary>
    [Fact]
    public async Task An_ssh_that_says_nothing() =>
        await _box.Run("git+ssh://h.test/tools//bin/deploy").Env("GIT_SSH_COMMAND", "false")
            .Fails(ExitStatus.Unavailable, "cannot be fetched", "git: Could not read from remote repository.");

    /// <summary>git sends one of its own messages with the NUL that ends it.</summary>
    [Fact]
    public async Task A_repository_that_lacks_a_file()
    {
        var blob = _source.Git("rev-parse", "HEAD:lib/say.sh").Trim();
        File.Delete($"{_source.Directory}/.git/objects/{blob[..2]}/{blob[2..]}");
        var failed = await _box.Run($"git+{_source.FileUrl}//bin/deploy").Fails(ExitStatus.Unavailable, "cannot be fetched", "git: ");
        Assert.Contains("on the remote side.\n", failed.Stderr, StringComparison.Ordinal);
    }

    /// <summary>git asks on the terminal itself, and run neither disturbs it nor loses its patience.</summary>
    [Fact]
    public async Task On_a_terminal_git_may_ask()
    {
        await using var server = await ScriptServer.Start();
        var name = $"git+{_source.ServeOn(server, "ann:secret")}//bin/deploy";
        await _box.Run(name).Fails(ExitStatus.Refused, "access denied", "could not read Username", "credential helpers");
        await using var child = _box.Run(name, "x").OnTerminal().Start();
        await child.Output("Username for");
        await child.Type("ann\n");
        await child.Output("Password for");
        await child.Type("secret\n");
        await child.Output("says x");
        Assert.Equal(0, (await child.Exit()).Status);
        Assert.DoesNotContain("secret", child.OutputSoFar, StringComparison.Ordinal);
    }

    /// <summary>git and its helpers end with run, and nothing is left of what they wrote.</summary>
    [Theory]
    [InlineData(Libc.SIGINT)]
    [InlineData(Libc.SIGTERM)]
    [InlineData(Libc.SIGHUP)]
    public async Task Interrupted(int signal)
    {
        await using var server = await ScriptServer.Start();
        var name = $"git+{_source.ServeOn(server)}//bin/deploy";
        var gate = server.Hold(PackRequest);
        await using (var child = _box.Run(name).Start())
        {
            await gate.Reached;
            child.Signal(signal);
            Assert.Equal(128 + signal, (await child.Exit()).Status);
            await NoGit();
            Assert.Empty(LeftOvers());
        }

        gate.Open();
        await _box.Run(name, "x").Succeeds("says x\n");
    }

    /// <summary>On a terminal git is in run's own process group, because it may ask there; one who only signals run ends it, too.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Interrupted_on_a_terminal(bool byKey)
    {
        await using var server = await ScriptServer.Start();
        var name = $"git+{_source.ServeOn(server)}//bin/deploy";
        var gate = server.Hold(PackRequest);
        await using var child = _box.Run(name).OnTerminal().Start();
        await gate.Reached;
        if (byKey)
        {
            await child.Type("\u0003");
        }
        else
        {
            var run = Infra.Processes.Under(_box.Root).Single(static pid => File.ReadAllText($"/proc/{pid}/comm") == "run\n");
            Libc.Signal(run, Libc.SIGTERM);
        }

        _ = await child.Exit();
        await NoGit();
        Assert.Empty(LeftOvers());
    }

    [Fact]
    public async Task Killed_in_the_middle()
    {
        await using var server = await ScriptServer.Start();
        var name = $"git+{_source.ServeOn(server)}//bin/deploy";
        var gate = server.Hold(PackRequest);
        await using (var child = _box.Run(name).Start())
        {
            await gate.Reached;
            child.Signal(Libc.SIGKILL);
            await child.Exit();
        }

        // The git of the one that was killed goes on, beside that of the next one.
        Assert.NotEmpty(LeftOvers());
        gate.Open();
        await _box.Run(name, "x").Succeeds("says x\n");
        await NoGit();
        await _box.Run("-u", name, "y").Succeeds("says y\n");
        Assert.Empty(LeftOvers());
    }

    [Fact]
    public async Task Killed_at_any_moment()
    {
        var name = $"git+{_source.FileUrl}//bin/deploy";
        for (var i = 0; i < 10; i++)
        {
            _ = _source.Commit(("lib/data", new string((char)('a' + i), 200_000)), ("lib/say.sh", $"say() {{ echo \"{i} $1\"; }}\n"));
            await using (var child = _box.Run("-u", name, "x").Start())
            {
                await Task.Delay(Random.Shared.Next(200), TestContext.Current.CancellationToken);
                child.Signal(Libc.SIGKILL);
                _ = await child.Exit();
            }

            await _box.Run("-u", name, "x").Succeeds($"{i} x\n");
        }
    }

    [Fact]
    public async Task With_a_umask_that_forbids_everything() =>
        await _box.Run($"git+{_source.FileUrl}//bin/deploy", "x").Umask("777").Succeeds("says x\n");

    /// <summary>A caller that ignores SIGCHLD, as some container supervisors do.</summary>
    [Fact]
    public async Task With_children_that_nobody_waits_for() =>
        await _box.Run($"git+{_source.FileUrl}//bin/deploy", "x").Ignoring(Libc.SIGCHLD).Succeeds("says x\n");

    private Task NoGit() => Eventually.True(
        () => !Infra.Processes.Under(_box.Cache).Any(static pid => Program(pid).StartsWith("git", StringComparison.Ordinal)),
        "git has ended");

    private static string Program(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm");
        }
        catch (IOException)
        {
            return "";
        }
    }

    private string[] LeftOvers() => Directory.Exists(_box.Cache)
        ? Directory.GetDirectories(_box.Cache, "incoming-*", SearchOption.AllDirectories)
        : [];
}
