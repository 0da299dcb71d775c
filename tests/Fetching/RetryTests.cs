using System.Globalization;
using static Run.Tests.Fetching.Answers;
using static Run.Tests.Infra.RawServer;

namespace Run.Tests.Fetching;

/// <summary>What is tried again, how often, after how long, and on which other servers.</summary>
public sealed class RetryTests
{
    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_server_that_is_busy_is_asked_again_without_a_message(int status)
    {
        await using var world = World.Answering(Busy(status), Busy(status), Serves(Script));
        await world.Run("x").Succeeds("ran\n");
        Assert.Equal(3, world.Server.Requests.Length);
    }

    [Fact]
    public async Task A_connection_that_is_dropped_is_made_again()
    {
        await using var world = World.Answering(Resets(), Says(""), Cuts(Script, 20), Serves(Script));
        await world.Run("x").Succeeds("ran\n");
    }

    /// <summary>Each try is one connection, with a pause before the next: no server is helped by sixteen of them within a second.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_closes_without_an_answer_is_tried_four_times_in_all(bool afterRedirect)
    {
        await using var world = World.Answering(Says(""));
        await using var first = Start(Says($"HTTP/1.1 302 Found\r\nLocation: {world.Server.Url}/x\r\nContent-Length: 0\r\n\r\n"));
        var url = afterRedirect ? first.Url : world.Server.Url;
        await world.Run($"{url}/x").Fails(
            ExitStatus.Unavailable, new Uri(world.Server.Url).Authority, "closed the connection without an answer");
        Assert.Equal(4, world.Server.Requests.Length);
        Assert.Equal(afterRedirect ? 4 : 0, first.Requests.Length);
    }

    [Fact]
    public async Task What_a_failed_try_has_written_is_gone()
    {
        await using var world = World.Answering(Cuts(Script + new string('#', 100_000), 90_000), Serves(Script));
        await world.Run("--view", "x").Succeeds(Script);
    }

    [Theory]
    [InlineData(404, 127)]
    [InlineData(410, 127)]
    [InlineData(401, 77)]
    [InlineData(403, 77)]
    [InlineData(400, 69)]
    [InlineData(451, 69)]
    public async Task Other_refusals_are_final(int status, int expected)
    {
        await using var world = World.Answering(Busy(status));
        await world.Run("x").Fails((ExitStatus)expected, world.Server.Url + "/x", status.ToString(CultureInfo.InvariantCulture));
        Assert.Single(world.Server.Requests);
    }

    /// <summary>GitHub's secondary rate limit: still a refusal, and final, but it says when to come back.</summary>
    [Fact]
    public async Task A_refusal_that_is_a_limit_says_so_and_until_when()
    {
        await using var world = World.Answering(Busy(403, "Retry-After: 60"));
        await world.Run("x").Fails(
            ExitStatus.Refused, "403 (forbidden): too many requests, and asks to retry after 60 seconds");
        Assert.Single(world.Server.Requests);
    }

    [Fact]
    public async Task After_the_last_try_the_failure_is_told_once()
    {
        await using var world = World.Answering(Busy(503));
        await world.Run("x").Fails(ExitStatus.Unavailable, world.Server.Url + "/x", "503");
        Assert.Equal(4, world.Server.Requests.Length);
    }

    [Fact]
    public async Task A_refused_connection_keeps_nobody_waiting()
    {
        using var box = new Sandbox();
        var url = $"http://127.0.0.1:{Ports.Free()}";
        box.Sources(url);
        var result = await box.Run("x").Fails(ExitStatus.Unavailable, new Uri(url).Authority, "refused");
        result.Check(result.Time < TimeSpan.FromSeconds(15), "less than 15 seconds");
    }

    [Fact]
    public async Task A_name_that_does_not_exist_is_an_error_at_once()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  default: https://name.invalid/%s\n");
        await box.Run("x").Fails(ExitStatus.Unavailable, "name.invalid");
    }

    [Fact]
    public async Task Retry_After_in_seconds_is_waited_for()
    {
        await using var world = World.Answering(Busy(503, "Retry-After: 2"), Serves(Script));
        var result = await world.Run("x").Succeeds("ran\n");
        result.Check(result.Time >= TimeSpan.FromSeconds(2), "at least 2 seconds");
    }

    [Fact]
    public async Task Retry_After_as_a_date_is_waited_for()
    {
        var now = DateTimeOffset.UtcNow;
        await using var world = World.Answering(Busy(429, $"Date: {now:R}\r\nRetry-After: {now.AddSeconds(2):R}"), Serves(Script));
        var result = await world.Run("x").Succeeds("ran\n");
        result.Check(result.Time >= TimeSpan.FromSeconds(2), "at least 2 seconds");
    }

    [Theory]
    [InlineData("3600")]
    [InlineData("2147483648")]
    [InlineData("99999999999")]
    public async Task A_Retry_After_beyond_the_deadline_is_an_error_at_once(string seconds)
    {
        await using var world = World.Answering(Busy(503, $"Retry-After: {seconds}"));
        var result = await world.Run("x").Fails(ExitStatus.Unavailable, "503", $"retry after {seconds} seconds");
        Assert.Single(world.Server.Requests);
        result.Check(result.Time < TimeSpan.FromSeconds(15), "less than 15 seconds");
    }

    [Fact]
    public async Task So_is_one_that_no_clock_can_count()
    {
        await using var world = World.Answering(Busy(429, $"Retry-After: {new string('9', 400)}"));
        await world.Run("x").Fails(ExitStatus.Unavailable, "429", "longer than run waits");
        Assert.Single(world.Server.Requests);
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_an_error_within_30_seconds()
    {
        await using var world = World.Answering(Stalls());
        var result = await world.Run("x").Fails(ExitStatus.Unavailable, new Uri(world.Server.Url).Authority, "does not answer");
        result.Check(result.Time < TimeSpan.FromSeconds(30), "less than 30 seconds");
    }

    [Fact]
    public async Task A_body_that_stops_in_the_middle_is_tried_again()
    {
        await using var world = World.Answering(StopsInTheMiddle(), Serves(Script));
        await world.Run("x").Succeeds("ran\n");
    }

    [Fact]
    public async Task Bodies_that_always_stop_in_the_middle_are_an_error_within_30_seconds()
    {
        await using var world = World.Answering(StopsInTheMiddle());
        var result = await world.Run("x").Fails(ExitStatus.Unavailable, "stalled");
        result.Check(result.Time < TimeSpan.FromSeconds(30), "less than 30 seconds");
    }

    [Fact]
    public async Task Headers_without_end_are_refused()
    {
        await using var world = World.Answering(async connection =>
        {
            await connection.Send("HTTP/1.1 200 OK\r\n");
            while (true)
            {
                await connection.Send($"X: {new string('x', 1000)}\r\n");
            }
        });
        await world.Run("x").Fails(ExitStatus.Unavailable, "header");
    }

    [Fact]
    public async Task An_answer_that_is_not_HTTP_is_refused()
    {
        await using var world = World.Answering(Says("SSH-2.0-OpenSSH_9.2\r\n"));
        await world.Run("x").Fails(ExitStatus.Unavailable, "not HTTP");
    }

    [Fact]
    public async Task Verbose_tells_each_try_in_a_line()
    {
        await using var world = World.Answering(Busy(503), Serves(Script));
        var result = await world.Run("--verbose", "x").Result();
        result.Check(result.Stdout == "ran\n", "the script's own output");
        var tries = result.Stderr.Split('\n')
            .Where(line => line.Contains($" of {world.Server.Url}/x: ", StringComparison.Ordinal)).ToArray();
        Assert.Collection(
            tries,
            first => Assert.Matches("^run: try 1 .*503", first),
            second => Assert.Matches($"^run: try 2 .*{Script.Length} bytes", second));
    }

    [Fact]
    public async Task Mirrors_are_asked_in_their_order_after_the_last_try()
    {
        await using var world = World.Answering(Busy(503));
        await using var first = Start(Busy(404));
        await using var second = Start(Serves(Script));
        world.Conf($"""
            sources:
              default:
                url: {world.Server.Url}/%s
                mirrors: ["{first.Url}/a/%s", "{second.Url}/b/%s"]

            """);
        await world.Run("x").Succeeds("ran\n");
        Assert.Equal(4, world.Server.Requests.Length);
        Assert.StartsWith("GET /a/x ", Assert.Single(first.Requests), StringComparison.Ordinal);
        Assert.StartsWith("GET /b/x ", Assert.Single(second.Requests), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_says_nothing_leaves_time_for_its_mirror()
    {
        await using var world = World.Answering(Stalls());
        await using var mirror = Start(Serves(Script));
        world.SourceWith($"mirrors: [\"{mirror.Url}/%s\"]");
        var result = await world.Run("x").Succeeds("ran\n");
        result.Check(result.Time < TimeSpan.FromSeconds(30), "less than 30 seconds");
    }

    [Fact]
    public async Task When_the_mirrors_fail_too_it_is_the_sources_own_failure_that_counts()
    {
        await using var world = World.Answering(Busy(404));
        await using var mirror = Start(Busy(400));
        world.SourceWith($"mirrors: [\"{mirror.Url}/%s\"]");
        await world.Run("x").Fails(ExitStatus.NotFound, world.Server.Url, "404", "mirror");
    }

    [Fact]
    public async Task The_digest_decides_between_the_mirrors()
    {
        await using var world = World.Answering(Serves(Saying("other")));
        await using var mirror = Start(Serves(Script));
        world.SourceWith($"mirrors: [\"{mirror.Url}/%s\"]");
        await world.Run("--sha256", DigestOf(Script), "x").Succeeds("ran\n");
        var neither = DigestOf("neither");
        await world.Run("--sha256", neither, "x").Fails(ExitStatus.Data, neither, DigestOf(Script));
    }

    private static Func<Connection, Task> StopsInTheMiddle() =>
        Stalls($"HTTP/1.1 200 OK\r\nContent-Length: {Script.Length}\r\n\r\n{Script[..20]}");

    private static Func<Connection, Task> Busy(int status, string header = "X: y") =>
        Says($"HTTP/1.1 {status} Something\r\nContent-Length: 3\r\n{header}\r\n\r\nno\n");
}
