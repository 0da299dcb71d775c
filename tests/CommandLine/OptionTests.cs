namespace Run.Tests.CommandLine;

/// <summary>What options, and the variables that stand in for them, do to a fetch. For their syntax see tests/Transcripts.</summary>
public sealed class OptionTests
{
    [Fact]
    public async Task A_variable_stands_in_for_the_option()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Env("RUN_OFFLINE", "1").Fails(ExitStatus.Unavailable, "x: not cached, and offline");
        await world.Run("--offline", "x").Fails(ExitStatus.Unavailable, "x: not cached, and offline");
        Assert.Empty(world.Server.Requests);
        await world.Run("x").Env("RUN_OFFLINE", "").Succeeds("ran\n");
        await world.Run("-u", "x").Env("RUN_OFFLINE", "0").Succeeds("ran\n");
    }

    [Fact]
    public async Task Offline_a_copy_that_is_there_runs()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.SourceWith("max-age: 1s");
        await world.Run("x").Succeeds("ran\n");
        await world.Run("--offline", "x").Succeeds("ran\n");
        await world.Run("x").Env("RUN_OFFLINE", "1").Succeeds("ran\n");
        await world.Run("-u", "x").Env("RUN_OFFLINE", "1").Fails(ExitStatus.Unavailable, "x", "offline");
        Assert.Single(world.Server.Requests);
    }

    [Fact]
    public async Task RUN_CACHE_is_where_the_copies_are()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        foreach (var cache in (string[])[world.Root + "/cache", "here/cache"])
        {
            await world.Run("x").Env("RUN_CACHE", cache).Succeeds("ran\n");
            await world.Run("x").Env("RUN_CACHE", cache).Succeeds("ran\n");
            Assert.True(Directory.Exists(Path.Combine(world.Work, cache)));
        }

        Assert.False(Directory.Exists(world.Cache));
        Assert.Equal(2, world.Server.Count("/x"));
    }
}
