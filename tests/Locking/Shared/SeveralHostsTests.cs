using System.Diagnostics;
using System.Net.Sockets;

namespace Run.Tests.Locking.Shared;

/// <summary>Several hosts in the URL of a place: as with psql, one that does not answer is passed over.</summary>
public sealed class SeveralHostsTests(PostgreSql server) : IClassFixture<PostgreSql>
{
    [Theory]
    [InlineData("SILENT,HERE", "/{0}?connect_timeout=2")]
    [InlineData("SILENT,127.0.0.1:1,SILENT,HERE", "/{0}?connect_timeout=2")]
    [InlineData("127.0.0.1:1,SILENT,HERE", "/{0}?connect_timeout=2")]
    [InlineData("", "/{0}?connect_timeout=2&host=127.0.0.1,127.0.0.1&port=SPORT,HPORT")]
    [InlineData("", "/{0}?connect_timeout=2&hostaddr=127.0.0.1,127.0.0.1&port=SPORT,HPORT")]
    public async Task One_that_accepts_and_says_nothing_is_passed_over(string hosts, string rest)
    {
        PostgreSql.Need();
        using var silent = Ports.Silent(out var port);
        using var box = Machines.New(
            "postgresql://postgres@" + Filled(hosts, port) + Filled(string.Format(null, rest, server.Database()), port));
        var clock = Stopwatch.StartNew();
        await box.Run("--lock=fleet:job", "./x").Within(TimeSpan.FromSeconds(30)).Succeeds("started\nended\n");
        Assert.InRange(clock.Elapsed.TotalSeconds, 1, 12);
        await box.Run("--ps", "fleet:").Succeeds("");
    }

    [Fact]
    public async Task If_none_answers_all_are_named()
    {
        PostgreSql.Need();
        using var silent = Ports.Silent(out var port);
        using var other = Ports.Silent(out var second);
        using var box = Machines.New($"postgresql://me:hunter2@127.0.0.1:{port},127.0.0.1:{second}/x?connect_timeout=2");
        var result = await box.Run("--lock=fleet:job", "./x").Within(TimeSpan.FromSeconds(30)).Result();
        result.Failed((int)ExitStatus.Unavailable, $"port {port} failed", $"port {second} failed", "no answer within 2 s");
        Assert.DoesNotContain("hunter2", result.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_wait_for_one_can_be_interrupted()
    {
        PostgreSql.Need();
        using var silent = Ports.Silent(out var port);
        using var other = Ports.Silent(out var second);
        using var box = Machines.New($"postgresql://me@127.0.0.1:{port},127.0.0.1:{second}/x?connect_timeout=2");
        await using var child = box.Run("--lock=fleet:job", "./x").Start();
        using var first = await Accepted(silent);
        using var next = await Accepted(other);
        child.Signal(Libc.SIGINT);
        Assert.Equal(128 + Libc.SIGINT, (await child.Exit()).Status);
    }

    private static Task<TcpClient> Accepted(TcpListener listener) =>
        listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(
            Eventually.Deadline, TestContext.Current.CancellationToken);

    private string Filled(string text, int silent) => text
        .Replace("SILENT", $"127.0.0.1:{silent}", StringComparison.Ordinal)
        .Replace("HERE", $"127.0.0.1:{server.Port}", StringComparison.Ordinal)
        .Replace("SPORT", $"{silent}", StringComparison.Ordinal)
        .Replace("HPORT", $"{server.Port}", StringComparison.Ordinal);
}
