using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>
/// The environment as it came: environ(7). .NET's own decodes all of it, and with loss. What decides is read through
/// <see cref="Inputs.ReadSet"/>, so that a plan cannot forget it; this is for what cannot decide (BannedSymbols.txt).
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

    /// <summary>unsetenv(3): removes the variable from the environment, the script's included.</summary>
    public static void Remove(string name)
    {
        fixed (byte* n = OsText.ToCString(name))
        {
            _ = NativeMethods.unsetenv(n);
        }
    }
}
