using Microsoft.AspNetCore.Http;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>Asking the server whether a copy is still current: when, with which validators, and what each answer means.</summary>
public sealed class RevalidationTests
{
    [Theory]
    [InlineData("ETag", "\"abc\"", "If-None-Match")]
    [InlineData("ETag", "W/\"abc\"", "If-None-Match")]
    [InlineData("ETag", "unquoted", "If-None-Match")]
    [InlineData("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT", "If-Modified-Since")]
    [InlineData("Last-Modified", "yesterday", "If-Modified-Since")]
    public async Task A_validator_goes_back_as_it_came_and_304_keeps_the_copy(string header, string value, string condition)
    {
        await using var world = await World.Serving();
        world.Server.Map("/x", context =>
        {
            context.Response.Headers[header] = value;
            return context.Request.Headers[condition] == value ? NotModified(context) : ScriptServer.Send(context, Script);
        });
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        Assert.Equal([null, value, value], world.Server.Requests.Select(r => r.Header(condition)));
    }

    [Fact]
    public async Task Without_validators_the_request_is_unconditional()
    {
        await using var world = await World.Serving(("/x", Script));
        await world.Run("x").Succeeds("ran\n");
        world.Server["/x"] = Saying("new");
        await world.Run("-u", "x").Succeeds("new\n");
        Assert.All(
            world.Server.Requests, static r => Assert.True(r.Header("if-none-match") is null && r.Header("if-modified-since") is null));
    }

    [Fact]
    public async Task A_304_that_nobody_asked_for_is_a_failure()
    {
        await using var world = await World.Serving();
        world.Server.Map("/x", NotModified);
        await world.Run("x").Fails(ExitStatus.Unavailable, "304");
    }

    [Fact]
    public async Task New_validators_of_a_304_are_for_the_next_time()
    {
        await using var world = await World.Serving();
        var next = 0;
        world.Server.Map("/x", context =>
        {
            context.Response.Headers.ETag = $"\"{++next}\"";
            return next == 1 ? ScriptServer.Send(context, Script) : NotModified(context);
        });
        for (var i = 0; i < 3; i++)
        {
            await world.Run("-u", "x").Succeeds("ran\n");
        }

        Assert.Equal([null, "\"1\"", "\"2\""], world.Server.Requests.Select(static r => r.Header("if-none-match")));
    }

    [Fact]
    public async Task A_mirrors_validators_are_not_for_the_source()
    {
        await using var world = await World.Serving();
        await using var mirror = await ScriptServer.Start();
        mirror.Map("/x", context =>
        {
            context.Response.Headers.ETag = "\"mirror\"";
            return ScriptServer.Send(context, Script);
        });
        world.SourceWith($"mirrors: [\"{mirror.Url}/%s\"]");
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-u", "x").Succeeds("ran\n");
        Assert.All(world.Server.Requests.Concat(mirror.Requests), static r => Assert.Null(r.Header("if-none-match")));
    }

    [Fact]
    public async Task A_fresh_copy_costs_no_request_and_an_old_one_does()
    {
        await using var world = await World.Serving(("/x", Script));
        world.SourceWith("max-age: 1d");
        await world.Run("x").Succeeds("ran\n");
        await world.Run("x").Succeeds("ran\n");
        Assert.Single(world.Server.Requests);
        world.SourceWith("max-age: 0s");
        await world.Run("x").Succeeds("ran\n");
        Assert.Equal(2, world.Server.Requests.Length);
    }

    [Fact]
    public async Task With_the_server_away_an_old_copy_runs_with_a_note_but_not_under_update()
    {
        await using var world = await World.Serving(("/x", Script));
        world.SourceWith("max-age: 0s");
        await world.Run("x").Succeeds("ran\n");
        world.Server.Status("/x", 503);
        var result = await world.Run("x").Result();
        result.Check(result is { Status: 0, Stdout: "ran\n" }, "the old copy's output");
        Assert.Matches("^run: x: .*503", result.Stderr);
        await world.Run("-u", "x").Fails(ExitStatus.Unavailable, "503");
        await world.Run("--offline", "x").Succeeds("ran\n");
    }

    [Fact]
    [Needs("strace")]
    public async Task Offline_asks_nobody_not_even_for_an_address()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  default: https://name.invalid/%s\n");
        string[] calls = ["-e", "trace=socket,connect"];
        await box.Run("--offline", "x").Traced(out var byOption, calls).Fails(ExitStatus.Unavailable, "offline");
        Assert.DoesNotContain("AF_INET", File.ReadAllText(byOption), StringComparison.Ordinal);
        await box.Run("x").Env("RUN_OFFLINE", "1").Traced(out var byVariable, calls).Fails(ExitStatus.Unavailable, "offline");
        Assert.DoesNotContain("AF_INET", File.ReadAllText(byVariable), StringComparison.Ordinal);

        // The check above can fail: without --offline, the trace shows such calls.
        await box.Run("x").Traced(out var asked, calls).Fails(ExitStatus.Unavailable, "name.invalid");
        Assert.Contains("AF_INET", File.ReadAllText(asked), StringComparison.Ordinal);
    }

    private static Task NotModified(HttpContext context) => ScriptServer.Refuse(context, 304);
}
