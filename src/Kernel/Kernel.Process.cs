using System.Runtime.InteropServices;

namespace Run;

/// <summary>This process: who it is, what it was given, what it becomes.</summary>
internal static unsafe partial class Kernel
{

    public static uint EffectiveUser { get; } = geteuid();

    public static int ProcessId => getpid();

    /// <summary>The arguments as they came, without the program's own name.</summary>
    public static string[] Arguments(int count)
    {
        var vector = run_argv();
        var arguments = new string[count];
        for (var i = 0; i < count; i++)
        {
            arguments[i] = OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(vector[i + 1]));
        }

        return arguments;
    }

    /// <summary>The variable's value, null where it is not set. Not <see cref="Environment"/>: that decodes all of them, with loss.</summary>
    public static string? Variable(string name)
    {
        fixed (byte* n = OsText.ToCString(name))
        {
            var value = getenv(n);
            return value is null ? null : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(value));
        }
    }

    public static bool IsTerminal(int descriptor) => isatty(descriptor) == 1;

    [LibraryImport("libc")]
    private static partial int isatty(int descriptor);

    [LibraryImport("libc")]
    private static partial byte* getenv(byte* name);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial int getpid();

    [LibraryImport("libc")]
    private static partial byte** run_argv();

    [LibraryImport("libc")]
    private static partial byte** run_environ();
}
