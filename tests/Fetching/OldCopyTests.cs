using System.Globalization;
using static Run.Tests.Fetching.Answers;
using static Run.Tests.Infra.RawServer;

namespace Run.Tests.Fetching;

/// <summary>Past its <c>max-age</c>, a copy runs if the network fails, and does not if the server answers with something else.</summary>
public sealed class OldCopyTests
{
    private static readonly string s_page = "<!DOCTYPE html>\n<html><body>log in</body></html>\n";

    [Fact]
    public async Task It_runs_with_a_note_if_the_connection_breaks_within_the_body()
    {
        await using var world = World.Answering(Serves(Script), Cuts(Script, 20));
        world.SourceWith("max-age: 0s");
        await world.Run("x").Succeeds("ran\n");
        var result = await world.Run("x").Result();
        result.Check(result is { Status: 0, Stdout: "ran\n" }, "the old copy's output");
        Assert.Matches("^run: x: using the copy of .*cut short.*\n$", result.Stderr);
        await world.Run("-u", "x").Fails(ExitStatus.Data, "cut short");
        await world.Run("--offline", "x").Succeeds("ran\n");
    }

    [Fact]
    public async Task So_it_does_for_those_who_wait_for_the_same_fetch()
    {
        var (asked, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var world = World.Answering(Serves(Script), async connection =>
        {
            asked.TrySetResult();
            await gate.Task.WaitAsync(connection.End);
            await Cuts(Script, 20)(connection);
        });
        world.SourceWith("max-age: 0s");
        await world.Run("x").Succeeds("ran\n");
        await using var first = world.Run("x").Start();
        await asked.Task.WaitAsync(Eventually.Deadline, TestContext.Current.CancellationToken);
        await using var second = world.Run("x").Start();
        await Caching.SharedFailureTests.Waits(second);
        gate.SetResult();
        foreach (var child in (Child[])[first, second])
        {
            var result = await child.Exit();
            result.Check(result is { Status: 0, Stdout: "ran\n" }, "the old copy's output");
            Assert.Contains("cut short", result.Stderr, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("200", "", ExitStatus.Data)]
    [InlineData("200", "page", ExitStatus.Data)]
    [InlineData("401", "", ExitStatus.Refused)]
    [InlineData("404", "", ExitStatus.NotFound)]
    internal async Task What_the_server_means_is_an_error(string status, string body, ExitStatus expected)
    {
        var text = body == "page" ? s_page : body;
        var length = text.Length.ToString(CultureInfo.InvariantCulture);
        await using var world = World.Answering(Serves(Script), Says($"HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{text}"));
        world.SourceWith("max-age: 0s");
        await world.Run("x").Succeeds("ran\n");
        await world.Run("x").Fails(expected);
        await world.Run("--offline", "x").Succeeds("ran\n");
    }
}
