using System.Globalization;
using System.Text.RegularExpressions;
using Run.Tests.Planning;
using Run.Tests.Trees;

namespace Run.Tests.Becoming;

/// <summary>What a warm run does not do, as strace sees it. These are counts, not times: they are the same on every machine.</summary>
public sealed partial class WarmPathTests
{
    /// <summary>All that may be mapped before the script is: the C library's parts, which every program has.</summary>
    private static readonly string[] s_libraries =
        ["libc", "libm", "libdl", "libpthread", "librt", "ld-linux", "ld-linux-x86-64", "libgcc_s"];

    [Theory]
    [InlineData("as it was planned", 110)]
    [InlineData("planned with options", 110, "-q", "--lock", "-E", "0")]
    [InlineData("with an option that is never planned", 270, "--replace")]
    public async Task A_warm_run_asks_little_of_the_kernel_and_nothing_of_the_network(string how, int budget, params string[] options)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Planned.Is(() => world.Run("x"), "ran\n");
        if (!options.Contains("--replace"))
        {
            await Planned.Is(() => world.Run([.. options, "x"]), "ran\n");
        }

        var calls = await Calls(world, [.. options, "x"]);

        // A release is linked with Debian 11's C library, of which these were libraries of their own. Each costs the dynamic linker
        // nine calls.
        budget += 9 * calls.Count(static call => PartOfOldLibc().IsMatch(call));
        Assert.True(calls.Length <= budget, $"{how}: {calls.Length} calls, not {budget} at most\n{string.Join('\n', calls)}");
        Assert.DoesNotContain(calls, static call => Network().IsMatch(call));
        Assert.DoesNotContain(calls, static call => Writing().IsMatch(call));
        var libraries = calls.Select(static call => Library().Match(call)).Where(static m => m.Success)
            .Select(static m => m.Groups[1].Value).Distinct();
        Assert.All(libraries, static library => Assert.Contains(library, s_libraries));
        Assert.Equal(1, world.Server.Count("/x"));
    }

    /// <summary>One call for each file, and some more for the whole: the boot's id, the file of the stamps, the directory.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(500)]
    public async Task A_script_of_many_files_takes_one_call_more_for_each(int files)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Server.Archive("/x.tgz", Packed.TarGz(
            [("bin/x", Saying("ran")), .. Enumerable.Range(2, files - 1).Select(static n => ($"lib/{n}", $"{n}\n"))]));
        var script = $"{world.Server.Url}/x.tgz//bin/x";
        await Planned.Is(() => world.Run("x"), "ran\n");
        await Planned.Is(() => world.Run(script), "ran\n");
        var (single, calls) = ((await Calls(world, "x")).Length, await Calls(world, script));
        var budget = single + files + 12 + (files / 100);
        Assert.True(calls.Length <= budget, $"{calls.Length} calls, not {budget} at most\n{string.Join('\n', calls)}");
        Assert.DoesNotContain(calls, static call => Network().IsMatch(call));
        Assert.DoesNotContain(calls, static call => Writing().IsMatch(call));
        Assert.Equal(1, world.Server.Count("/x.tgz"));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(640, "--replace")]
    public async Task A_warm_run_touches_little_memory(int budget, params string[] options)
    {
        await using var world = await World.Serving();

        // proc(5): the tenth field of stat counts the page faults since the process began, so it includes those of run.
        const string Script = "#!/bin/sh\necho ran\nread -r _ _ _ _ _ _ _ _ _ faults _ </proc/self/stat\necho $faults >faults\n";
        world.Server["/x"] = Script;
        await Planned.Is(() => world.Run("x"), "ran\n");

        var direct = await Faults(world.Exec(world.Put("x", Script)));
        var added = await Faults(world.Run([.. options, "x"])) - direct;
        Assert.True(added > 0 && added <= budget, $"{added} page faults more than a direct start, not {budget} at most");

        async Task<int> Faults(Command command)
        {
            File.Delete(world.Work + "/faults");
            await command.Succeeds("ran\n");
            return int.Parse(File.ReadAllText(world.Work + "/faults"), CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public void The_program_has_nine_megabytes_at_most()
    {
        var size = new FileInfo(Suite.Binary).Length;
        Assert.True(size <= 9_000_000, $"{size} bytes");
    }

    /// <summary>
    /// The one that the runtime itself starts is put off until there is another (native/threads.c). With a second thread the kernel
    /// takes 15 ms and more to make the table of descriptors larger, which a lock needs: so that comes first.
    /// </summary>
    [Fact]
    public async Task A_run_starts_no_thread_unless_it_fetches_and_then_none_before_there_is_room_for_the_lock()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = "#!/bin/sh\necho ran\n";
        await Planned.Is(() => box.Run("x"), "ran\n");
        Assert.DoesNotContain(await Calls(box, "x"), static call => call.Contains("clone", StringComparison.Ordinal));
        Assert.DoesNotContain(await Calls(box, "--replace", "x"), static call => call.Contains("clone", StringComparison.Ordinal));
        var calls = await Calls(box, "-u", "x");
        var thread = Array.FindIndex(calls, static call => call.Contains("clone", StringComparison.Ordinal));
        var room = Array.FindIndex(calls, static call => call.Contains("F_DUPFD_CLOEXEC, 100)", StringComparison.Ordinal));
        Assert.InRange(room, 0, thread);
    }

    /// <summary>The system calls of all threads, up to the execve of the script.</summary>
    private static async Task<string[]> Calls(Sandbox box, params string[] arguments)
    {
        await box.Run(arguments).Traced(out var file).Succeeds("ran\n");
        var calls = File.ReadAllLines(file)
            .Where(static line => !line.Contains("+++", StringComparison.Ordinal) && !line.Contains("resumed>", StringComparison.Ordinal))
            .ToArray();
        var become = Array.FindLastIndex(
            calls, static call => call.Contains("execve(", StringComparison.Ordinal) && call.Contains("/x\"", StringComparison.Ordinal));
        Assert.True(become > 0, "it became the script");
        return calls[..(become + 1)];
    }

    [GeneratedRegex(@"\b(connect|sendto|sendmsg|bind)\(|socket\(AF_INET")]
    private static partial Regex Network();

    /// <summary>Calls that write to the disk, which a warm run must not make.</summary>
    [GeneratedRegex(@"\b(rename\w*|unlink\w*|mkdir\w*|fsync|fdatasync|ftruncate)\(|open\w*\(.*O_TRUNC")]
    private static partial Regex Writing();

    [GeneratedRegex(@"open\w*\([^""]*""[^""]*/([\w-]+)[^""/]*\.so[.0-9]*"", .* = \d")]
    private static partial Regex Library();

    [GeneratedRegex(@"openat\(.*/lib(dl|rt|pthread)\.so")]
    private static partial Regex PartOfOldLibc();
}
