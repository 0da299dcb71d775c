using Run.Tests.Planning;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.Trees;

/// <summary>A tree that was changed is mended where it is, or refused; what runs from it is not disturbed.</summary>
public sealed class MendingTests
{
    // It waits in the tree, and then reads files of it by relative paths.
    private const string Wait =
        "#!/bin/sh\ncd \"$(dirname \"$0\")/../lib\" || exit\necho ready\nread x\n. ./common.sh\necho \"ends $common\"\n";

    private static readonly string[] s_calls = ["rename", "chmod", "unlink", "mkdir", "openat"];

    public static TheoryData<string> Calls => [.. s_calls];

    [Fact]
    public async Task A_running_script_keeps_its_directory_while_the_tree_is_mended()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Files()));
        var url = world.Server.Url + "/x.tgz//bin/";
        await using var child = world.Run(url + "wait").InputStaysOpen().Start();
        await child.Output("ready\n");
        await Damage(world);
        await world.Run("--offline", url + "deploy", "x").Succeeds("one x\n");
        await child.Type("go\n");
        (await child.Exit()).Is(0, "ready\nends one\n");
        Assert.Equal(1, world.Server.Count("/x.tgz"));
        await world.Sh("find \"$XDG_CACHE_HOME\"/run/trees/*/*/tree ! -type l -perm /0277; ls -A \"$XDG_CACHE_HOME\"/run/tmp").Succeeds("");
    }

    /// <summary>The second one has unpacked the same bytes when the first has not stored them yet.</summary>
    [Fact]
    public async Task A_tree_that_is_there_by_now_stays_and_the_new_one_is_dropped()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Files()));
        world.Conf($"sources:\n  a:\n    url: {world.Server.Url}/x.tgz//bin/%s\n    trust: ask\n");
        await using var asked = world.Run("a:deploy", "asked").OnTerminal().Start();
        await asked.Output("[y/N] ");
        await using var child = world.Run(world.Server.Url + "/x.tgz//bin/wait").InputStaysOpen().Start();
        await child.Output("ready\n");
        await asked.Type("y\n");
        await asked.Output("one asked");
        Assert.Equal(0, (await asked.Exit()).Status);
        await child.Type("go\n");
        (await child.Exit()).Is(0, "ready\nends one\n");
        Assert.Empty(Directory.GetFileSystemEntries(world.Cache + "/tmp"));
    }

    [Fact]
    public async Task Of_many_runs_at_once_one_mends_it()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz([.. Files(), .. Enumerable.Range(0, 500).Select(static n => ($"data/{n}", $"{n}"))]));
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        await world.Run(script).Succeeds("one \n");
        await Damage(world);
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => world.Run("--verbose", "--offline", script).Result()));
        Assert.All(results, static result => result.Check(result is { Status: 0, Stdout: "one \n" }, "it runs"));
        Assert.Single(results, static result => result.Stderr.Contains("unpacked again", StringComparison.Ordinal));
    }

    [Theory]
    [Needs("strace")]
    [MemberData(nameof(Calls))]
    public async Task Killed_at_any_call_of_it_the_tree_can_still_be_mended(string call)
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Files()));
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        await world.Run(script).Succeeds("one \n");
        for (var n = 1; ; n += call == "openat" ? 5 : 1)
        {
            await Damage(world);
            var result = await world.Run("--offline", script).Through(
                "strace", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:signal=KILL:when={n}").Result();
            result.Check(result.Stdout == (result.Status == 0 ? "one \n" : ""), "the tree as it was, or nothing");
            await world.Run("--offline", script).Succeeds("one \n");
            await world.Sh("find \"$XDG_CACHE_HOME\"/run/trees/*/*/tree ! -type l -perm /0277").Succeeds("");
            if (result.Status == 0)
            {
                Assert.True(n > 1, "it makes that call");
                break;
            }
        }

        Assert.Equal(1, world.Server.Count("/x.tgz"));
    }

    [Fact]
    public async Task A_dry_run_mends_nothing()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Files()));
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        await world.Run(script).Succeeds("one \n");
        await Damage(world);
        var before = await State();
        var result = await world.Run("-n", script).Result();
        result.Check(
            result.Status == 0 && result.Stdout.Contains("path    not cached", StringComparison.Ordinal), "a damaged copy is none");
        Assert.Equal(before, await State());

        async Task<string> State() =>
            (await world.Sh("find \"$XDG_CACHE_HOME\"/run/trees -printf '%p %i %C@ %m\\n' | LC_ALL=C sort").Result()).Stdout;
    }

    [Theory]
    [InlineData("chmod 777 bin/deploy", "writable by other users")]
    [InlineData("chmod 666 lib/common.sh", "writable by other users")]
    [InlineData("chmod 770 lib", "writable by other users")]
    [InlineData("chmod 770 lib/deep", "writable by other users")]
    [InlineData("chmod 770 lib; chmod 700 bin; rm bin/deploy", "writable by other users")]
    [InlineData("chown 1234 bin/deploy", "another user (uid 1234)")]
    [InlineData("chown -h 1234 lib/link", "another user (uid 1234)")]
    [InlineData("chown 1234 lib", "another user (uid 1234)")]
    public async Task What_others_own_or_can_write_is_refused(string change, string why)
    {
        Assert.SkipUnless(Libc.IsRoot || !change.StartsWith("chown", StringComparison.Ordinal), "only root can give files away");
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Files()));
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        await Planned.Is(() => world.Run(script), "one \n");
        await world.Sh($"cd \"$XDG_CACHE_HOME\"/run/trees/*/*/tree && {change}").Succeeds("");
        foreach (var options in (string[][])[[], ["--offline"], ["-n"], []])
        {
            await world.Run([.. options, script]).Fails(ExitStatus.Refused, why);
        }
    }

    [Theory]
    [InlineData("cp -r lib \"$OUT\"; rm -rf lib; ln -s \"$OUT\" lib")]
    [InlineData("mv lib \"$OUT\"; ln -s \"$OUT\" lib")]
    [InlineData("mv lib \"$OUT\"; ln -s \"$OUT\" lib; echo common=evil >\"$OUT/common.sh\"")]
    [InlineData("mv lib/deep \"$OUT\"; ln -s \"$OUT\" lib/deep")]
    [InlineData("rm -rf lib; touch lib")]
    [InlineData("rm -rf lib")]
    [InlineData("rm lib/common.sh; mkdir lib/common.sh; touch lib/common.sh/x")]
    [InlineData("rm -rf ../tree")]
    public async Task A_path_that_leads_elsewhere_is_mended(string change)
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Files()));
        var script = world.Server.Url + "/x.tgz//bin/deploy";
        await Planned.Is(() => world.Run(script), "one \n");
        await world.Sh($"OUT=$PWD/out; cd \"$XDG_CACHE_HOME\"/run/trees/*/*/tree && find . -type d -exec chmod u+w {{}} + && {change}")
            .Succeeds("");
        await world.Run(script).Succeeds("one \n");
        Assert.True(Directory.Exists(world.CachedFile("lib/deep/er")));
        await world.Sh("cd \"$XDG_CACHE_HOME\"/run/trees/*/*/tree && find lib -type l; find . ! -type l -perm /0277")
            .Succeeds("lib/link\n");
        await Planned.Is(() => world.Run(script), "one \n");
        Assert.Equal(1, world.Server.Count("/x.tgz"));
    }

    private static (string Path, string Text)[] Files() =>
        [.. Tools("one"), ("bin/wait", Wait), ("lib/link", "->common.sh"), ("lib/deep/er/data", "one")];

    /// <summary>A file that was rewritten, one that is missing, and a directory that has become a file.</summary>
    private static Task<Result> Damage(Sandbox box) => box.Sh("""
        cd "$XDG_CACHE_HOME"/run/trees/*/*/tree && find . -type d -exec chmod u+w {} + && chmod u+w lib/common.sh &&
        echo 'common=evil' >lib/common.sh && rm lib/link && rm -r lib/deep && echo >lib/deep && chmod 400 lib/common.sh
        """).Succeeds("");
}
