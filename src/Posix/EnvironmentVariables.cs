using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>
/// The unchanged environment: environ(7). .NET's API decodes all of it, and loses bytes that are not UTF-8. A variable that can change what
/// a run does is read through <see cref="Inputs.ReadSet"/>, so that no plan misses it; this class is for the others (BannedSymbols.txt).
/// </summary>
internal static unsafe class EnvironmentVariables
{
    /// <summary>getenv(3); null if it is not set.</summary>
    public static string? Get(string name)
    {
        fixed (byte* n = OsText.ToCString(name))
        {
            var value = NativeMethods.getenv(n);
            return value is null ? null : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(value));
        }
    }

    /// <summary>All of environ(7), for a helper program: <c>NAME=VALUE</c>.</summary>
    public static List<string> All()
    {
        var all = new List<string>();
        for (var next = Processes.run_environ(); *next is not null; next++)
        {
            all.Add(OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(*next)));
        }

        return all;
    }

    /// <summary>unsetenv(3): removes the variable from the environment, and so from the script's.</summary>
    public static void Remove(string name)
    {
        fixed (byte* n = OsText.ToCString(name))
        {
            _ = NativeMethods.unsetenv(n);
        }
    }
}
