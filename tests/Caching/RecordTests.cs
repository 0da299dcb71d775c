namespace Run.Tests.Caching;

/// <summary>A server has no say in what is written of its script, but for the validators that it wants back.</summary>
public sealed class RecordTests
{
    [Theory]
    [InlineData("\u2028")]
    [InlineData("\u2029")]
    [InlineData("\u0085")]
    [InlineData("\f")]
    [InlineData("\v")]
    [InlineData("\u202e")]
    [InlineData("\u00a0")]
    public async Task A_validator_cannot_write_a_line_of_the_record(string separator)
    {
        var forged = new string('0', 64);
        var tag = $"\"a{separator}script forged{separator}url http://forged/{separator}sha256 {forged}{separator}name forged\"";
        await using var world = World.Answering(RawServer.Says(
            $"HTTP/1.1 200 OK\r\nContent-Length: 19\r\nETag: {tag}\r\nLast-Modified: x{separator}script forged\r\n\r\n{Saying("ran")}"));
        await world.Run("x").Succeeds("ran\n");
        var list = await world.Run("--list", "--json").Result();
        Assert.DoesNotContain("forged", list.Stdout, StringComparison.Ordinal);
        var record = await File.ReadAllTextAsync(Assert.Single(world.CachedFiles(), IsRecord), TestContext.Current.CancellationToken);
        Assert.DoesNotContain("forged", record, StringComparison.Ordinal);
        await world.Run("x").Succeeds("ran\n");
        Assert.Single(world.Server.Requests);
        await world.Run("-u", "x").Succeeds("ran\n");
        Assert.DoesNotContain("If-None-Match", world.Server.Requests[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Any_other_is_sent_back_as_it_came()
    {
        const string tag = "W/\"!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ a\"";
        await using var world = World.Answering(RawServer.Says(
            $"HTTP/1.1 200 OK\r\nContent-Length: 19\r\nETag: {tag}\r\n\r\n{Saying("ran")}"));
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        Assert.Contains($"If-None-Match: {tag}\r\n", world.Server.Requests[^1], StringComparison.Ordinal);
    }

    /// <summary>Nor does SCRIPT, which whoever runs it has chosen.</summary>
    [Fact]
    public async Task A_name_with_a_separator_in_it_is_one_name()
    {
        await using var world = await World.Serving(("/a%E2%80%A8script%20b", Saying("ran")));
        await world.Run("a\u2028script b").Succeeds("ran\n");
        await world.Run("a\u2028script b").Succeeds("ran\n");
        Assert.Single(world.Server.Requests);
        Assert.StartsWith(@"a\u{2028}script b", (await world.Run("--list").Result()).Stdout, StringComparison.Ordinal);
    }

    private static bool IsRecord(string path) => Path.GetFileName(path) == "record";
}
