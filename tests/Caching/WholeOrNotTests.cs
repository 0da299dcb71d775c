using Microsoft.AspNetCore.Http;
using Run.Posix;
using static Run.Tests.Caching.Versions;

namespace Run.Tests.Caching;

/// <summary>
/// A script appears in the cache whole or not at all, whatever happens and whenever it happens. Scripts that are cached already still run
/// if nothing can be written.
/// </summary>
public sealed class WholeOrNotTests
{
    [Fact]
    public async Task Killed_at_any_moment_of_a_fetch_it_leaves_the_old_copy_or_the_new_one()
    {
        const int kills = 120, worlds = 4;
        await Task.WhenAll(Enumerable.Range(0, worlds).Select(KillAgainAndAgain));

        static async Task KillAgainAndAgain(int seed)
        {
            await using var world = await World.Serving();
            var random = new Random(seed);
            var version = 0;
            world.Server.Map("/x", async context =>
            {
                // In several pieces with pauses in between, so that a signal can arrive in the middle of a fetch.
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
                await using (var child = world.Run("--update", "x").Start())
                {
                    // Not a wait for a condition: the moment of the kill is what this test varies.
                    await Task.Delay(random.Next(0, 80));
                    child.Signal(Libc.SIGKILL);
                    await child.Exit();
                }

                var after = await world.Run("--offline", "x").Result();
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

            // The next fetch removes leftover files.
            var last = await world.Run("-u", "x").Result();
            last.Is(0, $"whole {version} {version}\n");
            var files = world.CachedFiles().Where(static file => !file.Contains("/plans/", StringComparison.Ordinal)).ToList();
            await world.Run("--clean", "--yes").Expect(0, "");
            last = await world.Run("x").Result();
            last.Is(0, $"whole {version} {version}\n");
            Assert.True(
                files.Count <= world.CachedFiles().Length + 1,
                $"left:\n{string.Join('\n', files)}\nand in a new cache:\n{string.Join('\n', world.CachedFiles())}");
        }
    }

    /// <summary>What is left is swept only from a directory that is marked as a cache, so the mark must be made up for.</summary>
    [Theory]
    [Needs("strace")]
    [InlineData("mkdir")]
    [InlineData("openat")]
    [InlineData("write")]
    [InlineData("rename")]
    public async Task Killed_at_any_call_of_the_first_fetch_it_leaves_nothing_that_is_not_swept(string call)
    {
        var killed = 0;
        for (var n = 1; ; n++)
        {
            await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("ran")));
            string[] at = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:signal=KILL:when={n}"];
            var first = await world.Run("x").Through(at).Result();
            if (first.Status == 0)
            {
                break;
            }

            killed++;
            await world.Run("x").Succeeds("ran\n");
            Assert.True(File.Exists(world.Cache + "/CACHEDIR.TAG"), $"it is marked after a kill at {call} {n}");
            await world.Run("y").Succeeds("ran\n");
            Assert.Empty(Directory.GetFileSystemEntries(world.Cache + "/tmp"));
        }

        Assert.True(killed > 2, "it makes that call");
    }

    [Fact]
    public async Task Interrupted_in_a_fetch_it_ends_with_130_and_leaves_nothing()
    {
        await using var world = World.Answering(RawServer.Stalls("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n#!/bin/sh\necho half\n"));
        await using var child = world.Run("x").Start();
        await Eventually.True(
            () => world.CachedFiles().Any(static path => new FileInfo(path) is { Exists: true, Length: > 10 })
                || world.Server.Requests.Length > 0,
            "the fetch is under way");
        child.Signal(Libc.SIGINT);
        var result = await child.Exit();
        Assert.Equal((130, ""), (result.Status, result.Stdout));
        Assert.DoesNotContain(world.CachedFiles(), static path => File.ReadAllText(path).Contains("half", StringComparison.Ordinal));
        await world.Run("--offline", "x").Fails(ExitStatus.Unavailable, "x");
    }

    [RootFact]
    public async Task On_a_full_file_system_the_old_copy_stays()
    {
        await using var world = await World.Serving(("/other", Script(3, lines: 20_000)));
        world.Server.Sequence("/x", Serves(Script(1, lines: 10)), Serves(Script(2, lines: 20_000)));
        var result = await world.Sh("run x; run -u x; echo $?; run x; run other; echo $?; find $XDG_CACHE_HOME -size +200k")
            .InMountNamespace("mount -t tmpfs -o size=256k,mode=755 none $XDG_CACHE_HOME").Result();
        Assert.Equal("whole 1 1\n73\nwhole 1 1\n73\n", result.Stdout);
        Assert.All(
            result.Stderr.Trim('\n').Split("\nrun: "), static message => Assert.Contains("space", message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Beyond_the_file_size_limit_it_is_an_error_and_not_a_signal()
    {
        await using var world = await World.Serving();
        world.Server.Sequence("/x", Serves(Script(1, lines: 10)), Serves(Script(2)));
        await world.Run("x").Succeeds("whole 1 1\n");
        await world.Run("-u", "x").Limit("fsize", 20_000).Fails(ExitStatus.CannotWrite);
        await world.Run("--offline", "x").Succeeds("whole 1 1\n");
        Assert.DoesNotContain(world.CachedFiles(), static path => new FileInfo(path).Length > 10_000);
    }

    [RootFact]
    public async Task A_copy_runs_from_a_cache_that_has_become_read_only()
    {
        await using var world = await World.Serving(("/x", Script(1)), ("/other", Script(2)));
        await world.Run("x").Succeeds("whole 1 1\n");
        const string readOnly = "mount --bind $XDG_CACHE_HOME $XDG_CACHE_HOME; mount -o remount,ro,bind $XDG_CACHE_HOME";
        await world.Run("x").InMountNamespace(readOnly).Succeeds("whole 1 1\n");
        await world.Run("--offline", "x").InMountNamespace(readOnly).Succeeds("whole 1 1\n");
        await world.Run("other").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite);
        world.Server["/x"] = Script(3);
        await world.Run("-u", "x").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite);
        await world.Run("x").Succeeds("whole 1 1\n");
    }

    [RootFact]
    public async Task With_everything_read_only_a_plain_run_goes_on_with_a_note()
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Succeeds("whole 1 1\n");
        const string readOnly = "mount --bind $HOME $HOME; mount -o remount,ro,bind $HOME";
        await world.Run("x").InMountNamespace(readOnly).Succeeds("whole 1 1\n"); // its lock file already exists
        Directory.Delete(world.StateHome, recursive: true);
        var result = await world.Run("x").InMountNamespace(readOnly).Result();
        Assert.Equal((0, "whole 1 1\n"), (result.Status, result.Stdout));
        Assert.StartsWith("run: ", result.Stderr, StringComparison.Ordinal);
        await world.Run("-q", "x").InMountNamespace(readOnly).Succeeds("whole 1 1\n");
        await world.Run("--lock", "x").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite);
    }

    private static RequestDelegate Serves(string body) => context => ScriptServer.Send(context, body);
}
