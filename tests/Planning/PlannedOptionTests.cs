using Run.Posix;
using static Run.Tests.Planning.Planned;

namespace Run.Tests.Planning;

/// <summary>Runs with options, by plan: each option's effect is over before the script begins, and a plan is for these words
/// alone.</summary>
public sealed class PlannedOptionTests
{
    private const string Waiting = "#!/bin/sh\necho ran\nread line || :\n";

    [Theory]
    [InlineData("-q")]
    [InlineData("--quiet")]
    [InlineData("--lock")]
    [InlineData("-l")]
    [InlineData("--lock=name")]
    [InlineData("--wait")]
    [InlineData("--wait=5")]
    [InlineData("-w")]
    [InlineData("-E", "3")]
    [InlineData("-E3")]
    [InlineData("--conflict-exit-code", "0")]
    [InlineData("--conflict-exit-code=0")]
    [InlineData("--offline")]
    [InlineData("--config", "conf")]
    [InlineData("--config=conf")]
    [InlineData("--sha256", "DIGEST")]
    [InlineData("--sha256=DIGEST")]
    [InlineData("--")]
    [InlineData("-qlE0")]
    [InlineData("-ql", "-E", "0", "--wait=1", "--config", "conf", "--")]
    public async Task What_has_no_effect_once_the_script_runs_is_planned(params string[] options)
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        var digest = Sha256.HexOf(OsText.ToBytes(Arguments));
        options = [.. options.Select(option => option.Replace("DIGEST", digest, StringComparison.Ordinal))];
        TestFile.Copy(box.ConfFile, box.Work + "/conf");
        box.Put("local", Arguments);
        await box.Run("x").Succeeds("ran\n");
        // Whether others can exchange a local file with a digest is asked anew at each run.
        string[] local = options.Any(option => option.Contains(digest, StringComparison.Ordinal)) ? [] : ["./local", box.Work + "/local"];
        foreach (var script in (string[])["x", "default:x", server.Url + "/x", .. local])
        {
            await Is(() => box.Run([.. options, script]), "ran\n");
            await Is(() => box.Run([.. options, script, "a", "-q", "--", "x"]), "ran a -q -- x\n");
        }

        Assert.Equal(1, server.Count("/x"));
    }

    [Theory]
    [InlineData("-u")]
    [InlineData("--update")]
    [InlineData("-i", "sh")]
    [InlineData("--replace")]
    public async Task What_has_one_is_not(params string[] options)
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        await Is(() => box.Run("x"), "ran\n");
        for (var i = 0; i < 3; i++)
        {
            await box.Run([.. options, "x"]).Succeeds("ran\n");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        await IsNot(() => box.Run([.. options, "x"]));
        await IsNot(() => box.Run([.. options, "-q", "x"]));
    }

    [Fact]
    public async Task Verbose_says_each_step_every_time()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        await Is(() => box.Run("x"), "ran\n");
        for (var i = 0; i < 3; i++)
        {
            var result = await box.Run("--verbose", "x").Result();
            result.Check(result.Status == 0 && result.Stderr.Contains("executing", StringComparison.Ordinal), "steps on standard error");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>What one command line was planned for says nothing of another that has the same words in other places.</summary>
    [Fact]
    public async Task A_plan_is_for_its_own_words_up_to_SCRIPT()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        server["/0"] = "#!/bin/sh\necho zero \"$@\"\n";
        await Is(() => box.Run("x"), "ran\n");
        await Is(() => box.Run("-E", "0", "x"), "ran\n");
        await Is(() => box.Run("0", "x"), "zero x\n");
        await Is(() => box.Run("-E", "0", "0", "x"), "zero x\n");
        await Is(() => box.Run("-q", "0", "x"), "zero x\n");
        await Is(() => box.Run("--", "0", "x"), "zero x\n");
        await Is(() => box.Run("-E", "0", "x", "-E", "0", "0"), "ran -E 0 0\n");
        await Is(() => box.Run("-E0", "x", "0"), "ran 0\n");
        await box.Run("-E", "x").Fails(ExitStatus.Usage, "x");
        await box.Run("-E", "x", "0").Fails(ExitStatus.Usage, "x");
        await box.Run("--config", "x", "x").Fails(ExitStatus.Configuration, "x");
        await box.Run("--pinned", "x").Fails(ExitStatus.Refused, "x");
    }

    [Fact]
    public async Task A_script_whose_name_begins_with_a_dash_is_planned()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        server["/-x"] = "#!/bin/sh\necho dashed \"$@\"\n";
        await Is(() => box.Run("--", "-x"), "dashed\n");
        await Is(() => box.Run("-q", "--", "-x", "--"), "dashed --\n");
        await box.Run("-x").Fails(ExitStatus.Usage, "-x");
    }

    [Theory]
    [InlineData("--config", "conf")]
    [InlineData("--config=./conf")]
    public async Task The_file_that_config_names_counts_at_once(params string[] options)
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        server["/two/x"] = Saying("two");
        TestFile.Copy(box.ConfFile, box.Work + "/conf");
        Command Run() => box.Run([.. options, "x"]);
        await Is(Run, "ran\n");
        box.Put("conf", $"sources:\n  default: {server.Url}/two/%s\n", executable: false);
        await NoLonger(Run, "two\n");
        await Is(Run, "two\n");

        // The same words elsewhere name another file.
        var other = Directory.CreateDirectory(box.Work + "/other").FullName;
        await Run().In(other).Fails(ExitStatus.Configuration, "conf");
        File.Delete(box.Work + "/conf");
        await Run().Fails(ExitStatus.Configuration, "conf");
    }

    [Fact]
    public async Task A_digest_counts_at_every_run()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        var digest = Sha256.HexOf(OsText.ToBytes(Arguments));
        Command Cached() => box.Run("--sha256=" + digest, "x");
        await Is(Cached, "ran\n");
        server["/x"] = Saying("else");
        await box.Run("-u", "x").Succeeds("else\n");
        await IsNot(Cached);
        await Cached().Fails(ExitStatus.Data, "x");
    }

    [Fact]
    public async Task What_must_be_pinned_is_planned_while_it_is()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        await box.Run("-q", "--pin", "x").Result();
        await Is(() => box.Run("--pinned", "x"), "ran\n");
        var pins = box.Work + "/run.pins";
        var text = File.ReadAllText(pins);
        File.Delete(pins);
        await box.Run("--pinned", "x").Fails(ExitStatus.Refused, "x");
        var digest = Sha256.HexOf(OsText.ToBytes(Arguments));
        TestFile.Write(pins, text.Replace(digest, new string('0', digest.Length), StringComparison.Ordinal));
        await IsNot(() => box.Run("--pinned", "x"));
    }

    [Fact]
    public async Task Offline_never_asks_however_old_the_copy()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        box.Conf($"sources:\n  default: {{url: {server.Url}/%s, max-age: 1s}}\n");
        await box.Run("x").Succeeds("ran\n");
        await Is(() => box.Run("--offline", "x"), "ran\n");
        await Task.Delay(TimeSpan.FromSeconds(2.1), TestContext.Current.CancellationToken);
        await IsNow(box.Run("--offline", "x"), "ran\n");
        await IsNot(() => box.Run("x"));
        Assert.Equal(1, server.Count("/x"));
    }

    /// <summary>Without a lock a plain run says so and goes on; with -q it says nothing, and a plan would have to lock.</summary>
    [Fact]
    public async Task A_run_that_has_no_lock_is_not_planned()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        await Is(() => box.Run("-q", "x"), "ran\n");
        Directory.Delete(box.StateHome, recursive: true);
        TestFile.Write(box.StateHome, "");
        await box.Run("-q", "x").Succeeds("ran\n");
        await box.Run("-q", "x").Succeeds("ran\n");
        await IsNot(() => box.Run("-q", "x"));
        await IsNot(() => box.Run("x"));
    }

    [Theory]
    [InlineData("--lock")]
    [InlineData("--wait=0")]
    [InlineData("--lock=name")]
    public async Task A_lock_that_is_held_is_refused_in_silence_by_plan(string option)
    {
        using var box = Box();
        string[] silent = ["-q", option, "-E", "0", "./x"], loud = [option, "-E", "0", "./x"], error = ["-q", option, "-E", "3", "./x"];
        foreach (var words in (string[][])[silent, loud, error])
        {
            await Is(() => box.Run(words), "ran\n");
        }

        await using var holder = box.Run(option, "./x").InputStaysOpen().Start();
        await holder.Output("ran");
        await IsNow(box.Run(silent), "");
        await IsNot(() => box.Run(loud));
        await IsNot(() => box.Run(error));
        var said = await box.Run(loud).Result();
        said.Check(said is { Status: 0, Stdout: "" } && said.Stderr.Contains($"(pid {holder.Pid})", StringComparison.Ordinal), "a note");
        var failed = await box.Run(error).Result();
        failed.Failed(3, $"(pid {holder.Pid})");
        holder.CloseInput();
        await holder.Exit();
        await IsNow(box.Run(silent), "ran\n");
    }

    /// <summary>What the runtime would have said before it came to the lock is said, held or not.</summary>
    [Fact]
    public async Task A_refusal_is_silent_only_while_all_else_is_as_it_was()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        server["/wait"] = Waiting;
        Command Run() => box.Run("-q", "--lock", "-E", "0", "wait");
        await Is(Run, "ran\n");
        await using var holder = box.Run("wait").InputStaysOpen().Start();
        await holder.Output("ran");
        await IsNow(Run(), "");
        await Run().Env("RUN_PINNED", "1").Fails(ExitStatus.Refused, "wait");
        var file = Assert.Single(Directory.GetFiles(box.Locks));
        File.SetUnixFileMode(file, (UnixFileMode)0b110_110_000);
        await Run().Fails(ExitStatus.Refused, file);
        File.SetUnixFileMode(file, (UnixFileMode)0b110_000_000);
        box.Conf("sources: [\n");
        await Run().Fails(ExitStatus.Configuration, "run.conf");
    }

    [Fact]
    public async Task A_wait_goes_by_plan_while_the_lock_is_free()
    {
        using var box = Box();
        await Is(() => box.Run("--wait=20", "./x"), "ran\n");
        await using var holder = box.Run("--lock", "./x").InputStaysOpen().Start();
        await holder.Output("ran");
        await IsNot(() => box.Run("--wait=20", "./x"));
        await using var waiting = box.Run("--wait=20", "./x").Start();
        await waiting.Errors("waiting");
        holder.CloseInput();
        await holder.Exit();
        Assert.Equal(0, (await waiting.Exit()).Status);
    }

    [Fact]
    public async Task Two_names_of_one_script_in_turn_are_both_planned()
    {
        using var box = new Sandbox();
        await using var server = await Server(box);
        server["/wait"] = Waiting;
        string[] names = ["wait", "default:wait", server.Url + "/wait"];
        foreach (var name in names)
        {
            await Is(() => box.Run(name), "ran\n");
        }

        foreach (var name in (string[])[.. names, .. names.Reverse(), .. names])
        {
            await IsNow(box.Run(name), "ran\n");
        }

        foreach (var name in names)
        {
            await using var running = box.Run(name).Limit("as", Planned.TooLittleForTheRuntime).InputStaysOpen().Start();
            await running.Output("ran");
            var list = (await box.Run("--ps").Result()).Stdout;
            Assert.Matches($@"^{running.Pid} .* {System.Text.RegularExpressions.Regex.Escape(name)}\n$", list);
            running.CloseInput();
            await running.Exit();
        }
    }

    /// <summary>The lock of a name is held by plan, the mark in the script's own lock file too.</summary>
    [Fact]
    public async Task A_script_under_another_lock_is_seen_by_its_own()
    {
        using var box = Box();
        box.Put("y", Waiting);
        await Is(() => box.Run("--lock=name", "./x"), "ran\n");
        await using var holder = box.Run("--lock=name", "./x").Limit("as", Planned.TooLittleForTheRuntime).InputStaysOpen().Start();
        await holder.Output("ran");
        await box.Run("--lock=name", "./y").Fails(ExitStatus.AlreadyRunning, $"./x is already running (pid {holder.Pid})");
        await box.Run("--lock", "./x").Succeeds("ran\n");
        Assert.Matches($@"^{holder.Pid} +exclusive .* \./x\n$", (await box.Run("--ps").Result()).Stdout);
        await box.Run("--stop", "./x").Succeeds("");
        Assert.Equal(-15, Signal((await holder.Exit()).Status));
        await box.Run("--lock=name", "./y").Succeeds("ran\n");
    }

    private const string Arguments = "#!/bin/sh\necho ran \"$@\"\n";

    /// <summary>As a shell or .NET tells of it: 128 and the signal.</summary>
    private static int Signal(int status) => status > 128 ? 128 - status : status;

    private static async Task<ScriptServer> Server(Sandbox box)
    {
        var server = await ScriptServer.Start();
        server["/x"] = Arguments;
        box.Sources(server);
        return server;
    }

    /// <summary>With a cache, and so with a place for plans.</summary>
    private static Sandbox Box()
    {
        var box = new Sandbox();
        Directory.CreateDirectory(box.Cache, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        box.Put("x", Waiting);
        return box;
    }
}
