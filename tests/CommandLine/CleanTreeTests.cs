using Run.Tests.Git;
using Run.Tests.Planning;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.CommandLine;

/// <summary><c>--clean SCRIPT</c> of a tree removes that script, and nothing that another one needs.</summary>
public sealed class CleanTreeTests
{
    [Fact]
    [Needs("git")]
    public async Task Of_two_refs_of_one_commit_one_goes()
    {
        await using var world = await World.Serving();
        var source = new GitSource(world);
        var commit = source.Commit(Tools("one"));
        _ = source.Git("tag", "v1");
        var script = $"git+{source.FileUrl}//bin/deploy";
        await world.Run($"{script}@v1").Succeeds("one \n");
        await world.Run($"{script}@main").Succeeds("one \n");
        await world.Run("--clean", "--yes", $"{script}@v1").Succeeds("");
        await world.Run("--offline", $"{script}@main").Succeeds("one \n");
        await world.Run("--offline", $"{script}@v1").Fails(ExitStatus.Unavailable, "not cached");
        await world.Run("--offline", $"{script}@{commit}").Succeeds("one \n");
        await world.Run("--clean", "--yes", $"{script}@main", $"{script}@{commit}").Succeeds("");
        Assert.Empty(Directory.GetDirectories(world.Cache, "trees/*"));
    }

    [Fact]
    [Needs("git")]
    public async Task Of_two_commits_one_goes_with_its_tree()
    {
        await using var world = await World.Serving();
        var source = new GitSource(world);
        var first = source.Commit(Tools("one"));
        _ = source.Git("tag", "v1");
        var script = $"git+{source.FileUrl}//bin/deploy";
        await world.Run($"{script}@v1").Succeeds("one \n");
        _ = source.Commit(Tools("two"));
        await world.Run($"{script}@main").Succeeds("two \n");
        await world.Run("--clean", "--yes", $"{script}@v1").Succeeds("");
        Assert.Single(Directory.GetDirectories(world.Cache, "tree", SearchOption.AllDirectories));
        await world.Run("--offline", $"{script}@main").Succeeds("two \n");
        await world.Run("--offline", $"{script}@{first}").Fails(ExitStatus.Unavailable, "not cached");
        await world.Run($"{script}@{first}").Succeeds("one \n");
    }

    [Fact]
    [Needs("git")]
    public async Task What_runs_stays_and_keeps_no_other_one()
    {
        await using var world = await World.Serving();
        var source = new GitSource(world);
        const string Wait = "#!/bin/sh\necho ready\nread x\n. \"${0%/*}/../lib/common.sh\"\necho ends $common\n";
        _ = source.Commit([.. Tools("one"), ("bin/wait", Wait)]);
        _ = source.Git("tag", "v1");
        var script = $"git+{source.FileUrl}//bin/wait";
        await using var child = world.Run($"{script}@v1").InputStaysOpen().Start();
        await child.Output("ready\n");
        _ = source.Commit(Tools("two"));
        await world.Run($"{script}@main").Input("").Succeeds("ready\nends two\n");
        await world.Run("--clean", "--yes", $"{script}@main").Succeeds("");
        await world.Run("--offline", $"{script}@main").Fails(ExitStatus.Unavailable, "not cached");
        await world.Run("--clean", "--yes", $"{script}@v1")
            .Expect(0, "", $"run: {script}@v1 is running (pid {child.Pid}), so its copy stays\n");

        // Of another script of the same tree only the use goes.
        await world.Run($"git+{source.FileUrl}//bin/other@v1").Succeeds("other\n");
        await world.Run("--clean", "--yes", $"git+{source.FileUrl}//bin/other@v1").Succeeds("");
        await world.Run("--offline", $"git+{source.FileUrl}//bin/deploy@v1").Succeeds("one \n");
        await child.Type("go\n");
        (await child.Exit()).Is(0, "ready\nends one\n");
    }

    [Fact]
    public async Task Of_an_archive_the_last_script_takes_the_tree_with_it()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        world.Sources(world.Server, $"a: {world.Server.Url}/x.tgz//%s", $"b: {world.Server.Url}/x.tgz//bin/%s");
        await Planned.Is(() => world.Run("a:bin/deploy"), "one \n");
        await world.Run("b:other").Succeeds("other\n");
        await world.Run("--clean", "--yes", "a:lib/common.sh").Expect(0, "", "run: a:lib/common.sh: not cached\n");
        await world.Run("--clean", "--yes", "a:bin/deploy").Succeeds("");
        Assert.Equal(["b:other"], await Listed());

        // It has a plan, which does not note that it is used.
        await world.Run("--offline", "a:bin/deploy").Succeeds("one \n");
        Assert.Equal(["a:bin/deploy", "b:other"], await Listed());
        await world.Run("--clean", "--yes", "b:other").Succeeds("");
        await world.Run("--offline", "a:bin/deploy").Succeeds("one \n");
        await world.Run("--clean", "--yes", "a:bin/deploy").Succeeds("");
        Assert.Empty(Directory.GetDirectories(world.Cache, "trees/*"));
        Assert.Equal(1, world.Server.Count("/x.tgz"));

        async Task<IEnumerable<string>> Listed() => (await world.Run("--list").Result()).Stdout
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(' ')[0]);
    }

    [Fact]
    [Needs("git")]
    public async Task During_its_first_fetch_it_stays_by_its_name()
    {
        await using var world = await World.Serving();
        var source = new GitSource(world);
        _ = source.Commit(Tools("one"));
        var script = $"git+{source.ServeOn(world.Server)}//bin/deploy";
        var gate = world.Server.Hold("/tools.git/git-upload-pack");
        await using var child = world.Run(script).Start();
        await gate.Reached;
        await world.Run("--clean", "--yes", script).Expect(0, "", $"run: {script} is being fetched, so its copy stays\n");
        await world.Run("--clean", "--yes").Expect(0, "", "run: a script is being fetched, so its copy stays\n");
        gate.Open();
        (await child.Exit()).Is(0, "one \n");
    }
}
