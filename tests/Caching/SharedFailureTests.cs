using Microsoft.AspNetCore.Http;
using Run.Tests.Signing;

namespace Run.Tests.Caching;

/// <summary>What waits for the fetch of another process gets that one's failure only if it asks for the same.</summary>
public sealed class SharedFailureTests
{
    [Fact]
    [Needs("ssh-keygen")]
    public async Task A_missing_signature_is_the_failure_of_the_source_that_wants_one()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Allow(new Signer(world, "alice").Line());
        world.Conf($"sources:\n  s: {{url: '{world.Server.Url}/%s', signers: ~/signers}}\n  plain: {world.Server.Url}/%s\n");
        await Beside(world, ["s:x"], ExitStatus.Data, ["plain:x"]);
    }

    [Fact]
    public async Task So_is_a_file_of_signers_that_is_not_there()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Conf($"sources:\n  s: {{url: '{world.Server.Url}/%s', signers: ~/signers}}\n  plain: {world.Server.Url}/%s\n");
        await Beside(world, ["s:x"], ExitStatus.Configuration, ["plain:x"]);
    }

    [Fact]
    public async Task A_digest_is_that_of_the_one_who_has_given_it()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Beside(world, ["--sha256", new string('0', 64), "x"], ExitStatus.Data, ["x"]);
    }

    [Fact]
    public async Task Who_asks_for_the_same_gets_the_same_answer()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var gate = world.Server.Hold("/x");
        string[] arguments = ["--sha256", new string('0', 64), "x"];
        await using var first = world.Run(arguments).Start();
        await gate.Reached;
        await using var second = world.Run(arguments).Start();
        await Waits(second);
        gate.Open();
        Assert.Equal((int)ExitStatus.Data, (await first.Exit()).Status);
        Assert.Equal((int)ExitStatus.Data, (await second.Exit()).Status);
        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Fact]
    public async Task That_a_server_is_down_concerns_all_who_ask_it()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var gate = new TaskCompletionSource();
        var reached = new TaskCompletionSource();
        world.Server.Map("/x", async context =>
        {
            reached.TrySetResult();
            await gate.Task.WaitAsync(context.RequestAborted);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "1000";
        });
        await using var first = world.Run("--sha256", new string('0', 64), "x").Start();
        await reached.Task;
        await using var second = world.Run("x").Start();
        await Waits(second);
        gate.SetResult();
        Assert.Equal((int)ExitStatus.Unavailable, (await first.Exit()).Status);
        Assert.Equal((int)ExitStatus.Unavailable, (await second.Exit()).Status);
        Assert.Equal(1, world.Server.Count("/x"));
    }

    /// <summary>The first fails; the second, which has waited for it, runs.</summary>
    private static async Task Beside(World<ScriptServer> world, string[] failing, ExitStatus status, string[] waiting)
    {
        var gate = world.Server.Hold("/x");
        await using var first = world.Run(failing).Start();
        await gate.Reached;
        await using var second = world.Run(waiting).Start();
        await Waits(second);
        gate.Open();
        Assert.Equal((int)status, (await first.Exit()).Status);
        (await second.Exit()).Is(0, "ran\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    /// <summary>Until the process has the file of the other's fetch open.</summary>
    internal static Task Waits(Child child) => Eventually.True(() => Open(child.Pid).Contains("/flights/"), "it waits for the fetch");

    private static string Open(int process)
    {
        try
        {
            return string.Concat(Directory.GetFileSystemEntries($"/proc/{process}/fd").Select(static fd => new FileInfo(fd).LinkTarget));
        }
        catch (IOException)
        {
            // A descriptor was closed meanwhile.
            return "";
        }
    }
}
