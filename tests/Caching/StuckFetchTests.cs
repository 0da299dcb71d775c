using System.Text;

namespace Run.Tests.Caching;

/// <summary>A fetch that was stopped, or hangs, holds nobody else up for longer than a fetch may take.</summary>
public sealed class StuckFetchTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(1, "--wait=2")]
    public async Task Others_fetch_for_themselves_and_wait_only_once(int others, params string[] options)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var gate = world.Server.Hold("/x");
        await using var stuck = world.Run("--view", "x").Start();
        await gate.Reached;
        stuck.Signal(Libc.SIGSTOP);
        gate.Open();

        var children = Enumerable.Range(0, others).Select(_ => world.Run([.. options, "x"]).Start()).ToList();
        foreach (var child in children)
        {
            var result = await child.Exit();
            Assert.Equal((0, "ran\n"), (result.Status, result.Stdout));
            Assert.InRange(result.Time.TotalSeconds, 25, 50);
            await child.DisposeAsync();
        }

        // The next does not wait for it, and neither for what it leaves when it goes on.
        world.Server["/x"] = Saying("new");
        await world.Run([.. options, "-u", "x"]).Succeeds("new\n");
        stuck.Signal(Libc.SIGCONT);
        await stuck.Exit();
        await world.Run([.. options, "-u", "x"]).Succeeds("new\n");
        Assert.Empty(Directory.GetFiles(world.Cache + "/flights"));
    }

    [Fact]
    public async Task A_slow_fetch_is_waited_for_as_long_as_bytes_arrive()
    {
        await using var world = await World.Serving();
        world.Server.Map("/x", async context =>
        {
            // 40 seconds, with a pause of two between the pieces.
            var script = Encoding.ASCII.GetBytes(
                "#!/bin/sh\n" + string.Concat(Enumerable.Repeat($"# {new string('.', 1500)}\n", 20)) + "echo ran\n");
            context.Response.ContentLength = script.Length;
            for (var at = 0; at < script.Length; at += 1500)
            {
                await Task.Delay(2000, context.RequestAborted);
                await context.Response.Body.WriteAsync(script.AsMemory(at, Math.Min(1500, script.Length - at)), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        });
        await using var first = world.Run("x").Start();
        await using var second = world.Run("x").Start();
        (await first.Exit()).Is(0, "ran\n");
        (await second.Exit()).Is(0, "ran\n");
        Assert.Equal(1, world.Server.Count("/x"));
    }
}
