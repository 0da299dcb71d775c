using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>This process: who it is, what it was given, what it becomes.</summary>
internal static unsafe partial class Kernel
{
    public static uint EffectiveUser { get; } = geteuid();

    public static int ProcessId => getpid();

    /// <summary>The arguments as they came, without the program's own name.</summary>
    /// <param name="count">How many there are, as Main was told.</param>
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

    /// <summary>The variable's value, null where it is not set. .NET's own decodes the whole environment, and with loss.</summary>
    public static string? Variable(string name)
    {
        fixed (byte* n = OsText.ToCString(name))
        {
            var value = getenv(n);
            return value is null ? null : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(value));
        }
    }

    /// <summary>From here on objects are finalized: native/runtime_stubs.c has kept the thread that does it from starting.</summary>
    public static void StartFinalizer() => run_start_finalizer();

    public static bool IsTerminal(int descriptor) => isatty(descriptor) == 1;

    /// <summary>
    /// execve(2) with the environment as it came, and the signals as the caller had set them. It is the last act of this process,
    /// and returns only on failure.
    /// </summary>
    /// <param name="file">What the kernel is to execute.</param>
    /// <param name="arguments">The whole vector, the program's own name first.</param>
    public static Errno Execute(string file, IReadOnlyList<string> arguments)
    {
        var vector = Vector(arguments);
        fixed (byte* f = OsText.ToCString(file))
        {
            run_restore_signals();
            _ = execve(f, vector, run_environ());
        }

        // Freed for the sake of the next attempt: an interpreter, where the kernel would not start the script itself.
        var error = LastError;
        Free(vector, arguments.Count);
        return error;
    }

    private static byte** Vector(IReadOnlyList<string> arguments)
    {
        var vector = (byte**)NativeMemory.Alloc((nuint)(arguments.Count + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < arguments.Count; i++)
        {
            var bytes = OsText.ToCString(arguments[i]);
            vector[i] = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(vector[i], bytes.Length));
        }

        vector[arguments.Count] = null;
        return vector;
    }

    private static void Free(byte** vector, int count)
    {
        for (var i = 0; i < count; i++)
        {
            NativeMemory.Free(vector[i]);
        }

        NativeMemory.Free(vector);
    }

    /// <summary>The kernel's version, as far as decisions hang on it.</summary>
    public static Version Release()
    {
        const int FieldLength = 65; // utsname(2): six fields of 65 bytes, the release being the third
        var names = stackalloc byte[6 * FieldLength];
        if (uname(names) != 0)
        {
            return new Version(0, 0);
        }

        var release = OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(names + (2 * FieldLength)));
        var parts = release.Split('.', '-', '+');
        return parts.Length >= 2 && int.TryParse(parts[0], out var major) && int.TryParse(parts[1], out var minor)
            ? new Version(major, minor)
            : new Version(0, 0);
    }

    [LibraryImport("libc")]
    private static partial int isatty(int descriptor);

    [LibraryImport("libc")]
    private static partial byte* getenv(byte* name);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial int getpid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int execve(byte* file, byte** arguments, byte** environment);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int uname(byte* names);

    [LibraryImport("libc")]
    private static partial byte** run_argv();

    [LibraryImport("libc")]
    private static partial byte** run_environ();

    [LibraryImport("libc")]
    private static partial void run_start_finalizer();
}
