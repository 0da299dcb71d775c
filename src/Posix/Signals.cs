using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>Signals and their dispositions, by way of native/startup.c: signal(7).</summary>
internal static unsafe partial class Signals
{
    public const int Interrupt = 2, Quit = 3, Kill = 9, Terminate = 15, ChildEnded = 17;

    // What the handler removes; the memory of the path, which must stay where it is until another takes its place.
    private static byte* s_interruptPath;

    /// <summary>To be called as the program begins: a reader that goes away ends <c>run</c> as it ends cat.</summary>
    public static void RestoreSigpipe() => run_restore_sigpipe();

    /// <summary>Gives the caller's dispositions and mask back. Right before execve.</summary>
    public static void Restore() => run_restore_signals();

    /// <summary>
    /// From here on SIGINT, SIGTERM and SIGHUP remove the file at <paramref name="path"/> (null: none) before they end the process,
    /// SIGINT with status 130.
    /// </summary>
    public static void OnInterruptRemove(string? path)
    {
        var before = s_interruptPath;
        s_interruptPath = null;
        if (path is not null)
        {
            var bytes = OsText.ToCString(path);
            s_interruptPath = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(s_interruptPath, bytes.Length));
        }

        run_on_interrupt_remove(s_interruptPath);
        NativeMemory.Free(before);
    }

    [LibraryImport("libc")]
    private static partial void run_restore_sigpipe();

    [LibraryImport("libc")]
    private static partial void run_restore_signals();

    [LibraryImport("libc")]
    private static partial void run_on_interrupt_remove(byte* path);
}
