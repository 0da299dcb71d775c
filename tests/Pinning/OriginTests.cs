namespace Run.Tests.Pinning;

/// <summary>A pin chooses a ref and a digest, never an origin. And run.pins is read only if it belongs to this user.</summary>
public sealed class OriginTests
{
    [Theory]
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/r/main/bin/tool")]
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/r/v1.2_3-rc+4/bin/tool")]
    [InlineData("gh:o/r/bin/tool@v1", "{0}/raw/o/r/v1/bin/tool")]
    [InlineData("gh:o/r/bin/tool@a/b", "{0}/raw/o/r/a/b/bin/tool")]
    [InlineData("gh:o/r/bin/tool@v1", "{0}/raw/o/r/0123abc/bin/tool")]
    [InlineData("plain:x", "{0}/plain/x")]
    [InlineData("{0}/any/x", "{0}/any/x")]
    public async Task Some_ref_of_the_same_script_is_run(string script, string url)
    {
        await using var world = await Forge.Serving();
        script = script.Replace("{0}", world.Server.Url, StringComparison.Ordinal);
        world.Server[url[3..]] = Saying("ran");
        var pinned = url.Replace("{0}", world.Server.Url, StringComparison.Ordinal);
        world.Put("run.pins", $"{script} {pinned} sha256:{DigestOf(Saying("ran"))}\n");
        await world.Run("--pinned", script).Succeeds("ran\n");
    }

    [Theory]
    [InlineData("gh:o/r/bin/tool", "{1}/raw/o/r/main/bin/tool")] // host (here: port)
    [InlineData("gh:o/r/bin/tool", "{0}/raw/evil/r/main/bin/tool")] // owner
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/evil/main/bin/tool")] // repo
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/r/main/bin/evil")] // path
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/r/main/evil/bin/tool")] // path, disguised as a branch with a slash
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/r/main%2Fevil/bin/tool")]
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/r/main%252Fevil/bin/tool")]
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/r/main?/bin/tool")]
    [InlineData("gh:o/r/bin/tool", "{0}/raw/o/r/main/bin/tool?x")]
    [InlineData("gh:o/r/bin/tool@v1", "{0}/raw/o/r/v2/bin/tool")]
    [InlineData("plain:x", "{0}/plain/evil")]
    [InlineData("plain:x", "{0}/plain/a/x")]
    [InlineData("plain:x", "{0}/tags/v1/x")]
    [InlineData("tags:x", "{0}/tags/x/x/x")]
    [InlineData("{0}/any/x", "{0}/any/evil")]
    [InlineData("{0}/raw/o/r/main/x", "{0}/raw/o/r/v1/x")]
    public async Task Another_origin_is_refused(string script, string url)
    {
        await using var world = await Forge.Serving();
        await using var evil = await ScriptServer.Start();
        string Fill(string text) =>
            text.Replace("{0}", world.Server.Url, StringComparison.Ordinal).Replace("{1}", evil.Url, StringComparison.Ordinal);
        (script, url) = (Fill(script), Fill(url));
        foreach (var each in (ScriptServer[])[world.Server, evil])
        {
            each[new Uri(url).PathAndQuery] = Saying("evil");
        }

        world.Put("run.pins", $"{script} {url} sha256:{DigestOf(Saying("evil"))}\n");
        await world.Run(script).Fails(ExitStatus.Refused, script, "run.pins", url, $"run --pin {script}");
        Assert.Empty(world.Server.Requests);
        Assert.Empty(evil.Requests);
    }

    [Fact]
    public async Task A_ref_in_the_place_of_the_host_chooses_no_host()
    {
        await using var world = await World.Serving(("/x", Saying("evil")));
        world.Conf($"sources:\n  default: http://{{ref}}:{world.Server.Port}/%s\n");
        world.Put("run.pins", $"x@localhost http://127.0.0.1:{world.Server.Port}/x sha256:{DigestOf(Saying("evil"))}\n");
        await world.Run("x@localhost").Fails(ExitStatus.Refused, "127.0.0.1");
        world.Put("run.pins", $"x http://127.0.0.1:{world.Server.Port}/x sha256:{DigestOf(Saying("evil"))}\n");
        await world.Run("x").Fails(ExitStatus.Refused, "127.0.0.1");
        Assert.Empty(world.Server.Requests);
    }

    [RootFact]
    public async Task The_search_ends_with_a_directory_of_another_users()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("now")));
        var below = Directory.CreateDirectory(world.Work + "/theirs/mine").FullName;
        var pins = world.Put("run.pins", $"plain:x {world.Server.Url}/plain/x sha256:{DigestOf("pinned")}\n");
        await world.Run("plain:x").In(below).Fails(ExitStatus.Data, "plain:x");
        Libc.ChangeOwner(world.Work + "/theirs", 65534);
        await world.Run("plain:x").In(below).Succeeds("now\n");

        // In that directory itself it still counts if it belongs to this user.
        File.Move(pins, world.Work + "/theirs/run.pins");
        await world.Run("-u", "plain:x").In(below).Fails(ExitStatus.Data, "plain:x");
    }

    [RootFact]
    public async Task The_search_ends_there_for_a_warm_run_too()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        var mine = Directory.CreateDirectory(world.Work + "/mine").FullName;
        var below = Directory.CreateDirectory(world.Work + "/theirs/mine").FullName;
        world.Put("run.pins", $"plain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("one"))}\n");
        Libc.ChangeOwner(world.Work + "/theirs", 65534);
        for (var i = 0; i < 3; i++)
        {
            await world.Run("plain:x").In(below).Succeeds("one\n");
        }

        world.Server["/plain/x"] = Saying("two");
        await world.Run("-u", "plain:x").In(below).Succeeds("two\n");
        await world.Run("plain:x").In(mine).Fails(ExitStatus.Data, "plain:x");
        world.Server["/plain/x"] = Saying("one");
        for (var i = 0; i < 3; i++)
        {
            await world.Run("plain:x").In(mine).Succeeds("one\n");
        }

        world.Server["/plain/x"] = Saying("three");
        await world.Run("-u", "plain:x").In(below).Succeeds("three\n");
        await world.Run("plain:x").In(below).Succeeds("three\n");
        await world.Run("plain:x").In(mine).Fails(ExitStatus.Data, "plain:x");
    }

    [RootFact]
    public async Task A_file_of_another_users_is_refused()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("now")));
        var pins = world.Put("run.pins", $"plain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("now"))}\n");
        Libc.ChangeOwner(pins, 65534);
        await world.Run("plain:x").Fails(ExitStatus.Refused, "run.pins", "65534");
        await world.Run("--pin", "plain:x").Fails(ExitStatus.Refused, "run.pins", "65534");

        // A link that belongs to another user, to a file of this user's.
        File.Move(pins, world.Root + "/elsewhere");
        Libc.ChangeOwner(world.Root + "/elsewhere", 0);
        File.CreateSymbolicLink(pins, world.Root + "/elsewhere");
        await world.Run("plain:x").Succeeds("now\n");
        Libc.ChangeOwner(pins, 65534);
        await world.Run("plain:x").Fails(ExitStatus.Refused, "run.pins", "65534");
        Assert.Equal(1, world.Server.Count("/plain/x"));
    }

    [RootFact]
    public async Task What_somebody_left_where_everybody_may_leave_files_says_nothing()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("now")));
        var pins = world.Put("run.pins", "garbage\n");
        Libc.ChangeOwner(pins, 65534);
        File.SetUnixFileMode(world.Work, (UnixFileMode)0x3ff);
        await world.Run("plain:x").Succeeds("now\n");
        await world.Run("plain:x").In(Directory.CreateDirectory(world.Work + "/mine").FullName).Succeeds("now\n");
    }

    [Fact]
    public async Task A_file_that_everybody_can_write_is_refused_and_one_of_the_group_is_not()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("now")));
        var pins = world.Put("run.pins", $"plain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("now"))}\n");
        File.SetUnixFileMode(pins, (UnixFileMode)0x1b6);
        await world.Run("plain:x").Fails(ExitStatus.Refused, "run.pins", "chmod o-w run.pins");
        File.SetUnixFileMode(pins, (UnixFileMode)0x1b4);
        await world.Run("plain:x").Succeeds("now\n");
    }

    [Fact]
    public async Task What_is_no_file_is_a_mistake_and_nobody_waits_for_a_fifo()
    {
        await using var world = await Forge.Serving();
        Libc.MakeFifo(world.Work + "/run.pins");
        await world.Run("plain:x").Fails(ExitStatus.Configuration, "run.pins", "not a regular file");
        File.Delete(world.Work + "/run.pins");
        Directory.CreateDirectory(world.Work + "/run.pins");
        await world.Run("plain:x").Fails(ExitStatus.Configuration, "run.pins", "not a regular file");
    }
}
