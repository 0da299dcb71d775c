using Run.Tests.Caching;
using Run.Tests.Planning;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.Trees;

/// <summary>
/// A tree appears in the cache whole or not at all, whatever happens and whenever it happens, as <see cref="WholeOrNotTests"/> has it for
/// single scripts. Its script and the file beside it both say their version, so that a mixture would show.
/// </summary>
[Needs("strace")]
public sealed class WholeTreeTests
{
    private const int Killed = 128 + Libc.SIGKILL;

    private static readonly string[] s_calls =
        ["rename", "mkdir", "mkdirat", "symlinkat", "fchmodat", "chmod", "rmdir", "unlink", "openat", "write"];

    public static TheoryData<string> Calls => [.. s_calls];

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Killed_at_any_call_of_an_update_it_leaves_the_old_tree_or_the_new_one(string call)
    {
        await using var world = await World.Serving();
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        Publish(world, 1);
        await world.Run(script).Succeeds("1 1\n");

        // The calls that matter are all there; of those that a run makes hundreds of, some.
        var (version, step, killed) = (1, call is "openat" or "write" ? 7 : 1, 0);
        for (var n = 1; ; n += step)
        {
            Publish(world, ++version);
            var result = await world.Run("-u", script)
                .Through(KilledAt(call, n)).Result();
            result.Check(result.Stdout.Length == 0 || result.Stdout == Said(version), "the new tree or nothing");
            if (result.Status == 0)
            {
                break;
            }

            killed++;
            var after = await world.Run("--offline", script).Result();
            after.Check(
                after is { Status: 0, Stderr: "" } && (after.Stdout == Said(version) || after.Stdout == Said(version - 1)),
                $"the old tree or the new one, after a kill at {call} {n}");

            // A later fetch sweeps what is left.
            Publish(world, ++version);
            await world.Run("-u", script).Succeeds(Said(version));
            Assert.Empty(Directory.GetFileSystemEntries(world.Cache + "/tmp"));
        }

        Assert.True(killed > 0 || call is "rmdir" or "unlink" or "mkdir", "it makes that call");
    }

    [Theory]
    [InlineData("rename")]
    [InlineData("mkdir")]
    [InlineData("mkdirat")]
    [InlineData("symlinkat")]
    public async Task Without_space_at_any_call_it_is_73_and_the_old_tree_stays(string call)
    {
        await using var world = await World.Serving();
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        var (version, failed) = (1, 0);
        Publish(world, version);
        await world.Run(script).Succeeds(Said(version));
        for (var n = 1; ; n++)
        {
            Publish(world, ++version);
            var result = await world.Run("-u", script)
                .Traced(out var trace, "-e", $"trace={call}", "-e", $"inject={call}:error=ENOSPC:when={n}").Result();
            if (!File.ReadAllText(trace).Contains("INJECTED", StringComparison.Ordinal))
            {
                result.Is(0, Said(version));
                break;
            }

            // What only helps, such as the plan, may be missing.
            result.Check(
                result.Status == 0
                    ? result.Stdout == Said(version)
                    : result is { Status: (int)ExitStatus.CannotWrite, Stdout: "" }
                        && result.Stderr.Contains("no space left", StringComparison.OrdinalIgnoreCase),
                $"73, or nothing that matters at {call} {n}");
            failed += result.Status == 0 ? 0 : 1;
            Assert.Empty(Directory.GetFileSystemEntries(world.Cache + "/tmp"));
            version -= result.Status == 0 ? 0 : 1;
            await world.Run("--offline", script).Succeeds(Said(version));
        }

        Assert.True(failed > 0, "it needs that call");
    }

    [RootFact]
    public async Task What_a_killed_run_of_another_user_than_root_has_left_is_swept_too()
    {
        const int user = 47_110;
        await using var world = await World.Serving();
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        Publish(world, 1);
        await world.Sh($"chmod 755 .. && chown -R {user} ..").Succeeds("");

        // The last directory is sealed by then: nothing can be removed from it as it is.
        (await world.Run(script).As(user).Through(KilledAt("rename", 3)).Result()).Is(Killed, "");
        var left = Assert.Single(Directory.GetDirectories(world.Cache + "/tmp"));
        Assert.True(Directory.Exists(left + "/tree/lib"));
        await world.Run(script).As(user).Succeeds("1 1\n");
        Assert.Empty(Directory.GetFileSystemEntries(world.Cache + "/tmp"));
        await world.Run("--clean", "--yes").As(user).Succeeds("");
        Assert.False(Directory.Exists(world.Cache + "/trees"));
    }

    [RootFact]
    public async Task On_a_full_file_system_the_old_tree_stays()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Version(1)));
        world.Server.Archive("/large.tgz", TarGz([.. Version(2), ("large", Large())]));
        world.Server.Archive("/many.tgz", TarGz([.. Version(3), .. Enumerable.Range(0, 200).Select(static n => ($"d{n}/f", ""))]));
        var url = world.Server.Url;
        foreach (var (disk, full) in ((string, string)[])[("size=500k", "large"), ("nr_inodes=150", "many")])
        {
            var result = await world.Sh(
                    $"run {url}/x.tgz//bin/deploy; run {url}/{full}.tgz//bin/deploy; echo $?; run {url}/x.tgz//bin/deploy; "
                    + "ls -A $XDG_CACHE_HOME/run/tmp; ls $XDG_CACHE_HOME/run/trees/*/ | grep -c tree")
                .InMountNamespace($"mount -t tmpfs -o {disk},mode=755 none $XDG_CACHE_HOME").Result();
            Assert.Equal("1 1\n73\n1 1\n0\n", result.Stdout);
            Assert.Contains("space", result.Stderr, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Beyond_the_file_size_limit_it_is_an_error_and_not_a_signal()
    {
        await using var world = await World.Serving();
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        Publish(world, 1);
        await world.Run(script).Succeeds("1 1\n");

        // The archive is smaller than the limit, and what is in it is larger.
        world.Server.Archive("/x.tgz", TarGz([.. Version(2), ("large", new string('x', 50_000))]));
        await world.Run("-u", script).Limit("fsize", 20_000).Fails(ExitStatus.CannotWrite, "large");
        await world.Run("--offline", script).Succeeds("1 1\n");
        Assert.Empty(Directory.GetFileSystemEntries(world.Cache + "/tmp"));
    }

    [RootFact]
    public async Task It_runs_from_a_cache_that_has_become_read_only_also_in_another_boot()
    {
        await using var world = await World.Serving();
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        Publish(world, 1);
        await Planned.Is(() => world.Run(script), "1 1\n");
        world.Put("boot", "00000000-0000-4000-8000-000000000000\n");
        var boot = $"mount --bind {world.Work}/boot /proc/sys/kernel/random/boot_id; ";
        const string readOnly = "mount --bind $XDG_CACHE_HOME $XDG_CACHE_HOME; mount -o remount,ro,bind $XDG_CACHE_HOME";
        for (var i = 0; i < 2; i++)
        {
            await world.Run(script).InMountNamespace(readOnly).Succeeds("1 1\n");
            await world.Run("--offline", script).InMountNamespace(boot + readOnly).Succeeds("1 1\n");
        }

        Publish(world, 2);
        await world.Run("-u", script).InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite);

        // There the bytes decide, each time.
        var common = world.CachedFile("lib/common.sh");
        var length = (int)new FileInfo(common).Length;
        await world.Sh($"chmod 600 {common}; printf '%{length}s' >{common}; chmod 400 {common}").Succeeds("");
        await world.Run("--offline", script).InMountNamespace(boot + readOnly).Fails(ExitStatus.Unavailable);
        await world.Run("--offline", script).Succeeds("1 1\n");
    }

    [Fact]
    public async Task With_clean_again_and_again_beside_runs_and_updates_nobody_sees_half_a_tree()
    {
        await using var world = await World.Serving();
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        Publish(world, 1);
        using var end = new CancellationTokenSource();
        var clean = CleanAgainAndAgain();
        await Task.WhenAll(((string[][])[[], ["-u"], []]).Select(async options =>
        {
            for (var i = 0; i < 40; i++)
            {
                var result = await world.Run([.. options, script]).Result();
                result.Check(
                    result is { Status: 0, Stderr: "" } && result.Stdout.Split(' ', '\n') is [var one, var other, ""] && one == other,
                    "a whole tree");
            }
        }));
        await end.CancelAsync();
        await clean;

        async Task CleanAgainAndAgain()
        {
            for (var i = 0; !end.IsCancellationRequested; i++)
            {
                var result = await world.Run("--clean", "--yes").Result();
                result.Check(result.Status == 0, "a note at most");
                Publish(world, (i / 4) + 1);
            }
        }
    }

    [Fact]
    public async Task A_cache_whose_first_run_was_killed_before_it_was_marked_is_marked_by_a_later_one()
    {
        await using var world = await World.Serving();
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        Publish(world, 1);
        (await world.Run(script).Through(KilledAt("rename", 1)).Result()).Is(Killed, "");
        Assert.Single(Directory.GetFileSystemEntries(world.Cache + "/tmp"));
        await world.Run(script).Succeeds("1 1\n");
        await world.Run("-u", script).Succeeds("1 1\n");
        Assert.Empty(Directory.GetFileSystemEntries(world.Cache + "/tmp"));
        await world.Run("--clean", "--yes").Succeeds("");

        // What else is in a directory of that name is not run's.
        File.Delete(world.Cache + "/CACHEDIR.TAG");
        await world.Run(script).Succeeds("1 1\n");
        var precious = world.Put(Directory.GetDirectories(world.Cache + "/trees")[0] + "/precious", "x");
        await world.Run("-u", script).Succeeds("1 1\n");
        await world.Run("--clean", "--yes").Fails(ExitStatus.CannotWrite, "not marked");
        Assert.True(File.Exists(precious));
        File.Delete(precious);
        await world.Run("--clean", "--yes").Succeeds("");
    }

    private static string[] KilledAt(string call, int n) =>
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:signal=KILL:when={n}"];

    private static string Said(int version) => $"{version} {version}\n";

    private static void Publish(World<ScriptServer> world, int version) => world.Server.Archive("/x.tgz", TarGz(Version(version)));

    private static string Large()
    {
        var random = new Random(1);
        return string.Create(1_000_000, random, static (text, random) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = (char)random.Next(' ', '~');
            }
        });
    }

    private static (string Path, string Text)[] Version(int version) =>
    [
        ("bin/deploy", $"#!/bin/sh\n. \"$(dirname \"$0\")/../lib/link\"\necho \"{version} $common\"\n"),
        ("lib/common.sh", $"common={version}\n"), ("lib/link", "->common.sh"), ("lib/deep/er/data", $"{version}"),
    ];
}
