using System.Diagnostics;
using System.Text.RegularExpressions;
using Run.Tests.Git;
using Run.Tests.Signing;
using Run.Tests.Trees;
using static Run.Tests.Planning.Planned;

namespace Run.Tests.Planning;

/// <summary>
/// A plan forgets no input: each path that the run which makes it looks at, as strace(1) sees it, and each variable that it asks for is in
/// the plan, or below with a reason.
/// </summary>
public sealed partial class InputTests
{
    /// <summary>Of a script that says "ran".</summary>
    private const string Digest = "e23628ed42e31358d7234aac753c38be5a80846413438c57305799b91760056f";

    /// <summary>Variables that cannot decide what runs.</summary>
    private static readonly (string Pattern, string Reason)[] s_variables =
    [
        ("^DOTNET_|^COMPlus_|^CORECLR_|^COR_", "knobs of the runtime: how it runs, not what"),
        ("^(LD_|GLIBC_|MALLOC_|LIBC_|GCONV_|LOCPATH|LANG|LC_|LANGUAGE|TZ)", "the C library's own"),
        ("^(RUN_CACHE|XDG_CACHE_HOME)$", "where the cache is, and so the plan: the executor asks for them to find it"),
        ("^(TERM|NO_COLOR)$", "how a message looks; a run that has said something has no plan"),
    ];

    /// <summary>Paths that cannot decide what runs, or that something else in the plan covers.</summary>
    private static readonly (string Pattern, string Reason)[] s_paths =
    [
        ("^/(proc|sys|dev)/", "the runtime's look at the machine"),
        (@"^/etc/ld\.so|^/(usr/)?lib|/glibc-hwcaps|\.so(\.|$)", "the dynamic linker and the C library"),
        ("^/(tmp|home)$", "above the cache and the state; if they are root's and not the user's, only root can change them"),
        ("^/$", "the stream that was closed"),
        ("^(/bin/sh|/usr/bin/env)$", "the interpreter of a second line: a circle that it has become is found by its own run"),
        (@"/plans(/[0-9a-f]{4})?$|/tmp/\d+-plan$|/run/tmp$", "the plan itself, on its way to its place"),
        ("/trees/[0-9a-f]{32}/used(/[0-9a-f]{32})?$", "a note for --clean: which lock a script of the tree has"),
        (@"/run-tests-[^/]*/(run|getenv\.so)$", "the program and the probe of this test"),
        ("/getenv.log$", "as above"),
    ];

    [Theory]
    [InlineData("x")]
    [InlineData("default:x")]
    [InlineData("other:x")]
    [InlineData("searched")]
    [InlineData("aged:x")]
    [InlineData("signed:x")]
    [InlineData("pinned")]
    [InlineData("./local")]
    [InlineData("../local")]
    [InlineData("/local")]
    [InlineData("./self")]
    [InlineData("/self", "-q")]
    [InlineData("./stub")]
    [InlineData("../stub", "--lock")]
    [InlineData("/stub")]
    [InlineData("./nested")]
    [InlineData("./elsewhere")]
    [InlineData("team:local")]
    [InlineData("team:self", "-q")]
    [InlineData("team:stub")]
    [InlineData("self")]
    [InlineData("x", "-q")]
    [InlineData("x", "--lock")]
    [InlineData("x", "--lock=name")]
    [InlineData("x", "--wait")]
    [InlineData("x", "--wait=5")]
    [InlineData("x", "-E", "3")]
    [InlineData("x", "--offline")]
    [InlineData("aged:x", "--offline")]
    [InlineData("x", "--config", "conf")]
    [InlineData("x", "--sha256", Digest)]
    [InlineData("x#sha256=" + Digest)]
    [InlineData("x", "--")]
    [InlineData("x", "-qlE0")]
    [InlineData("pinned", "--pinned")]
    [InlineData("../local", "--lock=name", "-q")]
    [InlineData("/local", "-q", "--lock", "--")]
    [InlineData("packed:bin/x")]
    [InlineData("packed:bin/x", "--lock", "--offline")]
    [InlineData("repository:bin/x")]
    [InlineData("repository:bin/x@main", "-q")]
    public async Task Whatever_a_run_looks_at_is_in_its_plan(string script, params string[] options)
    {
        Tools.Need("strace");
        await using var server = await ScriptServer.Start();
        using var box = new Sandbox();
        foreach (var name in (string[])["/x", "/pinned"])
        {
            server[name] = Saying("ran");
        }

        if (script == "signed:x")
        {
            Tools.Need("ssh-keygen");
            var alice = new Signer(box, "alice");
            box.Allow(alice.Line());
            server.Signed("/x", Saying("ran"), alice);
        }

        server["/searched"] = "#!/usr/bin/env sh\necho ran\n";
        box.Conf(
            $"sources:\n  default: {server.Url}/%s\n  other: {server.Url}/%s\n  aged: {{url: {server.Url}/%s, max-age: 1h}}\n"
            + $"  signed: {{url: {server.Url}/%s, signers: {box.Home}/signers}}\n"
            + $"  team: {box.Work}/%s\n  packed: {server.Url}/x.tgz//%s\n  repository: git+file://{box.Root}/repositories/tools//%s\n");
        (string Path, string Text)[] files = [("bin/x", Saying("ran")), ("lib/y", "y"), ("lib/link", "->y")];
        if (script.StartsWith("packed:", StringComparison.Ordinal))
        {
            server.Archive("/x.tgz", Packed.TarGz(files));
        }
        else if (script.StartsWith("repository:", StringComparison.Ordinal))
        {
            Tools.Need("git");
            new GitSource(box).Commit(files[..2]);
        }

        foreach (var directory in (string[])["", "deeper/"])
        {
            box.Put(directory + "self", "#!/usr/bin/env -S run --lock\n#!/bin/sh -e\necho ran\n");
            box.Put(directory + "stub", "#!/usr/bin/env -S run --offline\n# comment\nother:x\n");
        }

        box.Put("deeper/nested", "#!/usr/bin/env run\n./stub\n");
        box.Put("deeper/elsewhere", "#!/usr/bin/env run\naged:x\n");
        server["/self"] = "#!/usr/bin/env run\n#!/usr/bin/env sh\necho ran\n";
        box.Put("deeper/local", Saying("ran"));
        TestFile.Copy(box.ConfFile, box.Work + "/deeper/conf");
        box.Put("local", Saying("ran"));
        script = script[0] == '/' ? box.Work + script : script;
        Command Run(params string[] arguments) => box.Run(arguments).In(box.Work + "/deeper");
        if (script == "pinned")
        {
            await Run("-q", "--pin", script).Succeeds("");
        }

        // Local files are planned if there is a cache already.
        await Run("x").Succeeds("ran\n");
        await Run("other:x").Succeeds("ran\n");
        if (script.Contains(":bin/", StringComparison.Ordinal))
        {
            await Run(script).Succeeds("ran\n");
        }

        await Is(() => Run([.. options, script]), "ran\n");

        var plans = Directory.GetFiles(box.Cache + "/plans");
        var planFile = Assert.Single(plans, plan => PlanReader.Of(plan).Words.SequenceEqual([.. options, script]));
        File.Delete(planFile);
        var (paths, variables) = await Watch(box, Run([.. options, script]), box.Work + "/deeper");
        var plan = PlanReader.Of(planFile);

        Assert.True(Unplanned(variables, plan.Variables, s_variables) is var forgotten && forgotten.Length == 0, forgotten);
        HashSet<string> known = [.. plan.Paths.Select(Path.GetFullPath), plan.Lock, plan.OwnLock, plan.Directory];
        var file = script.StartsWith("team:", StringComparison.Ordinal) ? $"{box.Work}/{script[5..]}" : script;
        if (file.Contains('/', StringComparison.Ordinal))
        {
            // A local file needs no cache: it decides only whether there is a plan. And realpath(3) reads each
            // part of the path, while the plan's step for the script compares the result.
            known.Add(box.Cache);
            for (var above = Path.GetDirectoryName(file); above is not null; above = Path.GetDirectoryName(above))
            {
                known.Add(above);
            }
        }

        if (script[0] == '/')
        {
            // A file that stands for a script has a plan for each directory, so the executor asks where it is.
            known.Add(box.Work + "/deeper");
        }

        if (script == "signed:x")
        {
            // Who could exchange the file of signers. If somebody does, its stamp is another.
            for (var above = box.Home; above is not null; above = Path.GetDirectoryName(above))
            {
                known.Add(above);
            }

            Assert.Contains(box.Signers(), plan.Paths);
        }

        forgotten = Unplanned(paths.Where(path => !IsSearched(path, script)), known, s_paths);
        Assert.True(forgotten.Length == 0, forgotten);
        Assert.Contains("XDG_STATE_HOME", plan.Variables);
        Assert.NotEmpty(paths);
        Assert.NotEmpty(variables);
    }

    /// <summary>What env(1) will look for in PATH: the plan has PATH, and the program that was found.</summary>
    private static bool IsSearched(string path, string script) => script is "searched" or "self" && Path.GetFileName(path) == "sh";

    private static string Unplanned(IEnumerable<string> seen, HashSet<string> planned, (string Pattern, string Reason)[] exceptions) =>
        string.Join('\n', seen.Where(one => !planned.Contains(one) && !exceptions.Any(e => Regex.IsMatch(one, e.Pattern))));

    /// <summary>The paths and variables that the run looks at before it becomes the script.</summary>
    private static async Task<(HashSet<string> Paths, HashSet<string> Variables)> Watch(Sandbox box, Command run, string directory)
    {
        var (probe, names, trace) = (box.Root + "/getenv.so", box.Root + "/getenv.log", box.Root + "/inputs");
        var source = Path.Combine(Suite.Repository, "tests", "probe", "getenv.c");
        using (var gcc = Starter.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-O1", "-o", probe, source])))
        {
            await gcc.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, gcc.ExitCode);
        }

        string[] options =
            ["-f", "-qq", "-e", "trace=%file,execve", "-s", "4096", "-E", $"LD_PRELOAD={probe}", "-E", $"GETENV_LOG={names}"];
        await run.Through(["strace", .. options, "-o", trace]).Succeeds("ran\n");
        var calls = File.ReadAllLines(trace);
        var become = Array.FindIndex(calls, 1, static call => Execution().IsMatch(call));
        Assert.True(become > 0, string.Join('\n', calls));
        var paths = calls[1..become].Select(static call => Argument().Match(call)).Where(static m => m.Success)
            .Select(m => Path.TrimEndingDirectorySeparator(Path.GetFullPath(m.Groups[1].Value, directory))).ToHashSet();

        // The shell that the process becomes reads variables, too; the log has an empty line before them.
        var variables = File.ReadLines(names).Skip(1).TakeWhile(static name => name.Length > 0).ToHashSet();
        return (paths, variables);
    }

    [GeneratedRegex(@"execve\(.* = 0$")]
    private static partial Regex Execution();

    [GeneratedRegex(@"\w+\([^""]*""([^""]+)""")]
    private static partial Regex Argument();
}
