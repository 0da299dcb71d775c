using Microsoft.AspNetCore.Http;
using Run.Tests.Git;
using Run.Tests.Locking;
using static Run.Tests.CommandLine.CleanByAgeTests;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.CommandLine;

/// <summary><c>--clean=AGE</c> beside fetches and runs: what is in use at that moment stays, however old it looks.</summary>
public sealed class CleanTogetherTests
{
    [Theory]
    [InlineData("x")]
    [InlineData("packed:bin/other")]
    public async Task What_is_being_fetched_stays(string script)
    {
        await using var world = await Served();
        await world.Run("--fetch", script).Succeeds("");
        Age(world, 100);
        var (gate, packed) = (world.Server.Hold("/x"), world.Server.Hold("/x.tgz"));
        await using var fetch = world.Run("--fetch", "-u", script).Start();
        await Task.WhenAny(gate.Reached, packed.Reached);
        await world.Run("--clean=90d", "--yes").Succeeds("");
        gate.Open();
        packed.Open();
        (await fetch.Exit()).Is(0, "");
        await world.Run("--offline", script).Succeeds(script == "x" ? "ran\n" : "other\n");
    }

    [Fact]
    [Needs("git")]
    public async Task So_does_a_repository()
    {
        await using var world = await World.Serving();
        var source = new GitSource(world);
        _ = source.Commit(Tools("one"));
        var script = $"git+{source.ServeOn(world.Server)}//bin/deploy@main";
        await world.Run("--fetch", script).Succeeds("");
        _ = source.Commit(Tools("two"));
        Age(world, 100);
        var gate = world.Server.Hold("/tools.git/git-upload-pack");
        await using var fetch = world.Run("--fetch", "-u", script).Start();
        await gate.Reached;
        await world.Run("--clean=90d", "--yes").Succeeds("");
        gate.Open();
        (await fetch.Exit()).Is(0, "");
        await world.Run("--offline", script).Succeeds("two \n");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("packed:bin/other")]
    public async Task A_copy_that_went_before_the_server_confirmed_it_is_fetched_again(string script)
    {
        await using var world = await Served();
        await world.Run("--fetch", script).Succeeds("");
        var (gate, packed) = (world.Server.Hold("/x"), world.Server.Hold("/x.tgz"));
        await using var fetch = world.Run("--fetch", "-u", script).Start();
        await Task.WhenAny(gate.Reached, packed.Reached);

        // Not by --clean, which would leave it.
        await world.Sh($"cd '{world.Cache}' && chmod -R u+w . && rm -rf trees [0-9a-f][0-9a-f][0-9a-f][0-9a-f]*").Succeeds("");
        gate.Open();
        packed.Open();
        (await fetch.Exit()).Is(0, "");
        await world.Run("--offline", script).Succeeds(script == "x" ? "ran\n" : "other\n");
    }

    [Fact]
    [Needs("strace")]
    public async Task A_script_that_starts_during_its_removal_is_not_refused_and_keeps_its_bytes()
    {
        await using var world = await World.Serving(("/runs", Saying("started; read -r _")));
        await world.Run("runs").Input("\n").Succeeds("started\n");
        Age(world, 100);
        var record = Assert.Single(Directory.GetFiles(world.Cache, "record", SearchOption.AllDirectories));
        await using var clean = world.Run("--clean=90d", "--yes")
            .Traced(out _, "-P", record, "-e", "trace=unlink", "-e", "inject=unlink:delay_enter=3000000:when=1").Start();
        var flights = world.Cache + "/flights";
        await Eventually.True(() => Directory.GetFiles(flights).Length > 0, "the copy is about to be removed");
        await using var holder = await world.Holds("runs");
        (await clean.Exit()).Is(0, "");
        _ = world.CachedScript("runs");
    }

    [Fact]
    public async Task A_cache_that_is_just_being_created_has_nothing_to_remove()
    {
        using var box = new Sandbox();
        box.Put(box.Cache + "/tmp/1-a", "script", executable: false);
        File.SetUnixFileMode(box.Cache, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await box.Run("--clean", "--yes").Succeeds("");
        await box.Run("--clean=1d", "--yes").Succeeds("");
        Assert.True(File.Exists(box.Cache + "/tmp/1-a"));
    }

    /// <summary>A script and an archive that the server confirms by their ETag.</summary>
    private static async Task<World<ScriptServer>> Served()
    {
        var world = await World.Serving();
        world.Sources(world.Server, $"packed: {world.Server.Url}/x.tgz//%s");
        world.Server.Map("/x", static context => Answer(context, Run.Posix.OsText.ToBytes(Saying("ran"))));
        var archive = TarGz(Tools("one"));
        world.Server.Map("/x.tgz", context => Answer(context, archive));
        return world;

        static Task Answer(HttpContext context, byte[] bytes)
        {
            context.Response.Headers.ETag = "\"1\"";
            if (context.Request.Headers.IfNoneMatch.Count > 0)
            {
                return ScriptServer.Refuse(context, 304);
            }

            context.Response.ContentLength = bytes.Length;
            return context.Response.Body.WriteAsync(bytes).AsTask();
        }
    }
}
