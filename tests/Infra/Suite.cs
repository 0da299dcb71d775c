using System.Diagnostics;
using System.Runtime.CompilerServices;

[assembly: AssemblyFixture(typeof(Suite))]

namespace Run.Tests.Infra;

/// <summary>
/// What all tests share, created once: the binary under test, a small C program that starts it, and one that it starts.
/// The binary is $RUN_BINARY, or else artifacts/run; it is copied to a directory from which every user can execute it.
/// </summary>
public sealed class Suite : IDisposable
{
    private static Suite? s_current;

    /// <summary>The directory of all sandboxes.</summary>
    internal static string Root => Current._root;

    internal static string Binary => Current._binary;

    /// <summary>Starts a program from a known state: probe/start.c.</summary>
    internal static string Start => Current._start;

    /// <summary>Prints everything about its own process: probe/tell.c.</summary>
    internal static string Tell => Current._tell;

    /// <summary>The repository, for its scripts and documents.</summary>
    internal static string Repository { get; } = FindRepository();

    private static Suite Current => s_current ?? throw new InvalidOperationException("no test assembly is running");

    private readonly string _root = Directory.CreateTempSubdirectory("run-tests-").FullName;
    private readonly string _binary;
    private readonly string _start;
    private readonly string _tell;

    public Suite()
    {
        s_current = this;
        // The tests mostly wait. With only as many threads as there are cores, the servers would have to wait, too.
        ThreadPool.SetMinThreads(64, 64);
        File.SetUnixFileMode(_root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        var given = Environment.GetEnvironmentVariable("RUN_BINARY") ?? Path.Combine(Repository, "artifacts", "run");
        if (!File.Exists(given))
        {
            throw new FileNotFoundException($"there is no binary to test at {given}: run scripts/build, or set RUN_BINARY");
        }

        _binary = Path.Combine(_root, "run");
        TestFile.Copy(given, _binary);
        _start = Compile("start");
        _tell = Compile("tell");
    }

    public void Dispose()
    {
        Processes.KillAllUnder(_root);
        Directory.Delete(_root, recursive: true);
    }

    private string Compile(string name)
    {
        var program = Path.Combine(_root, name);
        var source = Path.Combine(Repository, "tests", "probe", name + ".c");
        using var gcc = Starter.Start(new ProcessStartInfo("gcc", ["-O1", "-o", program, source, "-lutil"])
        {
            RedirectStandardError = true,
        });
        var errors = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        return gcc.ExitCode == 0 ? program : throw new InvalidOperationException($"gcc {name}.c: {errors}");
    }

    private static string FindRepository([CallerFilePath] string here = "")
    {
        // A deterministic build maps the path of the sources to /_/. Then the repository is found above the test's own assembly.
        for (var directory = File.Exists(here) ? Path.GetDirectoryName(here) : AppContext.BaseDirectory;
            directory is not null;
            directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "Run.sln")))
            {
                return directory;
            }
        }

        throw new DirectoryNotFoundException("the tests are not inside their repository");
    }
}
