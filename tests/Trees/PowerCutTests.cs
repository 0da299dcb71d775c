using Run.Tests.Git;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.Trees;

/// <summary>
/// The power fails: a file system of its own is shut down (FS_IOC_SHUTDOWN), so that what was not flushed is lost, and mounted again in
/// another boot. What was written and not flushed is there without its bytes, or not there at all, as the journal has it.
/// </summary>
[Needs("mkfs.ext4", "perl", "strace")]
public sealed class PowerCutTests
{
    private const string Cut = "--cut";

    // With the journal written first, files exist and are empty; without it, they are missing.
    private static readonly string[] s_journals = ["1", "2"];

    // 0: at the end. Else killed at that rename, right before the power fails.
    private static readonly int[] s_moments = [0, 1, 2, 3, 4, 5];

    [RootFact]
    public async Task After_a_first_fetch_the_tree_is_whole_or_fetched_again()
    {
        foreach (var journal in s_journals)
        {
            await using var world = await Disk();
            world.Server.Archive("/x.tgz", TarGz(Version("one")));
            var script = $"{world.Server.Url}/x.tgz//bin/deploy";
            await On(world, $"run {script} && {Cut}", journal).Succeeds("one one\n");
            var offline = await On(world, $"run --offline {script}").Result();
            offline.Check(
                offline.Stdout == (offline.Status == 0 ? "one one\n" : "") && offline.Status is 0 or (int)ExitStatus.Unavailable,
                "whole, or not there");
            await On(world, $"run {script} && run --offline {script}").Succeeds("one one\none one\n");
        }
    }

    [RootFact]
    public async Task After_an_update_it_is_the_old_tree_or_the_new_one()
    {
        foreach (var moment in s_moments)
        {
            foreach (var journal in s_journals)
            {
                await using var world = await Disk();
                world.Server.Archive("/x.tgz", TarGz(Version("one")));
                await Survives(
                    world, $"{world.Server.Url}/x.tgz//bin/deploy", () => world.Server.Archive("/x.tgz", TarGz(Version("two"))),
                    journal, moment);
            }
        }
    }

    [RootFact]
    [Needs("git")]
    public async Task After_an_update_of_a_repository_too()
    {
        foreach (var moment in (int[])[0, 3, 5, 6])
        {
            foreach (var journal in s_journals)
            {
                await using var world = await Disk();
                var tools = new GitSource(world);
                tools.Commit(Version("one"));
                await Survives(world, $"git+{tools.FileUrl}//bin/deploy", () => tools.Commit(Version("two")), journal, moment);
            }
        }
    }

    private static async Task Survives(World<ScriptServer> world, string script, Action update, string journal, int moment)
    {
        // Unmounting flushes the old one.
        await On(world, $"run {script}").Succeeds("one one\n");
        update();
        var kill = moment == 0 ? "" : $"strace -qq -o /dev/null -e trace=rename,renameat,renameat2 "
            + $"-e inject=rename,renameat,renameat2:signal=KILL:when={moment} ";
        var cut = await On(world, $"{kill}run -u {script}; {Cut}", journal).Result();
        cut.Check(
            cut.Status == 0 && (cut.Stdout == "two two\n" || (cut.Stdout == "" && moment > 0)), "it was killed, or not, and then cut");
        var offline = await On(world, $"run --offline {script} && run --offline {script}").Result();
        offline.Check(
            offline is { Status: 0, Stdout: "one one\none one\n" or "two two\ntwo two\n", Stderr: "" },
            $"the old tree or the new one, after a kill at rename {moment}, with journal {journal}");
        await On(world, $"run -u {script}; ls -A $XDG_CACHE_HOME/run/tmp").Succeeds("two two\n");
    }

    /// <summary>A world whose cache is on a small disk: see <see cref="On"/>.</summary>
    private static async Task<World<ScriptServer>> Disk()
    {
        var world = await World.Serving();
        await world.Sh("truncate -s 32M ../disk && mkfs.ext4 -q ../disk").Succeeds("");
        return world;
    }

    /// <summary>
    /// A line of sh, in a boot of its own, with the disk mounted: without what ext4 does for programs that do not flush, because other file
    /// systems do not.
    /// </summary>
    private static Command On(World<ScriptServer> world, string line, string journal = "")
    {
        world.Put("boot", $"{Guid.NewGuid()}\n");
        var cut = "perl -e 'open my $disk, \"<\", $ENV{XDG_CACHE_HOME} or die; "
            + $"my $how = pack \"L\", {journal}; ioctl $disk, 0x8004587d, $how or die \"$!\\n\"'";
        return world.Sh(line.Replace(Cut, cut, StringComparison.Ordinal)).InMountNamespace(
            $"mount -o loop,noauto_da_alloc {world.Root}/disk {world.CacheHome}; "
                + $"mount --bind {world.Work}/boot /proc/sys/kernel/random/boot_id");
    }

    /// <summary>A script and a file beside it, which both say their version.</summary>
    private static (string Path, string Text)[] Version(string version) =>
    [
        ("bin/deploy", Deploy.Replace("$common", version + " $common", StringComparison.Ordinal)
            .Replace(" $*", "", StringComparison.Ordinal)),
        ("lib/common.sh", $"common={version}\n"), ("lib/link", "->common.sh"),
    ];
}
