using Run.Tests.Transcripts;

namespace Run.Tests;

/// <summary>The test harness itself: if it is wrong, its tests say nothing about run.</summary>
public sealed class HarnessTests
{
    [Fact]
    public async Task A_command_gets_its_bytes_and_nothing_of_the_runner()
    {
        using var box = new Sandbox();
        var result = await box.Exec(Suite.Tell, "a\udcff\n", "").Env("X", "\udc80").Result();
        Assert.Equal(0, result.Status);
        Assert.Contains(@"argument: a\xff\x0a" + "\nargument: \n", result.Stdout, StringComparison.Ordinal);
        Assert.Contains(@"variable: X=\x80" + "\n", result.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("DOTNET", result.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("ignored", result.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("fd 3:", result.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_tellings_of_the_same_start_are_equal_and_those_of_another_are_not()
    {
        using var box = new Sandbox();
        var first = await box.Exec(Suite.Tell).OnTerminal().Result();
        var second = await box.Exec(Suite.Tell).OnTerminal().Result();
        var other = await box.Exec(Suite.Tell).OnTerminal().Ignoring(Libc.SIGPIPE).Result();
        Assert.Equal(first.Stdout, second.Stdout);
        Assert.NotEqual(first.Stdout, other.Stdout);
    }

    [Fact]
    public async Task Every_circumstance_that_a_test_can_ask_for_is_there()
    {
        using var box = new Sandbox();
        var file = box.Put("file", "0123456789");
        var told = (await box.Exec(Suite.Tell).Limit("nofile", 77).Umask("077").Ignoring(1, 2).Blocking(10).WithPending(10).WithClosed(0)
            .WithOpen(file).Nice(5).TimerSlack(123456).WithAlarm(1000).NoNewPrivileges().Result()).Stdout;
        string[] facts =
        [
            "limit 7: 4d 4d", "umask: 0077", "signal 1: ignored", "blocked: 200 pending: 200", $"fd 7: {file}", "offset 3",
            "nice: 5", "timer slack: 123456", "timer 0: set", "no new privileges: 1",
        ];
        foreach (var fact in facts)
        {
            Assert.Contains(fact, told, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("fd 0:", told, StringComparison.Ordinal);
    }

    [RootFact]
    public async Task A_command_can_be_another_users_and_have_mounts_of_its_own()
    {
        using var box = new Sandbox();
        await box.Exec("id", "-un").As(65534).Succeeds("nobody\n");
        await box.Exec("findmnt", "-no", "FSTYPE", box.Work).InMountNamespace($"mount -t tmpfs none {box.Work}").Succeeds("tmpfs\n");
        await box.Exec("findmnt", "-no", "FSTYPE", box.Work).Expect(1, "");
    }

    [Fact]
    public async Task A_difference_is_noticed_and_leaves_a_transcript()
    {
        using var box = new Sandbox();
        var e = await Assert.ThrowsAnyAsync<Exception>(() => box.Sh("echo a; echo b >&2; exit 3").Env("A", "1 2").Succeeds("a\n"));
        Assert.Contains("$ A='1 2' sh -c 'echo a; echo b >&2; exit 3'\nstatus: 3\nstdout:\n    a\n", e.Message, StringComparison.Ordinal);
        Assert.Contains("stderr:\n    b\n", e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => box.Sh("echo a; echo more >&2").Succeeds("a\n"));
    }

    [Fact]
    public async Task What_a_test_leaves_running_ends_with_its_sandbox()
    {
        int pid;
        using (var box = new Sandbox())
        {
            var result = await box.Sh("env -i setsid sleep 1000 >/dev/null 2>&1 & echo $!").Result();
            pid = int.Parse(result.Stdout, null);
            Assert.True(Libc.IsAlive(pid));
        }

        await Eventually.True(() => !Libc.IsAlive(pid), "the sleep is gone");
    }

    [Fact]
    public async Task A_terminal_can_be_typed_at()
    {
        using var box = new Sandbox();
        await using var child = box.Sh("read -r a; echo \"got $a\"; tty >/dev/null && exit 7").OnTerminal().Start();
        await child.Type("one\n");
        await child.Output("got one");
        Assert.Equal(7, (await child.Exit()).Status);
    }

    [Fact]
    public async Task A_session_that_differs_from_its_transcript_shows_the_difference()
    {
        using var box = new Sandbox();
        const string Session = "# A comment.\n\n$ echo a\na\n\n$ echo b >&2; exit 3\n! b\nstatus 3\n";
        var file = box.Put("session.txt", Session, executable: false);
        await Transcript.Replay(file);
        foreach (var (right, wrong) in ((string, string)[])[("\na\n", "\nc\n"), ("status 3\n", ""), ("! b", "b")])
        {
            TestFile.Write(file, Session.Replace(right, wrong, StringComparison.Ordinal));
            var e = await Assert.ThrowsAnyAsync<Exception>(() => Transcript.Replay(file));
            Assert.Contains("\n+" + right.Trim('\n'), e.Message, StringComparison.Ordinal);
            Assert.Equal(Session, File.ReadAllText(box.Work + "/session.received.txt"));
        }

        // Output that looks like another part of a transcript could not be told from it.
        TestFile.Write(file, "$ echo '# a'\n");
        await Assert.ThrowsAnyAsync<Exception>(() => Transcript.Replay(file));
    }

    [Fact]
    [Needs("curl")]
    public async Task Servers_answer_as_they_are_told_and_keep_a_record()
    {
        using var box = new Sandbox();
        using var authority = new Certificates();
        using var certificate = authority.Issue();
        await using var server = await ScriptServer.Start();
        await using var secure = await ScriptServer.StartTls(certificate);
        await using var raw = RawServer.Start(RawServer.Cuts("0123456789", 4), RawServer.Resets(), RawServer.Serves("whole"));
        server["/a%20b?c"] = "plain";
        secure["/s"] = "secure";
        var pem = box.Put("ca.pem", authority.AuthorityPem);

        await box.Exec("curl", "-sS", server.Url + "/a%20b?c").Succeeds("plain");
        await box.Exec("curl", "-sS", "--cacert", pem, secure.Url + "/s").Succeeds("secure");
        Assert.Equal(["GET /a%20b?c"], server.Requests.Select(static r => $"{r.Method} {r.Path}"));
        Assert.StartsWith("curl/", server.Requests[0].Header("user-agent"), StringComparison.Ordinal);

        Assert.Equal(18, (await box.Exec("curl", "-s", raw.Url).Result()).Status);
        Assert.Equal(56, (await box.Exec("curl", "-s", raw.Url).Result()).Status);
        await box.Exec("curl", "-s", raw.Url).Succeeds("whole");

        var gate = server.Hold("/a%20b?c");
        await using var waiting = box.Exec("curl", "-sS", server.Url + "/a%20b?c").Start();
        await gate.Reached;
        Assert.False(waiting.HasExited);
        gate.Open();
        (await waiting.Exit()).Is(0, "plain");
    }

    [Fact]
    public void A_missing_tool_is_a_reason_to_skip_but_in_CI()
    {
        Tools.Need("sh", "/bin/sh");
        try
        {
            Tools.Need("sh", "no-such-tool");
        }
        catch (Exception e) when (e.Message.Contains("there is no no-such-tool here", StringComparison.Ordinal))
        {
            Assert.Equal(!Tools.InCI(), e.Message.StartsWith("$XunitDynamicSkip$", StringComparison.Ordinal));
            return;
        }

        Assert.Fail("nothing was said of it");
    }
}
