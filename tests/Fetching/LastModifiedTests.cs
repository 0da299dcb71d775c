using System.Globalization;
using Microsoft.AspNetCore.Http;
using Run.Posix;

namespace Run.Tests.Fetching;

/// <summary>A date has whole seconds. Where it is all that tells two versions apart, no change within a second may escape.</summary>
public sealed class LastModifiedTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    /// <summary>With dates of these seconds, the second version has the first one's date.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(3600)]
    public async Task A_change_in_the_second_of_the_date_is_seen(int secondsBeforeAnswer)
    {
        await using var world = await World.Serving();
        var modified = s_now.AddSeconds(secondsBeforeAnswer);
        var (text, answered) = (Saying("one"), s_now);
        world.Server.Map("/x", context => Answer(context, text, modified, answered));
        await world.Run("x").Succeeds("one\n");
        text = Saying("two");
        await world.Run("-u", "x").Succeeds("two\n");

        // What the server has not changed since, it need not send again.
        answered = modified.AddSeconds(2);
        await world.Run("-u", "x").Succeeds("two\n");
        world.Server.ForgetRequests();
        await world.Run("-u", "x").Succeeds("two\n");
        var last = Assert.Single(world.Server.Requests);
        Assert.Equal(modified.ToString("R", CultureInfo.InvariantCulture), last.Header("if-modified-since"));
    }

    [Fact]
    public async Task So_it_is_by_pin_and_by_age_and_in_an_archive()
    {
        await using var world = await World.Serving();
        var text = Saying("one");
        var archive = Trees.Packed.TarGz(("x", text));
        world.Server.Map("/x", context => Answer(context, text, s_now, s_now));
        world.Server.Map("/x.tgz", context => Answer(context, archive, s_now, s_now));
        world.SourceWith("max-age: 0s");
        string[] scripts = ["x", $"{world.Server.Url}/x.tgz//x"];
        await world.Run(["-q", "--pin", .. scripts]).Succeeds("");
        var before = File.ReadAllLines(world.Work + "/run.pins");
        text = Saying("two");
        archive = Trees.Packed.TarGz(("x", text));
        await world.Run(["-q", "--pin", .. scripts]).Succeeds("");
        Assert.Empty(before.Intersect(File.ReadAllLines(world.Work + "/run.pins")));
        File.Delete(world.Work + "/run.pins");
        await world.Run("x").Succeeds("two\n");
        text = Saying("three");
        await world.Run("x").Succeeds("three\n");
    }

    [Fact]
    public async Task Without_the_answers_date_the_clock_here_counts()
    {
        string Date(int seconds) => DateTimeOffset.UtcNow.AddSeconds(seconds).ToString("R", CultureInfo.InvariantCulture);
        var (recent, old) = (Date(0), Date(-3600));
        await using var world = World.Answering(Sends(recent), Sends(old));
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        Assert.DoesNotContain(recent, world.Server.Requests[1], StringComparison.Ordinal);
        Assert.Contains($"If-Modified-Since: {old}\r\n", world.Server.Requests[2], StringComparison.OrdinalIgnoreCase);

        static Func<RawServer.Connection, Task> Sends(string date) => RawServer.Says(
            $"HTTP/1.1 200 OK\r\nLast-Modified: {date}\r\nContent-Length: {Saying("ran").Length}\r\n\r\n{Saying("ran")}");
    }

    /// <summary>Dates that cannot be made earlier, or are none, are no reason to fail.</summary>
    [Theory]
    [InlineData("Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", null)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:58 GMT")]
    [InlineData("today", "Mon, 01 Jan 0001 00:00:00 GMT", "today")]
    public async Task Odd_dates_do_no_harm(string modified, string answered, string? asked)
    {
        await using var world = await World.Serving();
        world.Server.Map("/x", context =>
        {
            context.Response.Headers.LastModified = modified;
            context.Response.Headers.Date = answered;
            return context.Request.Headers.IfModifiedSince.Count > 0
                ? ScriptServer.Refuse(context, 304) : ScriptServer.Send(context, Saying("ran"));
        });
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        Assert.Equal([null, asked], world.Server.Requests.Select(static r => r.Header("if-modified-since")));
    }

    [Fact]
    public async Task Beside_an_ETag_the_date_stays_as_it_came()
    {
        await using var world = await World.Serving();
        world.Server.Map("/x", context =>
        {
            context.Response.Headers.ETag = "\"1\"";
            return Answer(context, Saying("ran"), s_now, s_now);
        });
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        Assert.Equal(s_now.ToString("R", CultureInfo.InvariantCulture), world.Server.Requests[1].Header("if-modified-since"));
    }

    /// <summary>As RFC 9110, section 13.1.3, has it: 304 unless the bytes are of a later date than the one that was asked with.</summary>
    private static Task Answer(HttpContext context, string text, DateTimeOffset modified, DateTimeOffset answered) =>
        Answer(context, OsText.ToBytes(text), modified, answered);

    private static Task Answer(HttpContext context, byte[] bytes, DateTimeOffset modified, DateTimeOffset answered)
    {
        context.Response.Headers.LastModified = modified.ToString("R", CultureInfo.InvariantCulture);
        context.Response.Headers.Date = answered.ToString("R", CultureInfo.InvariantCulture);
        if (context.Request.GetTypedHeaders().IfModifiedSince >= modified)
        {
            return ScriptServer.Refuse(context, 304);
        }

        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }
}
