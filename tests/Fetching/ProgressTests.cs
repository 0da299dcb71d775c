using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>The line that says how far a slow fetch is.</summary>
public sealed class ProgressTests
{
    [Fact]
    public async Task A_slow_fetch_shows_itself_on_a_terminal_and_is_wiped()
    {
        using var box = new Sandbox();
        var gate = new TaskCompletionSource();
        await using var server = Slow(gate.Task);
        box.Sources(server.Url);
        await using var child = box.Run("dir/slow.sh").Env("TERM", "xterm").OnTerminal().Start();
        await child.Output("fetching slow.sh: 64 KiB of 128 KiB");
        gate.SetResult();
        var result = await child.Exit();
        result.Check(result.Stdout.EndsWith("\r\e[Kran\r\n", StringComparison.Ordinal), "the line wiped before the script began");
    }

    [Fact]
    public async Task On_a_narrow_terminal_it_stays_one_line()
    {
        using var box = new Sandbox();
        var gate = new TaskCompletionSource();
        await using var server = Slow(gate.Task);
        box.Sources(server.Url);
        var command = box.Sh("stty cols 40; exec run a-rather-long-name-of-a-script.sh").Env("TERM", "xterm");
        await using var child = command.OnTerminal().Start();
        await child.Output("fetching a-rather-long-name-of-a-scrip");
        var lines = child.OutputSoFar.Split("\r\e[K", StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, static line => Assert.InRange(line.Length, 1, 39));
        gate.SetResult();
        Assert.Equal(0, (await child.Exit()).Status);
    }

    [Fact]
    public async Task Who_waits_for_the_fetch_of_another_run_sees_that()
    {
        using var box = new Sandbox();
        var (asked, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var server = Slow(gate.Task, asked);
        box.Sources(server.Url);
        await using var fetching = box.Run("slow.sh").Start();
        await asked.Task.WaitAsync(Eventually.Deadline, TestContext.Current.CancellationToken);
        await using var waiting = box.Sh("stty cols 100; exec run slow.sh").Env("TERM", "xterm").OnTerminal().Start();
        await waiting.Output($"waiting for another run that is fetching {server.Url}/slow.sh …");
        gate.SetResult();
        var result = await waiting.Exit();
        result.Check(result.Stdout.EndsWith("\r\e[Kran\r\n", StringComparison.Ordinal), "the line wiped before the script began");
        (await fetching.Exit()).Is(0, "ran\n");
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_fast_fetch_shows_nothing()
    {
        await using var world = World.Answering(RawServer.Serves(Script));
        var result = await world.Run("x").Env("TERM", "xterm").OnTerminal().Result();
        result.Check(result.Stdout == "ran\r\n", "the script's output alone");
    }

    [Theory]
    [InlineData("--quiet", "xterm")]
    [InlineData("--verbose", "xterm")]
    [InlineData("--", "dumb")]
    public async Task Nor_does_a_slow_one_where_it_is_not_wanted(string option, string terminal)
    {
        using var box = new Sandbox();
        var result = await WhileAnotherShowsItself(box, box.Run(option, "x").Env("TERM", terminal).OnTerminal());
        result.Check(result.Stdout.EndsWith("ran\r\n", StringComparison.Ordinal), "the script's output");
        result.Check(!result.Stdout.Contains("fetching", StringComparison.Ordinal), "no progress");
    }

    [Fact]
    public async Task Nor_off_a_terminal()
    {
        using var box = new Sandbox();
        (await WhileAnotherShowsItself(box, box.Run("x").Env("TERM", "xterm"))).Is(0, "ran\n");
    }

    /// <summary>Runs the command. The server is slow until another fetch, which began after this one, has shown its progress.</summary>
    private static async Task<Result> WhileAnotherShowsItself(Sandbox box, Command command)
    {
        var asked = new TaskCompletionSource();
        var gate = new TaskCompletionSource();
        await using var server = Slow(gate.Task, asked);
        box.Sources(server.Url);
        await using var child = command.Start();
        await asked.Task.WaitAsync(Eventually.Deadline, TestContext.Current.CancellationToken);

        using var other = new Sandbox();
        other.Sources(server.Url);
        await using var shown = other.Run("other").Env("TERM", "xterm").OnTerminal().Start();
        await shown.Output("fetching other: 64 KiB of 128 KiB");
        gate.SetResult();
        await shown.Exit();
        return await child.Exit();
    }

    /// <summary>Sends the first half at once and the second when it may.</summary>
    private static RawServer Slow(Task second, TaskCompletionSource? asked = null) => RawServer.Start(async connection =>
    {
        asked?.TrySetResult();
        var body = Bytes(Script + new string('#', (128 << 10) - Script.Length));
        await connection.Send($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n");
        await connection.Send(body.AsMemory(0, 64 << 10));
        await second.WaitAsync(connection.End);
        await connection.Send(body.AsMemory(64 << 10));
    });
}
