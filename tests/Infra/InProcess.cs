using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>
/// Calls code of the product inside the test runner, with the environment of a sandbox. The few functions that the product has in C of its
/// own are those of probe/startup.c here.
/// </summary>
internal static unsafe class InProcess
{
    private static readonly Lazy<nint> s_library = new(Compile);

    /// <summary>Calls it on this thread; it must not be asynchronous.</summary>
    public static T Run<T>(IReadOnlyDictionary<string, string> variables, Func<T> body)
    {
        var use = (delegate* unmanaged<byte**, void>)NativeLibrary.GetExport(s_library.Value, "use_environ");
        using var environment = new ArgumentVector([.. variables.Select(static v => $"{v.Key}={v.Value}")]);
        use(environment.Pointer);
        try
        {
            return body();
        }
        finally
        {
            use(null);
        }
    }

    [ModuleInitializer]
    internal static void FindFunctions() => NativeLibrary.SetDllImportResolver(
        typeof(OsText).Assembly, static (name, _, _) => name == "libc" ? s_library.Value : 0);

    private static nint Compile()
    {
        var directory = Directory.CreateTempSubdirectory("run-tests-library-");
        try
        {
            var library = Path.Combine(directory.FullName, "startup.so");
            var source = Path.Combine(Suite.Repository, "tests/probe/startup.c");
            using var gcc = Starter.Start(new ProcessStartInfo("gcc", ["-O1", "-shared", "-fPIC", "-o", library, source])
            {
                RedirectStandardError = true,
            });
            var errors = gcc.StandardError.ReadToEnd();
            gcc.WaitForExit();
            return gcc.ExitCode == 0 ? NativeLibrary.Load(library) : throw new InvalidOperationException($"gcc startup.c: {errors}");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
