using System.Text.RegularExpressions;
using Run.Tests.Planning;
using Run.Tests.Trees;

namespace Run.Tests.Becoming;

/// <summary>
/// The script sees exactly what it would see if its caller had started it directly. A program that reports everything about its own process
/// is started both ways, in every circumstance that a caller can be in. The two reports are equal except for the lock's descriptor.
/// </summary>
public sealed partial class TransparencyTests
{
    private static readonly Dictionary<string, Func<Command, Command>> s_circumstances = new(StringComparer.Ordinal)
    {
        ["nothing special"] = static c => c,
        ["SIGPIPE, SIGHUP and SIGINT ignored"] = static c => c.Ignoring(Libc.SIGPIPE, Libc.SIGHUP, Libc.SIGINT),
        ["every signal ignored that can be"] = static c => c.Ignoring([.. Enumerable.Range(1, 64).Except([Libc.SIGKILL, 19, 32, 33])]),
        ["signals blocked"] = static c => c.Blocking(Libc.SIGINT, Libc.SIGTERM, Libc.SIGUSR1, Libc.SIGCHLD, Libc.SIGPIPE, 34, 64),
        ["every signal blocked"] = static c => c.Blocking([.. Enumerable.Range(1, 64).Except([Libc.SIGKILL, 19, 32, 33])]),
        ["signals blocked and pending"] = static c =>
            c.Blocking(Libc.SIGINT, Libc.SIGTERM, Libc.SIGUSR1, 40).WithPending(Libc.SIGINT, Libc.SIGTERM, Libc.SIGUSR1, 40),
        ["SIGCHLD ignored"] = static c => c.Ignoring(Libc.SIGCHLD),
        ["standard input closed"] = static c => c.WithClosed(0),
        ["standard output closed"] = static c => c.WithClosed(1),
        ["standard error closed"] = static c => c.WithClosed(2),
        ["standard input and output closed"] = static c => c.WithClosed(0, 1),
        ["all standard streams closed"] = static c => c.WithClosed(0, 1, 2),
        ["low limits"] = static c => c.Limit("nofile", 128).Limit("core", 0).Limit("stack", 4 << 20).Limit("nproc", 500)
            .Limit("memlock", 65536).Limit("fsize", 1 << 20).Limit("cpu", 100),
        ["a limit below the lock's usual number"] = static c => c.Limit("nofile", 60),
        ["umask 077"] = static c => c.Umask("077"),
        ["umask 0"] = static c => c.Umask("000"),
        ["umask 777"] = static c => c.Umask("777"),
        ["a terminal"] = static c => c.OnTerminal(),
        ["a terminal, and hung up on"] = static c => c.OnTerminal().Ignoring(Libc.SIGHUP),
        ["arguments and variables that are not UTF-8"] = static c =>
            c.Env("TEXT", "\udcff\udc80=\udcc3").Env("\udcfe", "x").Env("EMPTY", ""),
        ["an open file, half read"] = static c => c.WithOpen("half-read"),
        ["a nice value, timer slack, an alarm, no new privileges"] = static c =>
            c.Nice(7).TimerSlack(77777).WithAlarm(1000).NoNewPrivileges(),
        ["half a line waiting on standard input"] = static c => c.Through("sh", "-c", "exec \"$@\" <<'END'\nnot for run\nEND\n", "sh"),
        ["no environment to speak of"] = static c => c.Env("PATH", null).Env("LANG", null).Env("TMPDIR", null),
        ["variables of the runtime"] = static c => c.Env("DOTNET_GCHeapHardLimit", "10000000").Env("DOTNET_TieredCompilation", "0")
            .Env("COMPlus_x", "y").Env("MALLOC_ARENA_MAX", "1"),
        ["a session, a cpu and a class of its own"] = static c =>
            c.Through("setsid", "-w", "taskset", "1", "chrt", "-b", "0", "ionice", "-c", "3", "prlimit", "--nofile=100:200"),
        ["capabilities dropped, no address randomisation, a death signal"] = static c =>
            c.Through("setarch", "-R", "setpriv", "--bounding-set", "-sys_time", "--inh-caps", "+chown", "--ambient-caps", "+chown",
                "--pdeathsig", "USR1"),
        ["out-of-memory score and core filter"] = static c =>
            c.Through("sh", "-c", "echo 500 >/proc/self/oom_score_adj; echo 7 >/proc/self/coredump_filter; exec \"$@\"", "sh"),
    };

    private static readonly string[] s_onlyForRoot = ["capabilities dropped, no address randomisation, a death signal"];

    public static TheoryData<string> Circumstances => [.. s_circumstances.Keys];

    [Theory]
    [MemberData(nameof(Circumstances))]
    public async Task A_cached_program_cannot_tell_the_difference(string circumstances)
    {
        SkipUnlessPossible(circumstances);
        await using var world = await World.Serving();
        world.Server.Bytes("/tell", File.ReadAllBytes(Suite.Tell), "application/octet-stream");
        string[] arguments = ["a", "", "b c", "\udcff", "--help"];
        await world.Run("tell").Result();
        var direct = world.CachedScript("tell");

        // The first start with some words wrote a plan, so that later ones can skip the runtime.
        Command Direct(Sandbox box) => box.Exec(direct, arguments);
        await AreEqual(world, circumstances, Direct, box => box.Run(["tell", .. arguments]), "warm");
        foreach (var when in (string[])["with an option, first", "with an option, second"])
        {
            await AreEqual(world, circumstances, Direct, box => box.Run(["-q", "tell", .. arguments]), when);
        }

        await AreEqual(world, circumstances, Direct, box => box.Run(["--update", "tell", .. arguments]), "asking the server");
    }

    [Theory]
    [MemberData(nameof(Circumstances))]
    public async Task A_program_of_many_files_cannot_tell_the_difference(string circumstances)
    {
        SkipUnlessPossible(circumstances);
        await using var world = await World.Serving();
        Directory.CreateDirectory(world.Root + "/packed/bin");
        TestFile.Copy(Suite.Tell, world.Root + "/packed/bin/tell");
        TestFile.Write(world.Root + "/packed/x", "x");
        await world.Exec("tar", "czf", world.Root + "/x.tgz", "-C", world.Root + "/packed", ".").Succeeds("");
        world.Server.Archive("/x.tgz", File.ReadAllBytes(world.Root + "/x.tgz"));
        var script = world.Server.Url + "/x.tgz//bin/tell";
        string[] arguments = ["a", "", "b c", "\udcff", "--help"];
        await world.Run("--fetch", script).Succeeds("");
        var direct = world.CachedFile("bin/tell");
        Command Direct(Sandbox box) => box.Exec(direct, arguments);
        await AreEqual(world, circumstances, Direct, box => box.Run([script, .. arguments]), "warm");
        await Planned.Is(() => world.Run(script).Env("TELL_TO", world.Root + "/told"), "");
        await AreEqual(world, circumstances, Direct, box => box.Run([script, .. arguments]), "planned");

        await AreEqual(world, circumstances, Direct, box => box.Run(["--update", script, .. arguments]), "asking the server");
    }

    [Theory]
    [MemberData(nameof(Circumstances))]
    public async Task A_local_program_cannot_tell_the_difference(string circumstances)
    {
        SkipUnlessPossible(circumstances);
        using var box = new Sandbox();
        TestFile.Copy(Suite.Tell, box.Work + "/tell");
        foreach (var when in (string[])["first", "second"])
        {
            await AreEqual(
                box, circumstances, static box => box.Exec("./tell", "a", "\udcff"), static box => box.Run("./tell", "a", "\udcff"), when);
        }
    }

    [Theory]
    [InlineData("#!{0}\n", true)]
    [InlineData("#!{0} -x y\n", true)]
    [InlineData("#!{0}\r\n", false)]
    [InlineData("no first line\n", false)]
    public async Task An_interpreter_cannot_tell_the_difference(string script, bool kernelCan)
    {
        using var box = new Sandbox();
        box.Put("script.tell", string.Format(null, script, Suite.Tell));
        box.Conf($"interpreters:\n  .tell: {Suite.Tell}\n");
        await AreEqual(
            box, "nothing special",
            box => kernelCan ? box.Exec("./script.tell", "a") : box.Exec(Suite.Tell, "./script.tell", "a").CalledAs(Suite.Tell),
            static box => box.Run("./script.tell", "a"), "local");
    }

    [Fact]
    public async Task A_shell_script_reads_all_of_standard_input()
    {
        await using var world = await World.Serving(("/count", "#!/bin/sh\nwc -c\n"));
        await world.Run("count").Input(new string('x', 300_000)).Succeeds("300000\n");
        await world.Run("-u", "count").Input(new string('x', 300_000)).Succeeds("300000\n");
        await world.Run("count").Input(new string('x', 300_000)).Succeeds("300000\n");
    }

    [Fact]
    public async Task From_a_shell_it_is_a_process_like_any_other()
    {
        using var box = new Sandbox();
        TestFile.Copy(Suite.Tell, box.Work + "/tell");
        // In a pipeline, in the background, and from a shell that ignores signals and has changed its limits and its umask.
        string[] lines =
        [
            "{0} | cat", "{0} </dev/null & wait", "(trap '' PIPE HUP INT; ulimit -n 200; umask 027; exec {0})",
            "set -m; {0} & wait 2>/dev/null", "nohup nice -n 3 {0} 2>/dev/null",
        ];
        foreach (var line in lines)
        {
            await AreEqual(
                box, "nothing special",
                box => box.Exec("bash", "-c", string.Format(null, line, box.Work + "/tell")).Env("_", null),
                box => box.Exec("bash", "-c", string.Format(null, line, $"run {box.Work}/tell")).Env("_", null), line);
        }
    }

    [Fact]
    public async Task The_pid_is_the_one_that_the_caller_started()
    {
        await using var world = await World.Serving(("/pid", "#!/bin/sh\necho $$\n"));
        for (var i = 0; i < 3; i++)
        {
            await using var child = world.Run("pid").Start();
            (await child.Exit()).Is(0, $"{child.Pid}\n");
        }
    }

    private static void SkipUnlessPossible(string circumstances)
    {
        if (s_onlyForRoot.Contains(circumstances) && !Libc.IsRoot)
        {
            Assert.Skip("only root can change capabilities");
        }
    }

    private static async Task AreEqual(
        Sandbox box, string circumstances, Func<Sandbox, Command> direct, Func<Sandbox, Command> through, string when)
    {
        var expected = Facts(await Tell(box, s_circumstances[circumstances](direct(box))));
        var told = await Tell(box, s_circumstances[circumstances](through(box)));
        Assert.Single(told.Split('\n'), static line => Lock().IsMatch(line));
        var actual = Facts(told);
        var difference = string.Join(
            '\n', expected.Except(actual).Select(static l => "- " + l).Concat(actual.Except(expected).Select(static l => "+ " + l)));
        Assert.True(
            difference.Length == 0 && expected.SequenceEqual(actual),
            $"{circumstances}, {when}: direct (-) and through run (+)\n{difference}");
    }

    private static async Task<string> Tell(Sandbox box, Command command)
    {
        var file = box.Root + "/told";
        File.Delete(file);
        TestFile.Write(box.Work + "/half-read", "half of it");
        var result = await command.Env("TELL_TO", file).Result();
        result.Check(result.Status == 0 && result.Stderr.Length == 0, "status 0 and nothing on standard error");
        // A umask may have left no right to read it.
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return File.ReadAllText(file);
    }

    private static string[] Facts(string telling) =>
        [.. telling.Split('\n').Where(static line => !Lock().IsMatch(line) && !line.StartsWith("variable: _=", StringComparison.Ordinal))];

    /// <summary>The lock: one descriptor, at 100 or above if the limit allows it, of an empty file in the directory of locks.</summary>
    [GeneratedRegex(@"^fd (\d+): .*/run/locks/.* lock POSIX READ$")]
    private static partial Regex Lock();
}
