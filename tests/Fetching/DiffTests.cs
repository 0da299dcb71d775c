using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary><c>--diff</c> compares the copy with what the server has now, by diff(1), and changes nothing.</summary>
public sealed class DiffTests
{
    [Fact]
    public async Task Shows_what_changed_and_accepts_nothing()
    {
        await using var world = await World.Serving(("/x", Script));
        await world.Run("x").Succeeds("ran\n");
        await world.Run("--diff", "x").Succeeds("");

        world.Server["/x"] = Script.Replace("ran", "new", StringComparison.Ordinal);
        var before = world.CachedFiles();
        for (var i = 0; i < 2; i++)
        {
            var result = await world.Run("--diff", "x").Result();
            result.Check(result is { Status: 1, Stderr: "" }, "status 1 and silence");
            Assert.Matches(@"^--- .*\n\+\+\+ .*\n@@ .*\n #!/bin/sh\n-echo ran\n\+echo new\n # a comment", result.Stdout);
        }

        Assert.Equal(before, world.CachedFiles());
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("new\n");
        await world.Run("--diff", "x").Succeeds("");
    }

    [Fact]
    public async Task Needs_the_server()
    {
        await using var world = await World.Serving(("/x", Script));
        await world.Run("x").Succeeds("ran\n");
        world.Server.Status("/x", 404);
        await world.Run("--diff", "x").Fails(ExitStatus.NotFound, "404");
        await world.Run("--diff", "x").Env("RUN_OFFLINE", "1").Fails(ExitStatus.Unavailable, "offline");
        await world.Run("x").Succeeds("ran\n");
    }
}
