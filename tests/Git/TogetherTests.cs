namespace Run.Tests.Git;

/// <summary>Several runs that want something of one repository at once.</summary>
[Needs("git")]
public sealed class TogetherTests
{
    [Fact]
    public async Task Refs_of_a_server_that_hangs_do_not_wait_for_each_other()
    {
        await using var world = World.Answering(RawServer.Stalls());
        var children = Enumerable.Range(1, 3).Select(n => world.Run($"git+{world.Server.Url}/r.git//bin/x@v{n}").Start()).ToList();
        foreach (var child in children)
        {
            var result = await child.Exit();
            result.Failed((int)ExitStatus.Unavailable, "the server does not answer");
            Assert.InRange(result.Time.TotalSeconds, 20, 32);
            await child.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_fetch_keeps_nobody_from_another_ref()
    {
        using var box = new Sandbox();
        var source = new GitSource(box);
        _ = source.Commit(("bin/x", "#!/bin/sh\necho one\n"));
        _ = source.Git("tag", "v1");
        var name = $"git+{source.FileUrl}//bin/x";
        await box.Run($"{name}@v1").Succeeds("one\n");
        _ = source.Commit(("bin/x", "#!/bin/sh\necho two\n"));
        _ = source.Git("tag", "v2");
        _ = source.Commit(("bin/x", "#!/bin/sh\necho three\n"));

        Slowly(box, $"until [ -e {box.Work}/go ]; do sleep .05; done");
        await using var slow = box.Run($"{name}@v2").Start();
        await Eventually.True(() => File.Exists(box.Work + "/packed"), "the server packs");
        Slowly(box, "");
        await box.Run($"{name}@main").Succeeds("three\n");
        await box.Run("-u", $"{name}@v1").Succeeds("one\n");
        box.Put("go", "");
        (await slow.Exit()).Is(0, "two\n");
        await box.Run("--offline", $"{name}@main").Succeeds("three\n");
        Assert.Empty(Directory.GetDirectories(box.Cache, "incoming-*", SearchOption.AllDirectories));
    }

    /// <summary>They unpack it one after the other, and all but the first drop what they have.</summary>
    [Fact]
    public async Task Refs_of_one_commit_have_one_tree_that_is_never_replaced()
    {
        for (var i = 0; i < 5; i++)
        {
            using var box = new Sandbox();
            var source = new GitSource(box);
            var commit = source.Commit(
                [("bin/x", "#!/bin/sh\ncd \"${0%/*}/..\" || exit\nfor i in $(seq 200); do [ -e data/$i ] || { echo gone; exit 1; }; done\n"
                    + "pwd\nstat -c %i .\n"),
                .. Enumerable.Range(1, 200).Select(static n => ($"data/{n}", $"{n}\n"))]);
            _ = source.Git("tag", "v1");
            string[] refs = ["v1", "main", commit, "HEAD"];
            var results = await Task.WhenAll(refs.Select(one => box.Run($"git+{source.FileUrl}//bin/x@{one}").Result()));
            Assert.All(results, result => result.Is(0, results[0].Stdout));
        }
    }

    /// <summary>The server's side runs this line of sh before it packs, and notes that in <c>packed</c>.</summary>
    internal static void Slowly(Sandbox box, string line)
    {
        var hook = box.Put("slowly", $"#!/bin/sh\necho >>{box.Work}/packed\n{line}\nexec \"$@\"\n");
        TestFile.Write(box.Home + "/.gitconfig", $"[uploadpack]\n\tpackObjectsHook = {hook}\n");
    }
}

/// <inheritdoc cref="TogetherTests"/>
[Needs("git")]
public sealed class SlowTogetherTests
{
    /// <summary>35 seconds without a file that grows: only what git says shows that there is progress.</summary>
    [Fact]
    public async Task A_slow_fetch_is_waited_for_as_long_as_git_says_something()
    {
        using var box = new Sandbox();
        var source = new GitSource(box);
        _ = source.Commit(("bin/x", "#!/bin/sh\necho ran\n"));
        TogetherTests.Slowly(box, "for i in $(seq 35); do echo $i >&2; sleep 1; done");
        var name = $"git+{source.FileUrl}//bin/x";
        await using var first = box.Run(name).Start();
        await Eventually.True(() => File.Exists(box.Work + "/packed"), "the server packs");
        await using var second = box.Run(name).Start();
        var result = (await first.Exit()).Is(0, "ran\n");
        Assert.InRange(result.Time.TotalSeconds, 33, 60);
        (await second.Exit()).Is(0, "ran\n");
        Assert.Single(File.ReadAllLines(box.Work + "/packed"));
    }
}
