using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>Signals, by way of native/startup.c.</summary>
internal static unsafe partial class Kernel
{

    public static void RestoreSigpipe() => run_restore_sigpipe();

    private static byte* s_temporary;

    /// <summary>
    /// From here on SIGINT, SIGTERM and SIGHUP remove the file at <paramref name="path"/> (null: none) before they end the process,
    /// SIGINT with status 130.
    /// </summary>
    public static void OnInterruptRemove(string? path)
    {
        var before = s_temporary;
        s_temporary = null;
        if (path is not null)
        {
            var bytes = OsText.ToCString(path);
            s_temporary = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(s_temporary, bytes.Length));
        }

        run_on_interrupt_remove(s_temporary);
        NativeMemory.Free(before);
    }

    [LibraryImport("libc")]
    private static partial void run_restore_sigpipe();

    [LibraryImport("libc")]
    private static partial void run_restore_signals();

    [LibraryImport("libc")]
    private static partial void run_on_interrupt_remove(byte* path);
}
