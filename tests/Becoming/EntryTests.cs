using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Run.Tests.Planning;

namespace Run.Tests.Becoming;

/// <summary>
/// The way into the program, ahead of the dynamic linker (src/native/entry.c) or, in a build without that, by its constructor: whoever
/// starts the program, and however, planned runs are as other runs are.
/// </summary>
public sealed partial class EntryTests
{
    private const string Linker = "/lib64/ld-linux-x86-64.so.2";

    /// <summary>All that may be left for the linker to fill in: where the program goes on, and what the linker itself defines.</summary>
    private static readonly string[] s_known = ["_start", "_DYNAMIC", "_GLOBAL_OFFSET_TABLE_", "__libc_start_main"];

    [Fact]
    public async Task What_runs_first_needs_neither_a_library_nor_a_relocation()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the entry point is x86-64's");
        using var box = new Sandbox();
        var project = File.ReadAllText(Path.Combine(Suite.Repository, "src", "Run.csproj"));
        string[] flags = [.. Flags().Matches(project).SelectMany(static m => m.Groups[1].Value.Split(' '))
            .Where(static flag => flag[0] == '-' && !flag.StartsWith("-DRUN_", StringComparison.Ordinal))];
        Assert.Contains("-ffreestanding", flags);
        string[] sources = ["entry", "executor", "plan_key"];
        foreach (var name in sources)
        {
            var source = Path.Combine(Suite.Repository, "src", "native", name + ".c");
            await box.Exec("gcc", [.. flags, "-DRUN_ENTRY", "-DRUN_BUILD=\"x\"", "-c", source, "-o", name + ".o"]).Succeeds("");
        }

        await box.Exec("gcc", ["-r", "-nostdlib", "-o", "first.o", .. sources.Select(static name => name + ".o")]).Succeeds("");
        var undefined = (await box.Exec("nm", "-u", "first.o").Result()).Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(undefined.Select(static line => line.Trim().Split(' ')[^1]).Except(s_known));

        // An absolute address is one that the dynamic linker would have to fill in, wherever the program is loaded.
        var relocations = (await box.Exec("readelf", "-rW", "first.o").Result()).Stdout.Split("Relocation section");
        var kept = relocations.Where(static section => !section.Contains(".debug", StringComparison.Ordinal));
        Assert.DoesNotContain(kept, static section => section.Contains("R_X86_64_64", StringComparison.Ordinal));
    }

    [Fact]
    public void The_program_may_be_loaded_anywhere()
    {
        const int TypeAt = 16, SharedObject = 3; // elf(5): e_type, ET_DYN
        var header = new byte[64];
        using var file = File.OpenRead(Suite.Binary);
        file.ReadExactly(header);
        Assert.Equal(SharedObject, header[TypeAt]);
    }

    /// <summary>
    /// native/pointers.c corrects 95,000 pointers. As relocations they would be larger than the limit for the executable allows, and would
    /// take longer at every start that is not planned.
    /// </summary>
    [Fact]
    public async Task The_pointers_of_the_compiled_code_need_no_relocations()
    {
        using var box = new Sandbox();
        var sections = (await box.Exec("readelf", ["-SW", Suite.Binary]).Result()).Stdout;
        Assert.SkipWhen(sections.Contains(".hydrated", StringComparison.Ordinal), "a build whose tables the runtime unpacks");
        var relocations = (await box.Exec("readelf", ["-rW", Suite.Binary]).Result()).Stdout.Split('\n');
        Assert.InRange(relocations.Count(static line => line.Contains("_RELATIVE", StringComparison.Ordinal)), 1, 1000);
    }

    public static TheoryData<string, string[]> Starters => new()
    {
        { "the dynamic linker by hand", [Linker] },
        { "a library before all others", ["env", "LD_PRELOAD=libm.so.6"] },
        { "all symbols bound at once", ["env", "LD_BIND_NOW=1"] },
        { "no address randomisation", ["setarch", "-R"] },
        { "a small stack", ["sh", "-c", "ulimit -s 256; exec \"$@\"", "sh"] },
        { "a large environment", ["sh", "-c", "A=$(head -c 100000 /dev/zero | tr '\\0' x) exec \"$@\"", "sh"] },
        { "strace", ["strace", "-f", "-qq", "-o", "/dev/null"] },
        { "valgrind", ["valgrind", "-q"] },
        { "qemu", ["qemu-x86_64-static"] },
        { "gdb", ["gdb", "-q", "-batch", "-return-child-result", "-ex", "set startup-with-shell off", "-ex", "run", "--args"] },
    };

    [Theory]
    [MemberData(nameof(Starters))]
    public async Task However_it_is_started_it_becomes_the_script(string how, string[] starter)
    {
        var program = starter[0];
        Assert.SkipUnless(Which(program), $"there is no {program}");
        using var box = await Box();
        foreach (var arguments in (string[][])[["./x", "a"], ["--verbose", "./x", "a"]])
        {
            var result = await box.Run(arguments).Through(starter).Within(TimeSpan.FromSeconds(120)).Result();
            result.Check(result.Status == 0 && result.Stdout.Contains("ran a\n", StringComparison.Ordinal), how);
        }

        var version = await box.Run("--version").Through(starter).Within(TimeSpan.FromSeconds(120)).Result();
        version.Check(version.Status == 0 && version.Stdout.Contains("run ", StringComparison.Ordinal), how);
    }

    /// <summary>A profile that knows not every call: the executor steps aside, and whatever the runtime makes of it is what
    /// counts.</summary>
    [Theory]
    [InlineData("fcntl", 72)]
    [InlineData("getcwd", 79)]
    [InlineData("clock_gettime", 228)]
    [InlineData("readlinkat", 267)]
    [InlineData("getpid", 39)]
    [InlineData("pwrite64", 18)]
    [InlineData("fstat", 5)]
    [InlineData("faccessat2", 439)]
    public async Task Where_a_call_is_forbidden_it_steps_aside(string call, int number)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the numbers are x86-64's");
        using var box = await Box();
        var deny = box.Root + "/deny";
        await box.Exec("gcc", "-O1", "-o", deny, Path.Combine(Suite.Repository, "tests", "probe", "deny.c")).Succeeds("");
        foreach (var errno in (int[])[1, 38])
        {
            string[] prefix = [deny, number.ToString(CultureInfo.InvariantCulture), errno.ToString(CultureInfo.InvariantCulture)];
            var planned = await box.Run("./x", "a").Through(prefix).Result();
            var plan = Assert.Single(Directory.GetFiles(box.Cache + "/plans"));
            var aside = plan + ".aside";
            File.Move(plan, aside);
            var unplanned = await box.Run("./x", "a").Through(prefix).Result();
            planned.Check(planned.Status == unplanned.Status, $"the same without {call}");
            planned.Is(unplanned.Status, unplanned.Stdout, unplanned.Stderr);
            File.Delete(plan);
            File.Move(aside, plan);
        }
    }

    /// <summary>With its owner's rights, and its caller's environment, the program follows no plan.</summary>
    [RootFact]
    public async Task With_rights_that_its_caller_has_not_it_follows_no_plan()
    {
        using var box = await Box();
        box.GiveTo(65534);
        var copy = box.Root + "/setuid";
        TestFile.Copy(Suite.Binary, copy);
        Command Run() => box.Exec(copy, "./x", "a").As(65534);
        await Planned.Is(Run, "ran a\n");
        Libc.ChangeOwner(copy, 65534);
        await Planned.Is(Run, "ran a\n");
        File.SetUnixFileMode(copy, File.GetUnixFileMode(copy) | UnixFileMode.SetUser);
        await Planned.Is(Run, "ran a\n");
        await box.Exec(copy, "./x", "a").Fails(ExitStatus.Refused, "set-user-id");
    }

    [Fact]
    public async Task Closed_streams_are_closed_for_the_script_too()
    {
        using var box = await Box();
        box.Put("streams", "#!/bin/sh\nfor n in 0 1 2; do [ -e /proc/self/fd/$n ] && echo $n >&9; done\nexit 0\n");
        var line = $"exec 9>>{box.Root}/log; run ./streams <&- >&- 2>&-";
        for (var i = 0; i < 3; i++)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
            File.Delete(box.Root + "/log");
            await box.Sh(line).Succeeds("");
            Assert.Equal("", File.ReadAllText(box.Root + "/log"));
        }
    }

    private static bool Which(string program) => program[0] == '/' ? File.Exists(program)
        : Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(directory => File.Exists(Path.Combine(directory, program)));

    private static async Task<Sandbox> Box()
    {
        var box = new Sandbox();
        Directory.CreateDirectory(box.Cache, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        box.Put("x", "#!/bin/sh\necho ran \"$@\"\n");
        await Planned.Is(() => box.Run("./x"), "ran\n");
        return box;
    }

    [GeneratedRegex("<(?:NativeFlags|EarlyFlags)>([^<]+)</")]
    private static partial Regex Flags();
}
