using Microsoft.AspNetCore.Http;
using static Run.Tests.Pinning.Forge;

namespace Run.Tests.Pinning;

/// <summary><c>--pin</c>: what it writes, and when it writes nothing.</summary>
public sealed class PinTests
{
    [Fact]
    public async Task A_pin_is_a_line_and_nothing_runs()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("ran")));
        await world.Run("-q", "--pin", "plain:x").Succeeds("");
        Assert.Equal($"plain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("ran"))}\n", Pins(world));
    }

    [Fact]
    public async Task Lines_are_sorted_by_their_bytes_and_blanks_encoded()
    {
        await using var world = await Forge.Serving();
        foreach (var name in (string[])["b", "a", "a-b", "%C3%A9", "B", "a%20b", "100%25"])
        {
            world.Server["/plain/" + name] = "x";
        }

        await world.Run("-q", "--pin", "plain:b", "plain:a", "plain:a-b", "plain:é", "plain:B", "plain:a b", "plain:100%").Succeeds("");
        Assert.Equal(
            ["plain:100%25", "plain:B", "plain:a", "plain:a%20b", "plain:a-b", "plain:b", "plain:é"],
            Pins(world).TrimEnd('\n').Split('\n').Select(static line => line.Split(' ')[0]));
        world.Server.ForgetRequests();
        await world.Run("--pinned", "--view", "plain:a b").Succeeds("x");
        await world.Run("--pinned", "--view", "plain:100%").Succeeds("x");
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task Pinning_again_changes_nothing_until_the_server_does()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("-q", "--pin", "plain:x").Succeeds("");
        var file = new FileInfo(world.Work + "/run.pins");
        var before = (Pins(world), file.LastWriteTimeUtc);
        await world.Run("-q", "--pin", "plain:x", "plain:x").Succeeds("");
        file.Refresh();
        Assert.Equal(before, (Pins(world), file.LastWriteTimeUtc));

        world.Server["/plain/x"] = Saying("two");
        await world.Run("-q", "--pin", "plain:x").Succeeds("");
        Assert.Equal($"plain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("two"))}\n", Pins(world));
        Assert.Equal(3, world.Server.Count("/plain/x"));
    }

    [Fact]
    public async Task Comments_stay_with_what_they_are_about()
    {
        await using var world = await Forge.Serving();
        foreach (var name in (string[])["a", "m", "z"])
        {
            world.Server["/plain/" + name] = "x";
        }

        var digest = new string('0', 64);
        world.Put("run.pins", $"""
            # Pins of the CI.

            # why z
            plain:z {world.Server.Url}/plain/z sha256:{digest}
            # why m
            #   and how
            plain:m {world.Server.Url}/plain/m sha256:{digest}
            # the end
            """);
        await world.Run("-q", "--pin", "plain:a", "plain:m").Succeeds("");
        Assert.Equal($"""
            # Pins of the CI.

            plain:a {world.Server.Url}/plain/a sha256:{DigestOf("x")}
            # why m
            #   and how
            plain:m {world.Server.Url}/plain/m sha256:{DigestOf("x")}
            # why z
            plain:z {world.Server.Url}/plain/z sha256:{digest}
            # the end

            """, Pins(world));
    }

    [Fact]
    public async Task A_byte_order_mark_is_no_part_of_the_first_pin()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("ran")));
        world.Put(
            "run.pins", $"\ufeffplain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("ran"))}\n", executable: false);
        await world.Run("--pinned", "plain:x").Succeeds("ran\n");
        await world.Run("--pin", "plain:x").Expect(0, "", "run: run.pins: 1 unchanged\n");
    }

    [Fact]
    public async Task Nothing_is_written_when_one_of_several_fails()
    {
        await using var world = await Forge.Serving(("/plain/a", "x"));
        await world.Run("--pin", "plain:a", "plain:gone").Fails(ExitStatus.NotFound, "/plain/gone", "404");
        Assert.False(File.Exists(world.Work + "/run.pins"));
        await world.Run("--pin", "plain:a", "./local").Fails(ExitStatus.Usage, "./local");
        await world.Run("--pin", $"plain:a#sha256={new string('0', 64)}").Fails(ExitStatus.Data, "plain:a", DigestOf("x"));
        Assert.Empty(Directory.GetFileSystemEntries(world.Work));
    }

    [Fact]
    public async Task Twenty_at_once_lose_no_line()
    {
        await using var world = await Forge.Serving();
        for (var i = 0; i < 20; i++)
        {
            world.Server[$"/plain/{i:00}"] = $"script {i}";
        }

        var results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => world.Run("-q", "--pin", $"plain:{i:00}").Result()));
        Assert.All(results, static result => result.Is(0, ""));
        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => $"plain:{i:00} {world.Server.Url}/plain/{i:00} sha256:{DigestOf($"script {i}")}"),
            Pins(world).TrimEnd('\n').Split('\n'));
        Assert.Equal(["run.pins"], Directory.GetFileSystemEntries(world.Work).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_nearest_file_upward_is_written_and_keeps_its_mode_and_its_link()
    {
        await using var world = await Forge.Serving(("/plain/x", "x"));
        var real = world.Put("shared/pins", "# ours\n", executable: false);
        File.SetUnixFileMode(real, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        File.CreateSymbolicLink(world.Work + "/run.pins", "shared/pins");
        var below = Directory.CreateDirectory(world.Work + "/a/b").FullName;
        await world.Run("-q", "--pin", "plain:x").In(below).Succeeds("");
        Assert.StartsWith("# ours\nplain:x ", File.ReadAllText(real), StringComparison.Ordinal);
        Assert.Equal("shared/pins", new FileInfo(world.Work + "/run.pins").LinkTarget);
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(real));
        Assert.Empty(Directory.GetFileSystemEntries(below));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_stays_as_it_was()
    {
        await using var world = await Forge.Serving(("/plain/x", new string('x', 100)));
        // The limit allows the cache's files, but not a file of this length.
        var file = world.Put("run.pins", "# " + new string('c', 4000) + "\n");
        await world.Run("--pin", "plain:x").Limit("fsize", 4000).Ignoring(25).Fails(ExitStatus.CannotWrite, "run.pins");
        Assert.Equal("# " + new string('c', 4000) + "\n", File.ReadAllText(file));
        Assert.Single(Directory.GetFileSystemEntries(world.Work));
    }

    [Fact]
    public async Task GitHub_says_which_commit_a_ref_is()
    {
        await using var world = await Forge.Serving();
        GitHub(world.Server, "HEAD", FirstCommit, "bin/tool", Saying("one"));
        GitHub(world.Server, "feature%2Fx", SecondCommit, "bin/tool", Saying("two"));
        await world.Run("-q", "--pin", "gh:o/r/bin/tool", "gh:o/r/bin/tool@feature/x", $"gh:o/r/bin/tool@{FirstCommit}").Succeeds("");
        var (one, two) = (DigestOf(Saying("one")), DigestOf(Saying("two")));
        Assert.Equal($"""
            gh:o/r/bin/tool {world.Server.Url}/raw/o/r/{FirstCommit}/bin/tool sha256:{one}
            gh:o/r/bin/tool@{FirstCommit} {world.Server.Url}/raw/o/r/{FirstCommit}/bin/tool sha256:{one}
            gh:o/r/bin/tool@feature/x {world.Server.Url}/raw/o/r/{SecondCommit}/bin/tool sha256:{two}

            """, Pins(world));
        Assert.Equal(2, world.Server.Requests.Count(static r => r.Path.StartsWith("/repos/", StringComparison.Ordinal)));

        // The branch moves on, and the pin still works.
        GitHub(world.Server, "HEAD", new string('c', 40), "bin/tool", Saying("three"));
        await world.Run("--clean", "--yes").Succeeds("");
        await world.Run("gh:o/r/bin/tool").Succeeds("one\n");
        await world.Run("gh:o/r/bin/tool@feature/x").Succeeds("two\n");
    }

    [Fact]
    public async Task GitLab_says_so_too_and_gets_the_sources_header()
    {
        await using var world = await Forge.Serving();
        world.Server.Map("/api/v4/projects/o%2Fr/repository/commits/v1", context => context.Request.Headers["PRIVATE-TOKEN"] == "secret"
            ? context.Response.WriteAsync($$"""{"id":"{{FirstCommit}}","short_id":"aaaaaaaa","parent_ids":["{{SecondCommit}}"]}""")
            : ScriptServer.Refuse(context, 404));
        world.Server[$"/o/r/-/raw/{FirstCommit}/x"] = Saying("one");
        await world.Run("-q", "--pin", "gl:o/r/x@v1").Env("GL", "secret").Succeeds("");
        Assert.Equal($"gl:o/r/x@v1 {world.Server.Url}/o/r/-/raw/{FirstCommit}/x sha256:{DigestOf(Saying("one"))}\n", Pins(world));
        await world.Run("--pin", "gl:o/r/x@v1").Fails(ExitStatus.NotFound, "/commits/v1");
    }

    [Fact]
    public async Task A_server_that_does_not_know_the_commit_pins_nothing()
    {
        await using var world = await Forge.Serving(("/raw/o/r/HEAD/x", "x"), ("/repos/o/r/commits/HEAD", "no commit"));
        await world.Run("--pin", "gh:o/r/x").Fails(ExitStatus.Unavailable, "gh:o/r/x", "/repos/o/r/commits/HEAD");
        world.Server.Map("/repos/o/r/commits/HEAD", static context => ScriptServer.Refuse(context, 403));
        await world.Run("--pin", "gh:o/r/x").Fails(ExitStatus.Refused, "/repos/o/r/commits/HEAD");
        Assert.Empty(Directory.GetFileSystemEntries(world.Work));
    }

    [Theory]
    [InlineData("x https://h/x", 1, "not a pin")]
    [InlineData("x https://h/x sha256:{0} more", 87, "not a pin")]
    [InlineData("<<<<<<< HEAD", 1, "merge")]
    [InlineData("x ftp://h/x sha256:{0}", 3, "ftp://h/x")]
    [InlineData("x https://h/../x sha256:{0}", 3, "..")]
    [InlineData("x https://h/x sha512:{0}", 15, "sha512")]
    [InlineData("x https://h/x {0}", 15, "not a digest")]
    [InlineData("x https://h/x sha256:123", 15, "123")]
    [InlineData("./x https://h/x sha256:{0}", 1, "./x")]
    [InlineData("bad!scope:x https://h/x sha256:{0}", 1, "bad!scope:x")]
    [InlineData("a https://h/a sha256:{0}", 1, "twice")]
    [InlineData("default:a https://h/a sha256:{0}", 1, "twice")]
    public async Task A_mistake_has_its_place_and_its_reason(string line, int column, string reason)
    {
        await using var world = await Forge.Serving();
        var before = $"# ours\r\n\n  \t\na\thttps://h/a   sha256:{new string('A', 64)} \n";
        var text = before + line.Replace("{0}", new string('0', 64), StringComparison.Ordinal);
        world.Put("run.pins", text);
        await world.Run("plain:x").Fails(ExitStatus.Configuration, $"run.pins:5:{column}: ", reason);
        await world.Run("--pin", "plain:x").Fails(ExitStatus.Configuration, $"run.pins:5:{column}: ", reason);
        Assert.Equal(text, Pins(world));
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task Secrets_stay_out_of_the_file()
    {
        await using var world = await Forge.Serving(("/x?token=hush", Saying("ran")));
        var url = $"http://me:mine@127.0.0.1:{world.Server.Port}/x?token=hush";
        await world.Run("-q", "--pin", url).Succeeds("");
        Assert.Equal($"{world.Server.Url}/x?token=*** {world.Server.Url}/x?token=*** sha256:{DigestOf(Saying("ran"))}\n", Pins(world));
        await world.Run("--pinned", url).Succeeds("ran\n");
    }
}
