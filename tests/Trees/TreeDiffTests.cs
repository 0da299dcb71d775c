using Run.Tests.Git;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.Trees;

/// <summary><c>--diff</c> and <c>trust: ask</c> of trees: if the digests differ, something is shown, and each thing once.</summary>
public sealed class TreeDiffTests
{
    public static TheoryData<string, string, string> Changes => new()
    {
        { "mode", "chmod +x d/data", "mode change 100644 => 100755 d/data\n" },
        { "mode back", "chmod -x bin/deploy", "mode change 100755 => 100644 bin/deploy\n" },
        { "empty file", ": > lib/__init__.py", "new file lib/__init__.py (empty)\n" },
        { "empty file gone", "rm d/empty", "deleted file d/empty (empty)\n" },
        { "link", "ln -s ../lib/common.sh bin/l", "new link bin/l -> ../lib/common.sh\n" },
        { "dangling link", "ln -s nowhere bin/l", "new link bin/l -> nowhere\n" },
        { "link gone", "rm d/link", "deleted link d/link -> data\n" },
        { "link changed", "ln -sf nowhere d/link", "changed link d/link -> nowhere (was data)\n" },
        {
            "program", "printf 'x\\n' > p; chmod +x p",
            "new file p (executable)\ndiff -ru a/p b/p\n--- /dev/null\n+++ b/p\n@@ -0,0 +1 @@\n+x\n"
        },
        {
            "gone", "rm 'd/a b'",
            "diff -ru a/d/a b b/d/a b\n--- a/d/a b\n+++ /dev/null\n@@ -1 +0,0 @@\n-odd\n"
        },
        {
            "link in place of a file", "ln -sf empty d/data",
            "new link d/data -> empty\ndiff -ru a/d/data b/d/data\n--- a/d/data\n+++ /dev/null\n@@ -1 +0,0 @@\n-data\n"
        },
        {
            "directory in place of a file", "rm d/data; mkdir d/data; echo x > d/data/x",
            "diff -ru a/d/data b/d/data\n--- a/d/data\n+++ /dev/null\n@@ -1 +0,0 @@\n-data\n"
                + "diff -ru a/d/data/x b/d/data/x\n--- /dev/null\n+++ b/d/data/x\n@@ -0,0 +1 @@\n+x\n"
        },
        {
            "link and text", "ln -s nowhere l; echo more >> d/data",
            "new link l -> nowhere\ndiff -ru a/d/data b/d/data\n--- a/d/data\n+++ b/d/data\n@@ -1 +1,2 @@\n data\n+more\n"
        },
        { "not text", "printf 'a\\0b' > d/data", "Binary files a/d/data and b/d/data differ\n" },
    };

    [Theory]
    [Needs("git")]
    [MemberData(nameof(Changes))]
    public async Task What_differs_is_named_once(string what, string change, string shown)
    {
        await using var world = await World.Serving();
        var tools = await Committed(world);
        var script = $"git+{tools.FileUrl}//bin/deploy";
        await world.Run(script, what).Succeeds($"one {what}\n");
        await world.Run("--diff", script).Succeeds("");
        await world.Sh($"cd '{tools.Directory}' && {change}").Succeeds("");
        _ = tools.Commit();
        await world.Run("--diff", script).Expect(1, shown);
        Assert.DoesNotContain(world.CachedFiles(), static path => path.Contains("/run/tmp/", StringComparison.Ordinal));
    }

    [Fact]
    [Needs("git", "busybox")]
    public async Task The_diff_of_busybox_does_as_well()
    {
        await using var world = await World.Serving();
        var tools = await Committed(world);
        var script = $"git+{tools.FileUrl}//bin/deploy";
        await world.Run(script).Succeeds("one \n");
        await world.Sh($"cd '{tools.Directory}' && ln -s nowhere l && echo more >> d/data && rm 'd/a b' && echo x > new").Succeeds("");
        _ = tools.Commit();
        await world.Sh("mkdir bin && ln -s \"$(command -v busybox)\" bin/diff").Succeeds("");
        await world.Sh($"PATH=$PWD/bin:$PATH run --diff '{script}'").Expect(
            1,
            "new link l -> nowhere\n--- a/d/a b\n+++ /dev/null\n@@ -1 +0,0 @@\n-odd\n"
                + "--- a/d/data\n+++ b/d/data\n@@ -1 +1,2 @@\n data\n+more\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n");
    }

    [Fact]
    public async Task Outdated_and_diff_agree_about_an_archive()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        var script = $"{world.Server.Url}/x.tgz//bin/deploy";
        await world.Run("-q", "--pin", script).Succeeds("");
        world.Server.Archive("/x.tgz", TarGz([.. Tools("one"), ("lib/__init__.py", "")]));
        Assert.Equal(1, (await world.Run("--outdated").Result()).Status);
        await world.Run("--diff", script).Expect(1, "new file lib/__init__.py (empty)\n");
    }

    [Fact]
    public async Task Each_tree_of_several_is_named()
    {
        await using var world = await World.Serving(("/plain", "#!/bin/sh\n"));
        string[] scripts = [$"{world.Server.Url}/plain", $"{world.Server.Url}/x.tgz//bin/deploy", $"{world.Server.Url}/y.tgz//bin/deploy"];
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        world.Server.Archive("/y.tgz", TarGz(Tools("one")));
        await world.Run(["-q", "--pin", .. scripts]).Succeeds("");
        await world.Run("--diff").Succeeds("");
        foreach (var name in (ReadOnlySpan<string>)["x", "y"])
        {
            world.Server.Archive($"/{name}.tgz", TarGz([.. Tools("one"), (name, "")]));
        }

        var shown = $"==> {scripts[1]} <==\nnew file x (empty)\n==> {scripts[2]} <==\nnew file y (empty)\n";
        await world.Run("--diff").Expect(1, shown);
        await world.Run(["--diff", .. scripts]).Expect(1, shown);
    }

    [Theory]
    [InlineData("chmod +x d/data", "mode change 100644 => 100755 d/data")]
    [InlineData("ln -s nowhere l", "new link l -> nowhere")]
    [Needs("git")]
    public async Task A_change_that_no_text_shows_can_be_accepted(string change, string shown)
    {
        await using var world = await World.Serving();
        var tools = await Committed(world);
        world.Put("conf", $"sources:\n  asks: {{url: git+{tools.FileUrl}//%s, trust: ask}}\n");
        await Answer("run --config conf asks:bin/deploy", "is new");
        await world.Sh($"cd '{tools.Directory}' && {change}").Succeeds("");
        _ = tools.Commit();
        await Answer("PAGER=cat run --config conf -u asks:bin/deploy", shown);
        await world.Run("--config", "conf", "asks:bin/deploy").Succeeds("one \n");

        async Task Answer(string command, string shows)
        {
            await using var child = world.Sh(command).OnTerminal().Start();
            await child.Output(shows);
            await child.Output("run it? [y/N] ");
            await child.Type("y\n");
            Assert.Equal(0, (await child.Exit()).Status);
        }
    }

    private static async Task<GitSource> Committed(Sandbox world)
    {
        var tools = new GitSource(world);
        await world.Sh($"cd '{tools.Directory}' && mkdir d && echo data > d/data && : > d/empty && echo odd > 'd/a b' && ln -s data d/link")
            .Succeeds("");
        _ = tools.Commit(Tools("one"));
        return tools;
    }
}
