using System.Globalization;
using System.Text.RegularExpressions;

namespace Run.Tests.Locking;

/// <summary><c>--detach</c>.</summary>
public sealed partial class DetachTests
{
    [GeneratedRegex("^(signal |blocked: |status: (Sig|Shd)|alternate stack)")]
    private static partial Regex SignalLine();

    [Fact]
    [Needs("ps")]
    public async Task The_script_runs_in_a_session_of_its_own_and_its_PID_is_told()
    {
        using var box = new Sandbox();
        box.Put("x", """
            #!/bin/sh
            echo "cwd $(pwd)"; echo "stdin $(readlink /proc/$$/fd/0)"; echo "arguments $*"
            echo "session $(ps -o sid= -p $$ | tr -d ' ')"; echo "terminal $(ps -o tty= -p $$)"
            echo "left $(env | grep -c RUN_)"
            echo message >&2
            exec sleep 1000
            """);
        var result = await box.Run("--detach", "./x", "a b", "").Result();
        result.Check(result.Status == 0, "success");
        var pid = int.Parse(result.Stdout, CultureInfo.InvariantCulture);
        Assert.Equal($"{pid}\n", result.Stdout);
        var log = Assert.Single(Directory.GetFiles(box.StateHome + "/run/logs"));
        Assert.Equal($"run: ./x is running as pid {pid}; its output goes to {log}\n", result.Stderr);
        await Eventually.True(() => File.ReadAllText(log).Contains("message", StringComparison.Ordinal), "it has spoken");
        Assert.Equal(
            $"cwd {box.Work}\nstdin /dev/null\narguments a b \nsession {pid}\nterminal ?\nleft 0\nmessage\n", File.ReadAllText(log));
        await Eventually.True(
            () => Directory.GetFiles($"/proc/{pid}/fd").Select(Path.GetFileName).Order(StringComparer.Ordinal)
                .SequenceEqual(["0", "1", "100", "2"]),
            "it has its streams and the lock's descriptor, and no other");
        Assert.Equal($"{pid} shared ./x\n", await box.Ps());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(log));
        await box.Run("--stop", "./x").Succeeds("");
        Assert.Equal("", await box.Ps());
    }

    /// <summary>It passes through two processes of run, each of which has its own use for signals.</summary>
    [Theory]
    [InlineData("nothing special")]
    [InlineData("ignored")]
    [InlineData("blocked")]
    [InlineData("SIGCHLD")]
    public async Task Signals_are_as_the_caller_has_set_them(string circumstances)
    {
        using var box = new Sandbox();
        TestFile.Copy(Suite.Tell, box.Work + "/tell");
        int[] all = [.. Enumerable.Range(1, 64).Except([Libc.SIGKILL, 19, 32, 33])];
        var direct = await Signals(box.Exec("./tell"), "direct");
        Assert.Contains(direct, static line => line.StartsWith("signal 33: ", StringComparison.Ordinal));
        Assert.Equal(direct, await Signals(box.Run("-q", "--detach", "./tell"), "detached"));

        async Task<string[]> Signals(Command command, string name)
        {
            var to = $"{box.Root}/{name}";
            command = circumstances switch
            {
                "ignored" => command.Ignoring(all),
                "blocked" => command.Blocking(all),
                "SIGCHLD" => command.Ignoring(Libc.SIGCHLD),
                _ => command,
            };
            Assert.Equal(0, (await command.Env("TELL_TO", to).Result()).Status);
            var told = "";
            await Eventually.True(
                () => File.Exists(to) && (told = File.ReadAllText(to)).EndsWith("\nthreads: 1\n", StringComparison.Ordinal), "it has told");
            return [.. told.Split('\n').Where(static line => SignalLine().IsMatch(line))];
        }
    }

    [Fact]
    public async Task A_failure_is_reported_to_a_caller_that_ignores_SIGCHLD()
    {
        using var box = new Sandbox();
        box.Put("interpreter", "#!/no/such/interpreter\n");
        await box.Run("--detach", "./interpreter").Ignoring(Libc.SIGCHLD).Fails(ExitStatus.NotFound, "/no/such/interpreter");
    }

    [Fact]
    public async Task The_log_is_appended_to()
    {
        using var box = new Sandbox();
        box.Put("hello.sh", "#!/bin/sh\necho \"$1\"\n");
        await box.Sh("for n in 1 2; do pid=$(run --quiet --detach ./hello.sh $n) || exit; tail --pid=$pid -f /dev/null; done").Succeeds("");
        var log = Assert.Single(Directory.GetFiles(box.StateHome + "/run/logs"));
        Assert.StartsWith("hello.sh-", Path.GetFileName(log), StringComparison.Ordinal);
        Assert.Equal("1\n2\n", File.ReadAllText(log));
    }

    [Fact]
    public async Task A_failure_to_start_is_reported_by_the_starter()
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.Put("interpreter", "#!/no/such/interpreter\n");
        box.Put("broken", "\u007fELF and nothing more");
        await box.Run("--detach", "./nothing").Fails(ExitStatus.NotFound, "./nothing");
        await box.Run("--detach", "./interpreter").Fails(ExitStatus.NotFound, "/no/such/interpreter");
        await box.Run("--detach", "./broken").Fails(ExitStatus.CannotStart, "./broken");
        await using var holder = await box.Holds("--lock", "./x");
        await box.Run("--detach", "./x").Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        (await box.Run("--detach", "--lock", "-E", "9", "./x").Result()).Failed(9, $"(pid {holder.Pid})");
        await holder.Ends();
    }

    [Fact]
    public async Task It_waits_and_replaces_too()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho started; exec sleep 1000\n");
        box.PutHolder("y");
        await using var holder = await box.Holds("./x");
        var first = await box.Run("--quiet", "--detach", "--replace", "./x").Result();
        Assert.Equal(128 + Libc.SIGTERM, (await holder.Exit()).Status);
        var second = await box.Run("--quiet", "--detach", "--replace", "./x").Result();
        Assert.NotEqual(first.Stdout, second.Stdout);
        Assert.Equal($"{second.Stdout.Trim()} exclusive ./x\n", await box.Ps());
        await using var waiting = box.Run("--detach", "--wait", "./x").Start();
        await waiting.Errors("waiting");
        Assert.Equal("", waiting.OutputSoFar);
        await box.Run("--stop", "./x").Succeeds("");
        var third = await waiting.Exit();
        Assert.Equal($"{third.Stdout.Trim()} exclusive ./x\n", await box.Ps());
    }

    [Theory]
    [InlineData(Libc.SIGTERM, 128 + Libc.SIGTERM)]
    [InlineData(Libc.SIGKILL, 128 + Libc.SIGKILL)]
    [InlineData(Libc.SIGINT, 130)]
    public async Task Whoever_ends_the_starter_while_it_waits_ends_the_run(int signal, int status)
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        await using var waiting = box.Run("--detach", "--wait", "./x").Start();
        await waiting.Errors("waiting");
        waiting.Signal(signal);
        Assert.Equal(status, (await waiting.Exit()).Status);
        await Eventually.True(() => Processes.Under(box.Root).All(pid => pid == holder.Pid), "the one that waited is gone");
        await holder.Ends();
        Assert.Equal("", await box.Ps());
    }

    [Fact]
    public async Task It_survives_the_end_of_its_terminal()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\nexec sleep 1000\n");
        var result = await box.Sh("run --detach ./x").OnTerminal().Result();
        Assert.Equal(0, result.Status);
        var pid = (await box.Ps()).Split(' ')[0];
        Assert.Contains($"{pid}", result.Stdout, StringComparison.Ordinal);
        await box.Run("--stop", "./x").Succeeds("");
    }
}
