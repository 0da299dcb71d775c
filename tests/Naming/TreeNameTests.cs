using System.Text.Json;
using Run.Tests.Git;
using Run.Tests.Trees;

namespace Run.Tests.Naming;

/// <summary>The names of files of many: those that are listed run, and those that cannot be meant are explained.</summary>
public sealed class TreeNameTests
{
    private const string Says = "#!/bin/sh\necho ran\n";

    [Fact]
    [Needs("git")]
    public async Task Whatever_is_listed_runs()
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        _ = tools.Commit(("bin/a@v1", Says), ("dir@x/x", Says), ("plain", Says));
        _ = tools.Git("tag", "t");
        world.Server.Archive("/HEAD/a@b.tgz", Packed.TarGz(("y@z", Says), ("z", Says)));
        world.Put("d/HEAD/p@q", Says);
        world.Put(
            "conf",
            $"sources:\n  one: git+{tools.FileUrl}//%s\n  two: {{url: git+{tools.FileUrl}//%s, ref: t}}\n"
                + $"  three: {world.Server.Url}/{{ref}}/%s.tgz//%s\n  four: {world.Work}/d/{{ref}}/%s\n");
        await Listed("one:", "one:bin/a@v1@HEAD", "one:dir@x/x@HEAD", "one:plain");
        await Listed("one:@t", "one:bin/a@v1@t", "one:dir@x/x@t", "one:plain@t");
        await Listed("one:dir@x/x@HEAD", "one:dir@x/x@HEAD");
        await Listed("two:", "two:bin/a@v1@t", "two:dir@x/x@t", "two:plain");
        await Listed("three:a@b/@HEAD", "three:a@b/y@z@HEAD", "three:a@b/z@HEAD");
        await Listed("four:", "four:p@q@HEAD");

        var words = (await world.Run("--config", "conf", "--completion", "words").Result()).Stdout.Split('\n')
            .Select(static line => line.Split('\t')[0]).Where(static word => word.Contains('/') || word.Contains('@')).ToList();
        Assert.Contains("one:dir@x/x@HEAD", words);
        Assert.Contains("two:dir@x/x@t", words);
        foreach (var word in words.Where(static word => !word.Contains("OWNER", StringComparison.Ordinal)))
        {
            await world.Run("--config", "conf", word).Succeeds("ran\n");
        }

        async Task Listed(string what, params string[] scripts)
        {
            var list = await world.Run("--config", "conf", "--list", what).Result();
            Assert.Equal(scripts, list.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.TrimEnd()));
            var json = JsonDocument.Parse((await world.Run("--config", "conf", "--json", "--list", what).Result()).Stdout).RootElement;
            Assert.Equal(scripts, json.EnumerateArray().Select(static one => one.GetProperty("script").GetString()));
            foreach (var script in scripts)
            {
                await world.Run("--config", "conf", script).Succeeds("ran\n");
            }
        }
    }

    [Fact]
    [Needs("git")]
    public async Task A_path_through_a_link_is_told_from_one_that_is_not_there()
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        await world.Sh($"cd '{tools.Directory}' && mkdir -p a/real && ln -s real a/lib && ln -s ../a/lib/. a/l2 && ln -s x x").Succeeds("");
        _ = tools.Commit(("a/real/x", Says));
        var url = $"git+{tools.FileUrl}//";
        await world.Run(url + "a/lib/x").Fails(ExitStatus.CannotStart, "leads through a symbolic link", "did you mean a/real/x?");
        await world.Run(url + "a/l2/x").Fails(ExitStatus.CannotStart, "leads through a symbolic link", "did you mean a/real/x?");
        await world.Run(url + "a/lib/y").Fails(ExitStatus.NotFound, "no file a/lib/y");
        await world.Run(url + "x/y").Fails(ExitStatus.NotFound, "no file x/y");
        await world.Run(url + "a/lib").Fails(ExitStatus.CannotStart, "is a symbolic link", "it leads to real");
    }

    [Fact]
    [Needs("git")]
    public async Task A_file_URL_may_name_this_machine()
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        _ = tools.Commit(("x", Says));
        world.Put("conf", $"sources:\n  one: git+file://localhost{tools.Directory}//%s\n");
        await world.Run($"git+file://localhost{tools.Directory}//x").Succeeds("ran\n");
        await world.Run("--offline", $"git+file://{tools.Directory}//x").Succeeds("ran\n");
        await world.Run("--config", "conf", "--offline", "one:x").Succeeds("ran\n");
        await world.Run($"git+file://localhost.test{tools.Directory}//x").Fails(ExitStatus.Usage, "a file URL names no other host");
    }

    /// <summary>Such as the tags of packages: name@1.2.3, @scope/name@1.2.3.</summary>
    [Theory]
    [InlineData("rel@2", "rel%402")]
    [InlineData("@scope/name@1.2.3", "%40scope/name%401.2.3")]
    [InlineData("a@HEAD", "a%40HEAD")]
    [Needs("git")]
    public async Task A_tag_with_an_at_sign(string tag, string encoded)
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        var commit = tools.Commit(("bin/x", Says), ("a@b/y", Says));
        _ = tools.Git("tag", tag);
        _ = tools.Commit(("bin/x", "#!/bin/sh\necho newer\n"), ("a@b/y", "#!/bin/sh\necho newer\n"));
        var url = $"git+{tools.FileUrl}//";
        world.Put(
            "conf",
            $"sources:\n  one: {{url: {url}%s, ref: \"{tag}\"}}\n  two: {{url: \"{url}%s@{{ref}}\", ref: \"{tag}\"}}\n  three: {url}%s\n");
        string[] scripts = ["one:bin/x", "two:bin/x", $"{url}bin/x@{encoded}", $"{url}a@b/y@{encoded}"];
        foreach (var script in scripts)
        {
            await world.Run("--config", "conf", script).Succeeds("ran\n");
            await world.Run("--config", "conf", "--offline", script).Succeeds("ran\n");
        }

        // One script by two names, and of each the same lock.
        var dry = (await world.Run("--config", "conf", "--json", "-n", "one:bin/x").Result()).Stdout;
        Assert.Equal($"{url}bin/x@{encoded}", JsonDocument.Parse(dry).RootElement.GetProperty("url").GetString());

        await world.Run(["--config", "conf", "-q", "--pin", .. scripts]).Succeeds("");
        Assert.Equal(
            [
                $"one:bin/x {url}bin/x@{commit}", $"two:bin/x {url}bin/x@{commit}",
                $"{url}a@b/y@{encoded} {url}a@b/y@{commit}", $"{url}bin/x@{encoded} {url}bin/x@{commit}",
            ],
            File.ReadAllLines(world.Work + "/run.pins").Select(static line => line[..line.LastIndexOf(' ')]).Order(StringComparer.Ordinal)
                .OrderBy(static line => line.StartsWith("git+", StringComparison.Ordinal)));
        foreach (var script in scripts)
        {
            await world.Run("--config", "conf", "--pinned", script).Succeeds("ran\n");
        }

        // As typed, the last @ begins the ref.
        await world.Run("--config", "conf", $"three:bin/x@{tag}x")
            .Fails(ExitStatus.NotFound, "no branch or tag", $"%40 in a URL: {url}bin/x@{encoded}x");
    }

    [Fact]
    [Needs("git")]
    public async Task A_list_that_fails_names_what_was_typed()
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        _ = tools.Commit(("x", Says));
        world.Put("conf", $"sources:\n  one: git+{tools.FileUrl}//%s\n");
        await world.Run("--config", "conf", "--offline", "--list", "one:@tags/v1")
            .Expect(69, "", "run: one:@tags/v1: not cached, and offline\n     --offline or RUN_OFFLINE forbids the network\n");
    }

    [Theory]
    [InlineData("one: {url: git+file:///x//%s, ref: \"-x\"}", ":2:33: ref: a ref that begins with '-'")]
    [InlineData("one: {url: git+file:///x//%s, ref: \"a..b\"}", ":2:33: ref: '..' in the ref")]
    [InlineData("one: git+file:///x//bin/%s@v1", "a ref: @v1", "ref: v1", "%40")]
    [InlineData("one: {url: https://h.test/x.tgz?sig=y//%s}", "behind the query", "https://h.test/x.tgz//")]
    public async Task A_mistake_in_a_source_has_its_place(string source, params string[] words)
    {
        await using var world = await World.Serving();
        world.Put("conf", $"sources:\n  {source}\n");
        await world.Run("--config", "conf", "one:x").Fails(ExitStatus.Configuration, ["conf:2:", .. words]);
    }

    [Fact]
    public async Task A_ref_in_braces_may_be_at_the_end()
    {
        await using var world = await World.Serving();
        world.Put("conf", "sources:\n  one: git+file:///x//bin/%s@{ref}\n  two: git+file:///x//%s%40v1\n");
        await world.Run("--config", "conf", "--offline", "one:x").Fails(ExitStatus.Unavailable, "not cached");
        var dry = await world.Run("--config", "conf", "-n", "two:x").Result();
        Assert.Contains("file:///x//x@v1@HEAD", dry.Stdout, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://h.test/x.tar.gz?sig=secret//bin/x", "https://h.test/x.tar.gz//bin/x?sig=")]
    [InlineData("https://h.test/x.zip?a=secret&b=ab//x", "https://h.test/x.zip//x?a=")]
    public async Task A_path_behind_the_query_of_an_archive(string typed, string meant)
    {
        await using var world = await World.Serving();
        var result = await world.Run(typed).Fails(ExitStatus.Usage, "the path of a file is behind the query", $"did you mean {meant}");
        Assert.DoesNotContain("secret", result.Stderr, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://h.test/x.sh?u=http://h.test/x")]
    [InlineData("https://h.test/x.tgz?u=http://h.test/x")]
    [InlineData("https://h.test/x.tgz?sig=a//b=")]
    [InlineData("https://h.test/x.tgz//bin/x?sig=a//b")]
    public async Task A_query_that_holds_slashes(string typed)
    {
        await using var world = await World.Serving();
        await world.Run("--offline", typed).Fails(ExitStatus.Unavailable, "not cached");
    }
}
