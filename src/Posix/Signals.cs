using System.Runtime.InteropServices;
using Run.Generated;

namespace Run.Posix;

/// <summary>Signals and their dispositions (signal(7)), through native/startup.c.</summary>
internal static unsafe partial class Signals
{
    public const int Interrupt = 2, Quit = 3, Kill = 9, Terminate = 15, ChildEnded = 17;

    // The paths that the handler removes, by slot. Each must stay where it is until its slot is empty again.
    private static readonly nint[] s_temporaries = new nint[Shared.MostTemporaries];

    /// <summary>Call it at the start of Main: if the reader of a pipe exits, <c>run</c> ends as cat does.</summary>
    public static void RestoreSigpipe() => run_restore_sigpipe();

    /// <summary>Until <see cref="RestoreSigpipe"/>, writing to a pipe that nobody reads is an error.</summary>
    public static void IgnoreSigpipe()
    {
        const int BrokenPipe = 13;
        const nint Ignored = 1; // SIG_IGN
        _ = NativeMethods.signal(BrokenPipe, Ignored);
    }

    /// <summary>
    /// From now on SIGINT, SIGTERM and SIGHUP end the process as usual, but first the files of <see cref="RemoveOnInterrupt"/> are removed,
    /// and a line of progress is erased.
    /// </summary>
    public static void HandleInterrupts() => run_handle_interrupts();

    /// <summary>Has the file removed if a signal ends the process before the result is disposed of.</summary>
    public static Temporary RemoveOnInterrupt(string path)
    {
        run_handle_interrupts();
        var bytes = OsText.ToCString(path);
        lock (s_temporaries)
        {
            var slot = Array.IndexOf(s_temporaries, 0);
            if (slot >= 0)
            {
                var copy = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
                bytes.CopyTo(new Span<byte>(copy, bytes.Length));
                s_temporaries[slot] = (nint)copy;
                run_remove_on_interrupt(slot, copy);
            }

            return new Temporary(slot);
        }
    }

    /// <summary>
    /// Until the result is disposed of, an interrupt ends the process of <see cref="EndAtInterrupt"/>, and this one only then: there is
    /// time to remove what the two were writing. A second interrupt ends this process at once.
    /// </summary>
    public static Deferral DeferInterrupts() => new();

    /// <summary>Whether an interrupt waits for the end of its deferral.</summary>
    public static bool IsInterrupted => run_interrupt() != 0;

    /// <summary>The process to end at an interrupt; a negative number is a process group, 0 is none.</summary>
    public static void EndAtInterrupt(int process) => run_end_at_interrupt(process);

    /// <summary>Tells the handler whether there is a line of progress to erase.</summary>
    public static void LineIsShown(bool shown) => run_line_is_shown(shown ? 1 : 0);

    private static void Forget(int slot)
    {
        lock (s_temporaries)
        {
            run_remove_on_interrupt(slot, null);
            NativeMemory.Free((void*)s_temporaries[slot]);
            s_temporaries[slot] = 0;
        }
    }

    [LibraryImport("libc")]
    private static partial void run_restore_sigpipe();

    [LibraryImport("libc")]
    private static partial void run_handle_interrupts();

    [LibraryImport("libc")]
    private static partial void run_remove_on_interrupt(int slot, byte* path);

    [LibraryImport("libc")]
    private static partial void run_line_is_shown(int shown);

    [LibraryImport("libc")]
    private static partial void run_defer_interrupts(int wait);

    [LibraryImport("libc")]
    private static partial void run_end_at_interrupt(int id);

    [LibraryImport("libc")]
    private static partial int run_interrupt();

    /// <summary>The time in which an interrupt waits. Its end is the end of this process, if there was an interrupt.</summary>
    public sealed class Deferral : IDisposable
    {
        public Deferral() => run_defer_interrupts(1);

        public void Dispose()
        {
            run_end_at_interrupt(0);
            run_defer_interrupts(0);
        }
    }

    /// <summary>A file that an interrupt removes. If all slots were taken, it is swept by a later fetch instead.</summary>
    public sealed class Temporary(int slot) : IDisposable
    {
        private int _slot = slot;

        public void Dispose()
        {
            if (_slot >= 0)
            {
                Forget(_slot);
                _slot = -1;
            }
        }
    }
}
