using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>Signals and their dispositions (signal(7)), through native/startup.c.</summary>
internal static unsafe partial class Signals
{
    public const int Interrupt = 2, Quit = 3, Kill = 9, Terminate = 15, ChildEnded = 17;

    // The path of the file that the handler removes. The memory must stay valid until the handler has another path.
    private static byte* s_interruptPath;

    /// <summary>Call it at the start of Main: if the reader of a pipe exits, <c>run</c> ends as cat does.</summary>
    public static void RestoreSigpipe() => run_restore_sigpipe();

    /// <summary>
    /// From now on SIGINT, SIGTERM and SIGHUP remove the file at <paramref name="path"/> (null for none) before they end the process;
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
    private static partial void run_on_interrupt_remove(byte* path);
}
