using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace Run.Tests.Documentation;

/// <summary>What people read, kept word for word, so that every change of it shows up in a review.</summary>
public sealed partial class SnapshotTests
{
    private const string Hello = "#!/bin/sh\necho hello \"$@\"\n";

    [Fact]
    public async Task The_list_of_cached_scripts()
    {
        await using var world = await Serve();
        await world.Run("hello").Succeeds("hello\n");
        await world.Run("ops:tools/long@v1").Result();

        var shown = new StringBuilder();
        await Show(shown, world, world.Run("--list"), "--list | cat");
        await Show(shown, world, world.Run("--list").OnTerminal(), "--list");
        await Show(shown, world, world.Run("--list", "--json"), "--list --json");
        Snapshot.Verify(shown.ToString(), world);
    }

    [Fact]
    public async Task What_would_be_run()
    {
        await using var world = await Serve();
        await world.Run("hello").Succeeds("hello\n");
        world.Put("local.py", "print(1)\n", executable: false);

        var shown = new StringBuilder();
        string[] lines =
            ["hello a b", "ops:tools/new@v2 --flag", "-i \"python3 -u\" ops:x 'two words'", "./local.py x", "--json hello '' 'ü'"];
        foreach (var line in lines)
        {
            await Show(shown, world, world.Sh($"run --dry-run {line}"), $"--dry-run {line}");
        }

        Snapshot.Verify(shown.ToString(), world);
        Assert.DoesNotContain(world.Server.Requests, static request => request.Path != "/hello");
    }

    [Fact]
    public async Task The_errors()
    {
        await using var world = await Serve();
        world.Server["/empty"] = "";
        world.Server.Bytes("/page", Encoding.UTF8.GetBytes("<!DOCTYPE html>\n<title>Sign in</title>\n"), "text/html");
        world.Server.Status("/forbidden", 403);
        world.Server.Map("/busy", static async context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = "3600";
            await context.Response.WriteAsync("later");
        });
        world.Server["/no-interpreter"] = "#!/no/such/interpreter\n";
        world.Server["/sleeper"] = "#!/bin/sh\necho ready\nexec sleep 1000\n";
        world.Server.Redirect("/lower", "http://example.com/x");
        await world.Run("hello").Succeeds("hello\n");
        world.Server["/pinned"] = Hello;
        (await world.Run("--quiet", "--pin", "pinned").Result()).Is(0, "");
        await world.Run("--clean", "--yes", "pinned").Succeeds("");
        world.Server["/pinned"] = Hello + "# changed\n";
        Directory.CreateDirectory(world.Work + "/directory");
        world.Put("bad.conf", "sources:\n  ops:\n    url: https://example.com/%s\n    max_age: 1d\n", executable: false);
        world.Put("worse.conf", "source:\n  ops: https://example.com/%s\n", executable: false);
        world.Put("open/run/x", "");
        File.SetUnixFileMode(world.Work + "/open/run", (UnixFileMode)0x1ff);
        await using var sleeper = world.Run("--lock", "sleeper").Start();
        await sleeper.Output("ready");

        var shown = new StringBuilder();
        foreach (var (status, lines) in new (ExitStatus, string[])[]
        {
            (ExitStatus.Usage, ["run --updat hello", "run --sha256", "run --ps hello", "run --offline -u hello", "run githb:a/b/c",
                "run github:x", "run ''", "run ops:a//b", "run ops:../b", "run ops:a@", "run hello#sha256=12", "run ftp://example.com/x",
                "run --clean", "run --wait=soon hello", "run -E 256 hello"]),
            (ExitStatus.Data, [$"run hello#sha256={new string('0', 64)}", "run pinned", "run empty", "run page"]),
            (ExitStatus.Unavailable, ["run --offline other", "run busy"]),
            (ExitStatus.CannotWrite, ["RUN_CACHE=/dev/null/cache run hello", "run --config bad.conf --init", "run --list >/dev/full"]),
            (ExitStatus.AlreadyRunning, ["run --lock sleeper", "run sleeper", "run --quiet --wait=0.1 sleeper"]),
            (ExitStatus.Refused, ["run forbidden", "run http://example.com/x", "run --pinned hello", "RUN_CACHE=open/run run hello"]),
            (ExitStatus.Configuration, ["run --config bad.conf ops:x", "run --config worse.conf ops:x", "run --config none.conf x"]),
            (ExitStatus.CannotStart, ["run ./directory", "run -i ./bad.conf hello"]),
            (ExitStatus.NotFound, ["run helo", "run ./helo", "run no-interpreter", "run -i no-such-thing hello"]),
        })
        {
            foreach (var line in lines)
            {
                var result = await world.Sh(line).Result();
                result.Failed((int)status);
                shown.Append($"$ {line}\n{result.Stderr}[{result.Status}]\n\n");
            }
        }

        Snapshot.Verify(shown.ToString(), world);
    }

    private static async Task<World<ScriptServer>> Serve()
    {
        var world = await World.Serving();
        world.Server["/hello"] = Hello;
        world.Server["/tools/long?v1"] = $"#!/bin/sh\nexit 0\n{new string('#', 5000)}\n";
        world.Sources(world.Server, $"ops: {world.Server.Url}/%s?{{ref}}");
        return world;
    }

    private static async Task Show(StringBuilder shown, Sandbox box, Command command, string line)
    {
        var result = await command.Result();
        result.Check(result is { Status: 0, Stderr: "" }, "success");
        var text = result.Stdout.Replace("\r", "", StringComparison.Ordinal);
        text = Age().Replace(Time().Replace(text, "2026-01-02T03:04:05Z"), "  0s  ");
        shown.Append($"$ run {line}\n{Entry().Replace(text, "$1{entry}")}\n");
    }

    [GeneratedRegex(@"  \d+s  ")]
    private static partial Regex Age();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")]
    private static partial Regex Time();

    /// <summary>The cache's name for a URL, which depends on the server's port.</summary>
    [GeneratedRegex(@"(/\.cache/run/)[^/\s]+(/[0-9a-f]{8,})?")]
    private static partial Regex Entry();
}
