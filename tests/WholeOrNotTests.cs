using Run.Tests.Infra;

namespace Run.Tests;

/// <summary>A script appears in the cache whole or not at all, whatever happens at whatever moment; and only what is the user's own is run from there.</summary>
public sealed class WholeOrNotTests
{
    /// <summary>A script of many lines whose last one tells that it is whole, and which version it is.</summary>
    private static string Script(int version, int lines = 2000) =>
        "#!/bin/sh\n" + string.Concat(Enumerable.Repeat($"v={version} # {new string('.', 40)}\n", lines)) + $"echo whole {version} $v\n";

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
                    child.Signal(Posix.SIGKILL);
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
            (await box.Run("-u", "x").Result()).Is(0, $"whole {version} {version}\n");
            var files = box.CachedFiles().Length;
            await box.Run("--clean", "--yes").Expect(0, "");
            await box.Run("x").Expect(0, $"whole {version} {version}\n");
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
        child.Signal(Posix.SIGINT);
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

    [Theory]
    [InlineData("000")]
    [InlineData("077")]
    [InlineData("777")]
    public async Task The_cache_is_private_whatever_the_umask(string umask)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Umask(umask).Succeeds("whole 1 1\n");
        await box.Run("x").Umask(umask).Succeeds("whole 1 1\n");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(box.Cache));
        const UnixFileMode others = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.OtherRead;
        Assert.All(box.CachedFiles(), static path => Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(path) & others));
    }

    [Theory]
    [InlineData("cache")]
    [InlineData("directory")]
    [InlineData("script")]
    public async Task What_somebody_else_can_write_is_refused(string what)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        var script = box.CachedScript("x");
        var path = what switch { "cache" => box.Cache, "directory" => Path.GetDirectoryName(script)!, _ => script };
        var usual = File.GetUnixFileMode(path);
        foreach (var loose in (UnixFileMode[])[UnixFileMode.OtherWrite, UnixFileMode.GroupWrite])
        {
            File.SetUnixFileMode(path, usual | loose);
            await box.Run("x").Fails(ExitStatus.Refused, path);
            await box.Run("x").Fails(ExitStatus.Refused, path);
        }

        File.SetUnixFileMode(path, usual);
        await box.Run("x").Succeeds("whole 1 1\n");
    }

    [RootFact]
    public async Task What_somebody_else_owns_is_refused()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        var script = box.CachedScript("x");
        foreach (var path in (string[])[script, Path.GetDirectoryName(script)!, box.Cache])
        {
            Posix.ChangeOwner(path, 65534);
            await box.Run("x").Fails(ExitStatus.Refused, path);
            Posix.ChangeOwner(path, 0);
        }

        await box.Run("x").Succeeds("whole 1 1\n");
        Directory.Delete(box.Cache, recursive: true);
        Directory.CreateDirectory(box.Cache);
        Posix.ChangeOwner(box.Cache, 65534);
        await box.Run("x").Fails(ExitStatus.Refused, box.Cache);
        Assert.Equal(1, server.Count("/x"));
    }

    [Fact]
    public async Task A_link_that_was_planted_is_not_followed()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        var script = box.CachedScript("x");
        var planted = box.Put("planted", "#!/bin/sh\necho planted\n");
        File.Delete(script);
        File.CreateSymbolicLink(script, planted);
        Assert.DoesNotContain("planted", (await box.Run("x").Result()).Stdout, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a byte is changed")]
    [InlineData("a byte is changed, the times are put back")]
    [InlineData("it is cut")]
    [InlineData("it grows")]
    [InlineData("it is empty")]
    [InlineData("it is gone")]
    [InlineData("it is another file")]
    [InlineData("it is a directory")]
    public async Task Damage_is_noticed_and_the_script_is_fetched_again(string damage)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        await box.Run("x").Succeeds("whole 1 1\n");
        var script = box.CachedScript("x");
        var (times, mode, bytes) = (File.GetLastWriteTimeUtc(script), File.GetUnixFileMode(script), File.ReadAllBytes(script));
        File.SetUnixFileMode(script, mode | UnixFileMode.UserWrite);
        var changed = (byte[])bytes.Clone();
        changed[^10] ^= 1;
        switch (damage)
        {
            case "a byte is changed": File.WriteAllBytes(script, changed); break;
            case "it is cut": File.WriteAllBytes(script, bytes[..(bytes.Length / 2)]); break;
            case "it grows": File.AppendAllText(script, "echo more\n"); break;
            case "it is empty": File.WriteAllBytes(script, []); break;
            case "it is gone": File.Delete(script); break;
            case "it is another file":
                File.WriteAllBytes(script + ".new", changed);
                File.Move(script + ".new", script, overwrite: true);
                break;
            case "it is a directory":
                File.Delete(script);
                Directory.CreateDirectory(script);
                break;
            default:
                File.WriteAllBytes(script, changed);
                File.SetLastWriteTimeUtc(script, times);
                break;
        }

        if (File.Exists(script))
        {
            File.SetUnixFileMode(script, mode);
        }

        await box.Run("x").Succeeds("whole 1 1\n");
        Assert.Equal(2, server.Count("/x"));
        await box.Run("x").Succeeds("whole 1 1\n");
        Assert.Equal(2, server.Count("/x"));
    }

    [Fact]
    public async Task Damage_without_a_network_is_an_error_and_not_a_run()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        var script = box.CachedScript("x");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.AppendAllText(script, "echo more\n");
        await box.Run("--offline", "x").Fails(ExitStatus.Unavailable, "x");
    }

    [Fact]
    public async Task A_changed_source_never_runs_the_copy_of_another()
    {
        using var box = new Sandbox();
        await using var one = await ScriptServer.Start();
        await using var two = await ScriptServer.Start();
        one["/x"] = Script(1);
        two["/x"] = Script(2);
        box.Sources(one);
        await box.Run("x").Succeeds("whole 1 1\n");
        box.Sources(two);
        await box.Run("x").Succeeds("whole 2 2\n");
        box.Sources(one);
        await box.Run("x").Succeeds("whole 1 1\n");
        Assert.Equal((1, 1), (one.Count("/x"), two.Count("/x")));
    }

    [Fact]
    public async Task It_is_where_the_environment_says()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Env("RUN_CACHE", box.Root + "/chosen").Succeeds("whole 1 1\n");
        Assert.NotEmpty(Directory.GetFiles(box.Root + "/chosen", "x", SearchOption.AllDirectories));
        await box.Run("x").Env("XDG_CACHE_HOME", box.Root + "/xdg").Succeeds("whole 1 1\n");
        Assert.NotEmpty(Directory.GetFiles(box.Root + "/xdg/run", "x", SearchOption.AllDirectories));
        Assert.Empty(box.CachedFiles());
        await box.Run("x").Env("XDG_CACHE_HOME", null).Succeeds("whole 1 1\n");
        Assert.NotEmpty(Directory.GetFiles(box.Home + "/.cache/run", "x", SearchOption.AllDirectories));
    }

    private static Microsoft.AspNetCore.Http.RequestDelegate Serves(string body) => async context =>
    {
        var bytes = OsText.ToBytes(body);
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes);
    };
}
