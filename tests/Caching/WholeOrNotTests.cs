using Microsoft.AspNetCore.Http;
using Run.Posix;
using Run.Reporting;
using Run.Tests.Infra;
using static Run.Tests.Caching.Versions;

namespace Run.Tests.Caching;

/// <summary>A script appears in the cache whole or not at all, whatever happens at whatever moment; what is there runs on when nothing can be written.</summary>
public sealed class WholeOrNotTests
{
    [Fact]
    public async Task Killed_at_any_moment_of_a_fetch_it_leaves_the_old_copy_or_the_new_one()
    {
        const int kills = 120, worlds = 4;
        await Task.WhenAll(Enumerable.Range(0, worlds).Select(KillAgainAndAgain));

        static async Task KillAgainAndAgain(int seed)
        {
            using var box = new Sandbox();
            await using var server = await ScriptServer.Start();
            box.Sources(server);
            var random = new Random(seed);
            var version = 0;
            server.Map("/x", async context =>
            {
                // In several pieces with pauses between them, so that there are moments in the middle of it.
                var bytes = OsText.ToBytes(Script(Interlocked.Increment(ref version)));
                context.Response.ContentLength = bytes.Length;
                for (var at = 0; at < bytes.Length; at += 20_000)
                {
                    await context.Response.Body.WriteAsync(bytes.AsMemory(at, Math.Min(20_000, bytes.Length - at)));
                    await Task.Delay(1);
                }
            });

            var outcomes = new Dictionary<string, int>();
            for (var i = 0; i < kills / worlds; i++)
            {
                await using (var child = box.Run("--update", "x").Start())
                {
                    // The one wait for a time in these tests: the moment is what is tried here.
                    await Task.Delay(random.Next(0, 80));
                    child.Signal(Libc.SIGKILL);
                    await child.Exit();
                }

                var after = await box.Run("--offline", "x").Result();
                if (after.Status == (int)ExitStatus.Unavailable)
                {
                    after.Failed((int)ExitStatus.Unavailable);
                }
                else
                {
                    Assert.Matches(@"^whole (\d+) \1\n$", after.Stdout);
                    after.Is(0, after.Stdout);
                }

                outcomes[after.Stdout] = outcomes.GetValueOrDefault(after.Stdout) + 1;
            }

            // The next fetch sweeps whatever litter there was.
            var last = await box.Run("-u", "x").Result();
            last.Is(0, $"whole {version} {version}\n");
            var files = box.CachedFiles().Count(static file => !file.Contains("/plans/", StringComparison.Ordinal));
            await box.Run("--clean", "--yes").Expect(0, "");
            last = await box.Run("x").Result();
            last.Is(0, $"whole {version} {version}\n");
            Assert.True(files <= box.CachedFiles().Length + 1, $"{files} files were left:\n{string.Join('\n', box.CachedFiles())}");
        }
    }

    [Fact]
    public async Task Interrupted_in_a_fetch_it_ends_with_130_and_leaves_nothing()
    {
        using var box = new Sandbox();
        await using var server = RawServer.Start(RawServer.Stalls("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n#!/bin/sh\necho half\n"));
        box.Sources(server.Url);
        await using var child = box.Run("x").Start();
        await Eventually.True(() => box.CachedFiles().Any(static path => new FileInfo(path) is { Exists: true, Length: > 10 }) || server.Requests.Length > 0, "the fetch is under way");
        child.Signal(Libc.SIGINT);
        var result = await child.Exit();
        Assert.Equal((130, ""), (result.Status, result.Stdout));
        Assert.DoesNotContain(box.CachedFiles(), static path => File.ReadAllText(path).Contains("half", StringComparison.Ordinal));
        await box.Run("--offline", "x").Fails(ExitStatus.Unavailable, "x");
    }

    [RootFact]
    public async Task On_a_full_file_system_the_old_copy_stays()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server.Sequence("/x", Serves(Script(1, lines: 10)), Serves(Script(2, lines: 20_000)));
        server["/other"] = Script(3, lines: 20_000);
        var result = await box.Sh("run x; run -u x; echo $?; run x; run other; echo $?; find $XDG_CACHE_HOME -size +200k")
            .InMountNamespace("mount -t tmpfs -o size=256k,mode=755 none $XDG_CACHE_HOME").Result();
        Assert.Equal("whole 1 1\n73\nwhole 1 1\n73\n", result.Stdout);
        Assert.All(result.Stderr.Trim('\n').Split("\nrun: "), static message => Assert.Contains("space", message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Beyond_the_file_size_limit_it_is_an_error_and_not_a_signal()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server.Sequence("/x", Serves(Script(1, lines: 10)), Serves(Script(2)));
        await box.Run("x").Succeeds("whole 1 1\n");
        await box.Run("-u", "x").Limit("fsize", 20_000).Fails(ExitStatus.CannotWrite);
        await box.Run("--offline", "x").Succeeds("whole 1 1\n");
        Assert.DoesNotContain(box.CachedFiles(), static path => new FileInfo(path).Length > 10_000);
    }

    [RootFact]
    public async Task A_copy_runs_from_a_cache_that_has_become_read_only()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        server["/other"] = Script(2);
        await box.Run("x").Succeeds("whole 1 1\n");
        const string readOnly = "mount --bind $XDG_CACHE_HOME $XDG_CACHE_HOME; mount -o remount,ro,bind $XDG_CACHE_HOME";
        await box.Run("x").InMountNamespace(readOnly).Succeeds("whole 1 1\n");
        await box.Run("--offline", "x").InMountNamespace(readOnly).Succeeds("whole 1 1\n");
        await box.Run("other").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite);
        server["/x"] = Script(3);
        await box.Run("-u", "x").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite);
        await box.Run("x").Succeeds("whole 1 1\n");
    }

    [RootFact]
    public async Task With_everything_read_only_a_plain_run_goes_on_with_a_note()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        const string readOnly = "mount --bind $HOME $HOME; mount -o remount,ro,bind $HOME";
        await box.Run("x").InMountNamespace(readOnly).Succeeds("whole 1 1\n"); // its lock file is there already
        Directory.Delete(box.StateHome, recursive: true);
        var result = await box.Run("x").InMountNamespace(readOnly).Result();
        Assert.Equal((0, "whole 1 1\n"), (result.Status, result.Stdout));
        Assert.StartsWith("run: ", result.Stderr, StringComparison.Ordinal);
        await box.Run("-q", "x").InMountNamespace(readOnly).Succeeds("whole 1 1\n");
        await box.Run("--lock", "x").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite);
    }

    private static RequestDelegate Serves(string body) => async context =>
    {
        var bytes = OsText.ToBytes(body);
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes);
    };
}
