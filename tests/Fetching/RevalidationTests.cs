using Microsoft.AspNetCore.Http;
using Run.Reporting;
using Run.Tests.Infra;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>Asking whether a copy is still good: with which validators, when, and what follows from each answer.</summary>
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
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server.Map("/x", context =>
        {
            context.Response.Headers[header] = value;
            return context.Request.Headers[condition] == value ? NotModified(context) : Send(context, Script);
        });
        box.Sources(server);
        await box.Run("x").Succeeds("ran\n");
        await box.Run("-u", "x").Succeeds("ran\n");
        await box.Run("-u", "x").Succeeds("ran\n");
        Assert.Equal([null, value, value], server.Requests.Select(r => r.Header(condition)));
    }

    [Fact]
    public async Task Without_validators_the_request_is_unconditional()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        box.Sources(server);
        await box.Run("x").Succeeds("ran\n");
        server["/x"] = "#!/bin/sh\necho new\n";
        await box.Run("-u", "x").Succeeds("new\n");
        Assert.All(server.Requests, static r => Assert.True(r.Header("if-none-match") is null && r.Header("if-modified-since") is null));
    }

    [Fact]
    public async Task A_304_that_nobody_asked_for_is_a_failure()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server.Map("/x", NotModified);
        box.Sources(server);
        await box.Run("x").Fails(ExitStatus.Unavailable, "304");
    }

    [Fact]
    public async Task New_validators_of_a_304_are_for_the_next_time()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        var next = 0;
        server.Map("/x", context =>
        {
            context.Response.Headers.ETag = $"\"{++next}\"";
            return next == 1 ? Send(context, Script) : NotModified(context);
        });
        box.Sources(server);
        for (var i = 0; i < 3; i++)
        {
            await box.Run("-u", "x").Succeeds("ran\n");
        }

        Assert.Equal([null, "\"1\"", "\"2\""], server.Requests.Select(static r => r.Header("if-none-match")));
    }

    [Fact]
    public async Task A_mirrors_validators_are_not_for_the_source()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        await using var mirror = await ScriptServer.Start();
        mirror.Map("/x", context =>
        {
            context.Response.Headers.ETag = "\"mirror\"";
            return Send(context, Script);
        });
        box.Conf($"sources:\n  default:\n    url: {server.Url}/%s\n    mirrors: [\"{mirror.Url}/%s\"]\n");
        await box.Run("x").Succeeds("ran\n");
        await box.Run("-u", "x").Succeeds("ran\n");
        Assert.All(server.Requests.Concat(mirror.Requests), static r => Assert.Null(r.Header("if-none-match")));
    }

    [Fact]
    public async Task A_fresh_copy_costs_no_request_and_an_old_one_does()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        box.Conf($"sources:\n  default:\n    url: {server.Url}/%s\n    max-age: 1d\n");
        await box.Run("x").Succeeds("ran\n");
        await box.Run("x").Succeeds("ran\n");
        Assert.Single(server.Requests);
        box.Conf($"sources:\n  default:\n    url: {server.Url}/%s\n    max-age: 0s\n");
        await box.Run("x").Succeeds("ran\n");
        Assert.Equal(2, server.Requests.Length);
    }

    [Fact]
    public async Task With_the_server_away_an_old_copy_runs_with_a_note_but_not_under_update()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        box.Conf($"sources:\n  default:\n    url: {server.Url}/%s\n    max-age: 0s\n");
        await box.Run("x").Succeeds("ran\n");
        server.Status("/x", 503);
        var result = await box.Run("x").Result();
        result.Check(result is { Status: 0, Stdout: "ran\n" }, "the old copy's output");
        Assert.Matches("^run: x: .*503", result.Stderr);
        await box.Run("-u", "x").Fails(ExitStatus.Unavailable, "503");
        await box.Run("--offline", "x").Succeeds("ran\n");
    }

    [Fact]
    [Needs("strace")]
    public async Task Offline_asks_nobody_not_even_for_an_address()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  default: https://name.invalid/%s\n");
        var trace = box.Work + "/trace";
        string[] strace = ["strace", "-f", "-A", "-o", trace, "-e", "trace=socket,connect"];
        await box.Run("--offline", "x").Through(strace).Fails(ExitStatus.Unavailable, "offline");
        await box.Run("x").Env("RUN_OFFLINE", "1").Through(strace).Fails(ExitStatus.Unavailable, "offline");
        Assert.DoesNotContain("AF_INET", await Traced(), StringComparison.Ordinal);

        // The trace would show it: without --offline somebody is asked.
        await box.Run("x").Through(strace).Fails(ExitStatus.Unavailable, "name.invalid");
        Assert.Contains("AF_INET", await Traced(), StringComparison.Ordinal);

        Task<string> Traced() => File.ReadAllTextAsync(trace, TestContext.Current.CancellationToken);
    }

    private static Task NotModified(HttpContext context)
    {
        context.Response.StatusCode = 304;
        return Task.CompletedTask;
    }

    private static async Task Send(HttpContext context, string body)
    {
        var bytes = Bytes(body);
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes);
    }
}
