using System.Text.Json;
using Run.Tests.Git;
using Run.Tests.Planning;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.Trees;

/// <summary>Scripts of many files, from archives and repositories, as users run them.</summary>
public sealed class TreeRunTests
{
    [Theory]
    [InlineData("tar")]
    [InlineData("tar.gz")]
    [InlineData("in one directory")]
    public async Task The_script_finds_its_neighbours_and_the_working_directory_stays(string how)
    {
        await using var world = await World.Serving();
        var top = how == "in one directory" ? "tools-1.2/" : "";
        (string Path, string Text)[] files = [.. Tools("one"), ("bin/where", "#!/bin/sh\npwd; basename \"$0\"\n")];
        files = [.. files.Select(f => (top + f.Path, f.Text))];
        world.Server.Archive("/x", how == "tar" ? Tar(files) : TarGz(files));
        await world.Run($"{world.Server.Url}/x//bin/deploy", "a b", "", "-q").Succeeds("one a b  -q\n");
        await world.Run($"{world.Server.Url}/x//bin/where").Succeeds($"{world.Work}\nwhere\n");
        await world.Run($"{world.Server.Url}/x//bin/other").Succeeds("other\n");
        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Theory]
    [InlineData("file")]
    [InlineData("http")]
    public async Task From_a_repository_at_a_branch_a_tag_and_a_commit(string how)
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        var first = tools.Commit(Tools("one"));
        _ = tools.Git("tag", "v1");
        tools.Commit(Tools("two"));
        var url = "git+" + (how == "file" ? tools.FileUrl : tools.ServeOn(world.Server));
        await world.Run($"{url}//bin/deploy", "x").Succeeds("two x\n");
        await world.Run($"{url}//bin/deploy@v1").Succeeds("one \n");
        await world.Run($"{url}//bin/deploy@main").Succeeds("two \n");
        await world.Run($"{url}//bin/other@v1").Succeeds("other\n");
        await world.Run("--offline", $"{url}//bin/deploy@{first}").Succeeds("one \n");

        tools.Commit(Tools("three"));
        await world.Run($"{url}//bin/deploy").Succeeds("two \n");
        await world.Run("-u", $"{url}//bin/deploy").Succeeds("three \n");
        await world.Run($"{url}//bin/deploy@v1").Succeeds("one \n");
    }

    [Fact]
    public async Task From_a_source_whose_pattern_parts_them()
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        tools.Commit(Tools("repo"));
        world.Server.Archive("/o/r/HEAD.tgz", TarGz(Tools("head")));
        world.Server.Archive("/o/r/v1/x.tgz", TarGz(Tools("slash")));
        world.Server.Archive("/o/r/v1.tgz", TarGz(Tools("v1")));
        world.Sources(
            world.Server, $"a: {world.Server.Url}/%s/%s/{{ref}}.tgz//%s", $"b: {world.Server.Url}/o/r/v1.tgz//bin/%s",
            $"g: git+{tools.FileUrl}//%s");
        await world.Run("a:o/r/bin/deploy").Succeeds("head \n");
        await world.Run("a:o/r/bin/deploy@v1").Succeeds("v1 \n");
        await world.Run("a:o/r/bin/deploy@v1/x").Succeeds("slash \n");
        await world.Run("b:deploy").Succeeds("v1 \n");
        await world.Run("g:bin/deploy").Succeeds("repo \n");
        await world.Run("g:bin/deploy@main").Succeeds("repo \n");
        await world.Run("a:o/r").Fails(ExitStatus.Usage, "expects OWNER/REPO/PATH");
    }

    [Fact]
    public async Task It_is_planned_and_each_file_is_held_against_what_was_unpacked()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz([.. Tools("one"), ("lib/link", "->common.sh")]));
        var script = $"{world.Server.Url}/x.tgz//bin/deploy";
        await Planned.Is(() => world.Run(script, "a"), "one a\n");

        var common = world.CachedFile("lib/common.sh");
        foreach (var damage in (Action[])[
            () => Rewrite(common, "common=evil\n"),
            () => { Open(common); File.Delete(common); },
            () => Relink(common, "/etc/passwd"),
            () => Relink(world.CachedFile("lib/link"), "evil"),
            () => Rewrite(world.CachedFile("bin/deploy"), "#!/bin/sh\necho evil\n"),
        ])
        {
            damage();
            await world.Run(script, "b").Succeeds("one b\n");
            await Planned.Is(() => world.Run(script, "a"), "one a\n");
        }

        Assert.Equal(1, world.Server.Count("/x.tgz"));
        await world.Run("--offline", script).Succeeds("one \n");
    }

    [Fact]
    public async Task A_damaged_tree_whose_archive_is_damaged_too_is_fetched_again()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        var script = $"{world.Server.Url}/x.tgz//bin/deploy";
        await world.Run(script).Succeeds("one \n");
        Rewrite(world.CachedFile("lib/common.sh"), "common=evil\n");
        Rewrite(Assert.Single(world.CachedFiles(), static path => Path.GetFileName(path) == "archive"), "evil");
        await world.Run("--offline", script).Fails(ExitStatus.Unavailable, "not cached");
        await world.Run(script).Succeeds("one \n");
        Assert.Equal(2, world.Server.Count("/x.tgz"));
    }

    [Fact]
    public async Task After_another_boot_all_files_are_hashed_once()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        var script = $"{world.Server.Url}/x.tgz//bin/deploy";
        await Planned.Is(() => world.Run(script), "one \n");
        world.Put("boot", "00000000-0000-4000-8000-000000000000\n");
        Command Booted(params string[] arguments) =>
            world.Run(arguments).InMountNamespace($"mount --bind {world.Work}/boot /proc/sys/kernel/random/boot_id");
        await Booted(script).Succeeds("one \n");
        var stamps = Assert.Single(world.CachedFiles(), static path => Path.GetFileName(path) == "stamps");
        Assert.Contains("00000000-0000-4000-8000", File.ReadAllText(stamps), StringComparison.Ordinal);

        // As if its pages had not reached the disk when the power failed: the stamp is right, the bytes are not.
        await world.Run(script).Succeeds("one \n");
        var common = world.CachedFile("lib/common.sh");
        var old = File.ReadAllBytes(stamps);
        Rewrite(common, new string('\0', "common=one\n".Length));
        await Booted("--offline", script).Succeeds("one \n");
        Assert.NotEqual(old, File.ReadAllBytes(stamps));
    }

    [Fact]
    public async Task Nothing_in_it_is_writable()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz([.. Tools("one"), ("empty/", "")]));
        await world.Run($"{world.Server.Url}/x.tgz//bin/deploy").Umask("000").Succeeds("one \n");
        await world.Sh("find \"$XDG_CACHE_HOME\"/run/trees/*/*/tree ! -type l -perm /0277").Succeeds("");
        await world.Sh("find \"$XDG_CACHE_HOME\"/run -perm /077").Succeeds("");
        await world.Run("--clean", "--yes").Succeeds("");
        Assert.Empty(Directory.GetDirectories(world.Cache, "trees"));
    }

    /// <summary>Root may write even where nobody may, and Python then leaves what it has compiled.</summary>
    [Fact]
    [Needs("python3")]
    public async Task What_Python_compiles_is_no_damage()
    {
        await using var world = await World.Serving();
        world.Server.Archive(
            "/x.tgz", TarGz(
                ("bin/tool", "#!/usr/bin/env python3\nimport helper\nprint(helper.word)\n"),
                ("bin/helper.py", "word = 'found'\n"), ("README", "")));
        var script = $"{world.Server.Url}/x.tgz//bin/tool";
        await Planned.Is(() => world.Run(script), "found\n");
        if (Environment.IsPrivilegedProcess)
        {
            Assert.True(Directory.Exists(Path.GetDirectoryName(world.CachedFile("bin/tool")) + "/__pycache__"));
        }

        await world.Run("--offline", script).Succeeds("found\n");
        Assert.Equal(1, world.Server.Count("/x.tgz"));
        await world.Run("--clean", "--yes", script).Succeeds("");
        Assert.Empty(Directory.GetDirectories(world.Cache + "/trees"));
    }

    [Fact]
    public async Task Digests_of_the_bytes_and_of_the_tree()
    {
        await using var world = await World.Serving();
        var (tar, zipped) = (Tar(Tools("one")), TarGz(Tools("one")));
        world.Server.Archive("/x.tar", tar);
        world.Server.Archive("/x.tgz", zipped);
        var tools = new GitSource(world);
        tools.Commit(Tools("one"));
        TestFile.Write(world.Work + "/x.tar", tar);
        var bytes = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(tar));
        var tree = (await world.Sh("""
            mkdir t && tar xf x.tar -C t && cd t && find . -type f -printf '%P\n' | LC_ALL=C sort | while read -r f; do
                mode=100644; [ ! -x "$f" ] || mode=100755
                echo "$mode $(sha256sum "$f" | cut -d' ' -f1) $f"
            done | sha256sum | cut -d' ' -f1
            """).Result()).Stdout.Trim();
        foreach (var url in (string[])[world.Server.Url + "/x.tar", world.Server.Url + "/x.tgz", "git+" + tools.FileUrl])
        {
            await world.Run($"{url}//bin/deploy#tree={tree}").Succeeds("one \n");
            await world.Run($"{url}//bin/deploy#tree={tree.ToUpperInvariant()}").Succeeds("one \n");
            await world.Run($"{url}//bin/deploy#tree={bytes}").Fails(ExitStatus.Data, tree);
        }

        await world.Run("--sha256", bytes, $"{world.Server.Url}/x.tar//bin/deploy").Succeeds("one \n");
        await world.Run($"{world.Server.Url}/x.tar//bin/deploy#sha256={bytes}#tree={tree}").Succeeds("one \n");
        await world.Run($"{world.Server.Url}/x.tgz//bin/deploy#sha256={bytes}").Fails(ExitStatus.Data, bytes);
        await world.Run($"git+{tools.FileUrl}//bin/deploy#sha256={bytes}").Fails(ExitStatus.Usage, "repository", "#tree=");
        await world.Run($"{world.Server.Url}/x#tree={tree}").Fails(ExitStatus.Usage, "#tree=", "#sha256=");
        await world.Run($"{world.Server.Url}/x.tar//bin/deploy#tree:{tree}").Fails(ExitStatus.Usage, $"#tree={tree}");
    }

    [Fact]
    public async Task A_wrong_digest_leaves_the_tree_that_is_there()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        var script = $"{world.Server.Url}/x.tgz//bin/deploy";
        await world.Run(script).Succeeds("one \n");
        var json = JsonDocument.Parse((await world.Run("-n", "--json", script).Result()).Stdout).RootElement;
        world.Server.Archive("/x.tgz", TarGz(Tools("two")));
        await world.Run("-u", $"{script}#tree={json.GetProperty("tree").GetString()}").Fails(ExitStatus.Data, "the digest does not match");
        var sha256 = json.GetProperty("sha256").GetString();
        await world.Run("-u", $"{script}#sha256={sha256}").Fails(ExitStatus.Data, "the digest does not match");
        await world.Run(script).Succeeds("one \n");
    }

    [Fact]
    public async Task Pins_hold_the_tree_at_its_commit()
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        var first = tools.Commit(Tools("one"));
        _ = tools.Git("tag", "v1");
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        var url = "git+" + tools.FileUrl;
        world.Sources(world.Server, $"g: {url}//bin/%s", $"a: {world.Server.Url}/x.tgz//%s");
        string[] scripts = ["g:deploy", "g:other@v1", "a:bin/deploy", $"{url}//bin/deploy@main", $"{url}//bin/other"];
        await world.Run(["-q", "--pin", .. scripts]).Succeeds("");
        var pins = File.ReadAllLines(world.Work + "/run.pins");
        var tree = pins[0].Split("tree:")[1];
        Assert.Equal(
            [
                $"a:bin/deploy {world.Server.Url}/x.tgz//bin/deploy tree:{tree}",
                $"g:deploy {url}//bin/deploy@{first} tree:{tree}",
                $"g:other@v1 {url}//bin/other@{first} tree:{tree}",
                $"{url}//bin/deploy@main {url}//bin/deploy@{first} tree:{tree}",
                $"{url}//bin/other {url}//bin/other@{first} tree:{tree}",
            ],
            pins);

        // The tag and the branch move, and the pins do not.
        tools.Commit(Tools("two"));
        _ = tools.Git("tag", "--force", "v1");
        world.Server.Archive("/x.tgz", TarGz(Tools("two")));
        foreach (var script in scripts)
        {
            await world.Run("--pinned", script).Succeeds(script.Contains("other", StringComparison.Ordinal) ? "other\n" : "one \n");
        }

        var outdated = await world.Run("--outdated").Result();
        outdated.Check(outdated is { Status: 1, Stderr: "" } && outdated.Stdout.Split('\n').Length == scripts.Length + 1, "all five");
        await world.Run("-u", "a:bin/deploy").Fails(ExitStatus.Data, "does not match the pin", "--pin");
        var diff = await world.Run("--diff", "a:bin/deploy").Result();
        diff.Check(
            diff.Status == 1 && diff.Stdout.Contains("--- a/lib/common.sh", StringComparison.Ordinal)
            && diff.Stdout.Contains("+common=two", StringComparison.Ordinal), "a diff of the trees");

        Directory.Delete(world.Cache, recursive: true);
        await world.Run("g:deploy").Succeeds("one \n");
        await world.Run("a:bin/deploy").Fails(ExitStatus.Data, "does not match the pin");
        await world.Run("-q", "--pin").Succeeds("");
        await world.Run("g:deploy").Succeeds("two \n");
        await world.Run("--outdated").Succeeds("");
    }

    [Theory]
    [InlineData("a:bin/deploy URL/y.tgz//bin/deploy tree:DIGEST", 77, "not where it comes from")]
    [InlineData("a:bin/deploy URL/x.tgz//bin/other tree:DIGEST", 77, "not where it comes from")]
    [InlineData("a:bin/deploy URL/x.tgz//bin/deploy tree:00", 78, "run.pins:1:")]
    [InlineData("default:x URL/x tree:DIGEST", 78, "sha256:")]
    [InlineData("g:deploy git+file:///srv//bin/deploy sha256:DIGEST", 78, "tree:")]
    public async Task A_pin_that_is_none(string pin, int status, string word)
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        world.Sources(world.Server, $"a: {world.Server.Url}/x.tgz//%s");
        pin = pin.Replace("URL", world.Server.Url, StringComparison.Ordinal).Replace("DIGEST", DigestOf(pin), StringComparison.Ordinal);
        world.Put("run.pins", pin + "\n");
        await world.Run("a:bin/deploy").Fails((ExitStatus)status, word);
    }

    [Fact]
    public async Task What_is_not_there_or_no_file()
    {
        await using var world = await World.Serving(("/page", "<!DOCTYPE html><html></html>"), ("/text", "no archive"));
        world.Server.Archive("/x.tgz", TarGz([.. Tools("one"), ("bin/link", "->deploy")]));
        var url = world.Server.Url;
        await world.Run($"{url}/x.tgz//bin/deplyo").Fails(ExitStatus.NotFound, "bin/deplyo", "did you mean bin/deploy?");
        await world.Run($"{url}/x.tgz//deploy").Fails(ExitStatus.NotFound, "did you mean bin/deploy?");
        await world.Run($"{url}/x.tgz//bin").Fails(ExitStatus.CannotStart, "a directory", "such as bin/deploy");
        await world.Run($"{url}/x.tgz//bin/link").Fails(ExitStatus.CannotStart, "a symbolic link", "deploy");
        await world.Run($"{url}/none.tgz//x").Fails(ExitStatus.NotFound, "404");
        await world.Run($"{url}/text//x").Fails(ExitStatus.Data, "not an archive");
        await world.Run($"{url}/page//x").Fails(ExitStatus.Data, "web page");
        foreach (var name in (string[])["x.tgz//", "x.tgz//../x", "x.tgz//a/./b", "x.tgz//a//b", "x.tgz//a%2Fb", "x.tgz//a%00b", "/x"])
        {
            await world.Run($"{url}/{name}").Fails(ExitStatus.Usage);
        }

        foreach (var name in (string[])["git+file:///x", "git+file:///x//a@-b", "git+file:///x//a@a..b", "git+ssh://-oProxyCommand=x/r//a",
            "git+ssh://h//a", "git+ftp://h/r//a", "git+file://h/r//a", "git+https://h/r//a?b"])
        {
            await world.Run(name).Fails(ExitStatus.Usage);
        }
    }

    [Theory]
    [InlineData("x.tgz")]
    [InlineData("x.tar")]
    [InlineData("x.zip")]
    public async Task An_archive_itself_is_no_script(string name)
    {
        await using var world = await World.Serving();
        world.Server.Archive("/" + name, name switch
        {
            "x.zip" => [.. "PK\u0003\u0004\0\0\0\0"u8],
            "x.tar" => Tar(Tools("one")),
            _ => TarGz(Tools("one")),
        });
        await world.Run($"{world.Server.Url}/{name}").Fails(ExitStatus.CannotStart, "an archive, not a script", "put // and its path");

        // Some programs start what is in one.
        await world.Run("-i", "head -c 0", $"{world.Server.Url}/{name}").Succeeds("");
    }

    [Fact]
    public async Task What_was_probably_meant()
    {
        await using var world = await World.Serving(("/o/page.git", "<!DOCTYPE html><html></html>"));
        var tools = new GitSource(world);
        tools.Commit(Tools("one"));
        _ = tools.Git("tag", "v1");
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        var url = world.Server.Url;
        world.Sources(world.Server, $"a: {url}/%s.tgz//%s", $"g: git+{tools.FileUrl}//bin/%s");
        foreach (var (path, status) in (IEnumerable<(string, ExitStatus)>)[("o/page", ExitStatus.Data), ("o/none", ExitStatus.NotFound)])
        {
            await world.Run($"{url}/{path}.git//bin/x").Fails(status, $"did you mean git+{url}/{path}.git//bin/x?");
        }

        await world.Run("a:x/nothing-like-it").Fails(ExitStatus.NotFound, "run --list a:x/ shows what is in it");
        await world.Run("g:nothing-like-it@v1").Fails(ExitStatus.NotFound, "run --list g:@v1 shows what is in it");
        await world.Run($"{url}/x.tgz//nothing-like-it").Fails(ExitStatus.NotFound, "run -u asks the server");
        await world.Run("git+http://example.invalid/r.git//x").Fails(ExitStatus.Refused, "plain http is refused", "SCRIPT#tree=HEX");
    }

    [Fact]
    public async Task A_lone_directory_is_the_tree_whatever_its_name()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(("bin/tool", "#!/bin/sh\ncat \"${0%/*}/data\"\n"), ("bin/data", "beside\n")));
        world.Conf($"sources:\n  a:\n    url: {world.Server.Url}/x.tgz//%s\n    trust: ask\n");
        await world.Run($"{world.Server.Url}/x.tgz//bin/tool").Succeeds("beside\n");
        await world.Run($"{world.Server.Url}/x.tgz//tool").Succeeds("beside\n");

        // What is shown before it is accepted is found in the same way.
        await world.Run("-y", "--clean").Succeeds("");
        foreach (var name in (string[])["a:bin/tool", "a:tool"])
        {
            await world.Run("--view", name).Succeeds("#!/bin/sh\ncat \"${0%/*}/data\"\n");
        }

        await world.Run("--view", "a:toll").Fails(ExitStatus.NotFound, "did you mean tool?");
        await world.Run("a:toll").Fails(ExitStatus.NotFound, "did you mean tool?");
        await using var child = world.Run("a:bin/tool").OnTerminal().Start();
        await child.Output("[y/N] ");
        await child.Type("y\n");
        var result = await child.Exit();
        result.Check(
            result.Stdout.Contains("| cat \"${0%/*}/data\"", StringComparison.Ordinal)
            && result.Stdout.Contains("one of 2 files", StringComparison.Ordinal), "the script is shown");
    }

    [Fact]
    public async Task View_dry_run_list_and_fetch()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        world.Sources(world.Server, $"a: {world.Server.Url}/x.tgz//%s", $"b: {world.Server.Url}/x.tgz//bin/%s");
        await world.Run("--view", "a:lib/common.sh").Succeeds("common=one\n");
        await world.Run("a:bin/deploy").Succeeds("one \n");
        await world.Run("--fetch", "b:other").Succeeds("");
        var list = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout).RootElement.EnumerateArray().ToList();
        Assert.Equal(["a:bin/deploy", "a:lib/common.sh", "b:other"], list.Select(static one => one.GetProperty("script").GetString()));
        Assert.All(list, static one => Assert.Equal(64, one.GetProperty("tree").GetString()!.Length));
        Assert.True(File.Exists(list[0].GetProperty("path").GetString()));
        await world.Run("--list", "b:").Succeeds("b:deploy  \nb:other   Prints the other thing\n");
        await world.Run("--list", "a:b").Succeeds("a:bin/deploy  \na:bin/other   Prints the other thing\n");
        Assert.Equal(1, world.Server.Count("/x.tgz"));

        var words = await world.Run("--completion", "words").Result();
        words.Check(
            words.Stdout.Contains("a:bin/other\t", StringComparison.Ordinal)
            && words.Stdout.Contains("b:deploy\t", StringComparison.Ordinal), "the other files of cached trees");

        await world.Run("--clean", "--yes", "b:other").Succeeds("");
        await world.Run("--list", "b:*").Succeeds("");
        await world.Run("--clean", "--yes", "a:bin/deploy", "a:lib/common.sh").Succeeds("");
        await world.Run("--list").Succeeds("");
    }

    [Fact]
    [Needs("git")]
    public async Task What_is_not_in_a_tree_is_not_listed_and_keeps_nothing()
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        tools.Commit(Tools("one"));
        world.Server.Archive("/x.tgz", TarGz([.. Tools("one").Select(static f => ("tools-1/" + f.Path, f.Text))]));
        world.Sources(world.Server, $"a: {world.Server.Url}/x.tgz//%s", $"g: git+{tools.FileUrl}//%s");
        await world.Run("a:sbin/deploy").Fails(ExitStatus.NotFound, "no file sbin/deploy", "did you mean bin/deploy?");
        await world.Run("a:bin").Fails(ExitStatus.CannotStart, "bin is a directory");
        var listed = await world.Run("--list", "g:").Result();
        listed.Check(listed.Stdout.Contains("g:bin/other", StringComparison.Ordinal), "the files of the repository");
        await world.Run("--list").Succeeds("");
        await world.Run("--list", "--json").Succeeds("[]\n");

        // The directory around all files may be named too.
        await world.Run("a:tools-1/bin/deploy").Succeeds("one \n");
        await world.Run("g:bin/deploy").Succeeds("one \n");
        await world.Run("a:sbin/deploy").Fails(ExitStatus.NotFound, "no file sbin/deploy");
        await world.Run("g:sbin/deploy").Fails(ExitStatus.NotFound, "no file sbin/deploy");
        var list = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout).RootElement.EnumerateArray().ToList();
        Assert.Equal(["a:tools-1/bin/deploy", "g:bin/deploy"], list.Select(static one => one.GetProperty("script").GetString()));
        Assert.All(list, static one => Assert.True(File.Exists(one.GetProperty("path").GetString())));

        await world.Run("--clean", "--yes", "a:tools-1/bin/deploy", "g:bin/deploy").Succeeds("");
        Assert.Empty(Directory.GetDirectories(world.Cache + "/trees"));
    }

    /// <summary>As a 404 leaves the copy of a single script.</summary>
    [Theory]
    [InlineData("archive")]
    [InlineData("repository")]
    [Needs("git")]
    public async Task A_script_that_is_gone_keeps_its_tree(string how)
    {
        await using var world = await World.Serving();
        var tools = new GitSource(world);
        Publish(Tools("one"));
        world.Sources(
            world.Server, how == "archive" ? $"t: {world.Server.Url}/x.tgz//%s" : $"t: git+{tools.FileUrl}//%s");
        await world.Run("t:bin/deploy").Succeeds("one \n");
        await world.Run("t:bin/other").Succeeds("other\n");

        Publish([.. Tools("two").Where(static f => f.Path != "bin/deploy"), ("bin/deploy2/x", "")]);
        await world.Run("-u", "t:bin/deploy").Fails(ExitStatus.NotFound, "no file bin/deploy in", "any more, so the copy of", "ago stays");
        await world.Run("t:bin/deploy").Succeeds("one \n");

        Publish([.. Tools("three").Where(static f => f.Path != "bin/deploy"), ("bin/deploy/x", "")]);
        await world.Run("-u", "t:bin/deploy").Fails(ExitStatus.CannotStart, "bin/deploy is a directory", "ago stays", "bin/deploy/x");
        await world.Run("t:bin/deploy").Succeeds("one \n");

        // The tree is for all of its scripts: another one's update is an update of all.
        await world.Run("-u", "t:bin/other").Succeeds("other\n");
        await world.Run("t:bin/deploy").Fails(ExitStatus.CannotStart, "bin/deploy is a directory");
        Publish(Tools("four"));
        await world.Run("-u", "t:bin/deploy").Succeeds("four \n");

        void Publish((string Path, string Text)[] files)
        {
            world.Server.Archive("/x.tgz", TarGz(files));
            _ = tools.Git("rm", "-r", "--quiet", "--ignore-unmatch", ".");
            _ = tools.Commit(files);
        }
    }

    [Fact]
    public async Task Running_scripts_keep_their_tree()
    {
        await using var world = await World.Serving();
        const string Wait = "#!/bin/sh\necho ready\nread x\n. \"$(dirname \"$0\")/../lib/common.sh\"\necho $common\n";
        world.Server.Archive("/x.tgz", TarGz([.. Tools("one"), ("bin/wait", Wait)]));
        var url = world.Server.Url + "/x.tgz//bin/";
        await using var child = world.Run(url + "wait").InputStaysOpen().Start();
        await child.Output("ready\n");
        world.Server.Archive("/x.tgz", TarGz(Tools("two")));
        await world.Run("-u", url + "deploy").Succeeds("two \n");
        var clean = await world.Run("--clean", "--yes").Result();
        clean.Check(clean.Status == 0 && clean.Stderr.Contains("is running", StringComparison.Ordinal), "it stays");
        world.Server.Archive("/x.tgz", TarGz(Tools("three")));
        await world.Run("-u", url + "deploy").Succeeds("three \n");
        await child.Type("go\n");
        Assert.Contains("one\n", (await child.Exit()).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_asked_first_if_the_source_says_so()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        world.Conf($"sources:\n  a:\n    url: {world.Server.Url}/x.tgz//%s\n    trust: ask\n");
        await world.Run("a:bin/deploy").Fails(ExitStatus.Refused, "tree:", "#tree=");
        await using (var child = world.Run("a:bin/deploy").OnTerminal().Start())
        {
            await child.Output("[y/N] ");
            await child.Type("y\n");
            var result = await child.Exit();
            Assert.Contains("one", result.Stdout, StringComparison.Ordinal);
        }

        await world.Run("a:bin/other").Succeeds("other\n");
        world.Server.Archive("/x.tgz", TarGz(Tools("two")));
        await world.Run("-u", "a:bin/deploy").Fails(ExitStatus.Refused);
        await world.Run("a:bin/deploy").Succeeds("one \n");
    }

    [Fact]
    public async Task Twenty_at_once_fetch_once()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        string[] names = ["deploy", "other"];
        var runs = Enumerable.Range(0, 20).Select(i => world.Run($"{world.Server.Url}/x.tgz//bin/{names[i % 2]}").Result());
        foreach (var result in await Task.WhenAll(runs))
        {
            result.Check(result is { Status: 0, Stderr: "" }, "all run");
        }

        Assert.Equal(1, world.Server.Count("/x.tgz"));
    }

    [Fact]
    public async Task Mirrors_max_age_and_304()
    {
        await using var world = await World.Serving();
        world.Server.Archive("/mirror/x.tgz", TarGz(Tools("mirror")));
        string Source(string inTree) =>
            $"sources:\n  a:\n    url: {world.Server.Url}/x.tgz//{inTree}\n    mirrors: {world.Server.Url}/mirror/x.tgz//%s\n";
        world.Conf(Source("%s") + "    max-age: 0s\n");
        await world.Run("a:bin/deploy").Succeeds("mirror \n");
        world.Server.Archive("/x.tgz", TarGz(Tools("one")));
        await world.Run("a:bin/deploy").Succeeds("one \n");
        await world.Run("a:bin/deploy").Succeeds("one \n");
        world.Server.Status("/x.tgz", 503);
        world.Server.Status("/mirror/x.tgz", 503);
        var old = await world.Run("a:bin/deploy").Result();
        old.Check(
            old is { Status: 0, Stdout: "one \n" } && old.Stderr.Contains("using the copy", StringComparison.Ordinal),
            "the old tree and a note");
        world.Conf(Source("bin/%s"));
        await world.Run("a:deploy").Fails(ExitStatus.Configuration, "run.conf:4:", "mirrors");
    }

    [Fact]
    [Needs("zip")]
    public async Task A_script_that_is_not_executable_is_started_by_its_interpreter_and_has_no_plan()
    {
        await using var world = await World.Serving();
        foreach (var (path, text) in Tools("one"))
        {
            world.Put(path, text, executable: false);
        }

        await world.Exec("zip", "-q", "-r", "x.zip", "bin", "lib").Succeeds("");
        world.Server.Archive("/x.zip", File.ReadAllBytes(world.Work + "/x.zip"));
        var script = world.Server.Url + "/x.zip//bin/deploy";
        for (var i = 0; i < 3; i++)
        {
            await world.Run(script, "a b").Succeeds("one a b\n");
        }

        await world.Sh("find \"$XDG_CACHE_HOME\"/run/trees/*/*/tree -type f -perm /0111").Succeeds("");
        await Planned.IsNot(() => world.Run(script));
    }

    private static void Rewrite(string path, string text)
    {
        Open(path);
        File.SetUnixFileMode(path, File.GetUnixFileMode(path) | UnixFileMode.UserWrite);
        TestFile.Write(path, text);
        File.SetUnixFileMode(path, File.GetUnixFileMode(path) & ~UnixFileMode.UserWrite);
    }

    private static void Relink(string path, string target)
    {
        Open(path);
        File.Delete(path);
        File.CreateSymbolicLink(path, target);
    }

    /// <summary>Makes the file's directory writable.</summary>
    private static void Open(string path) => File.SetUnixFileMode(
        Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
}

internal static class TreeBoxes
{
    /// <summary>The path of a file in the one cached tree.</summary>
    public static string CachedFile(this Sandbox box, string path)
    {
        var tree = Assert.Single(Directory.GetDirectories(box.Cache + "/trees", "tree", SearchOption.AllDirectories));
        Assert.True(Path.Exists($"{tree}/{path}"));
        return $"{tree}/{path}";
    }
}
