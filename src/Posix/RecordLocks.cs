using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>Record locks, the descriptors that carry them, and signals for exactly one process.</summary>
internal static unsafe partial class Kernel
{
    // fcntl.h on 64-bit Linux.
    private const int DuplicateFrom = 0, GetDescriptorFlags = 1, GetStatusFlags = 3;
    private const int GetLock = 5, SetLock = 6, SetLockWait = 7, GetOpenFileLock = 36, SetOpenFileLock = 37, SetOpenFileLockWait = 38;
    private const int AccessMask = 3;
    private const short Unlocked = 2;

    private const int LimitOfDescriptors = 7;

    // The numbers of these two are the same on every architecture; C libraries older than 2.36 have no function for them.
    private const nint PidfdSendSignal = 424, PidfdOpen = 434;

    private const short PollIn = 1;

    /// <summary>Signals, by their names without SIG.</summary>
    public const int Terminate = 15, Kill = 9;

    /// <summary>
    /// Whether a process keeps its record locks through execve. Before Linux 5.11 one with threads loses them there, and the runtime
    /// has threads; then the locks of open file descriptions (OFD) do it. They are kept, but by the script's children as well.
    /// </summary>
    public static bool LocksSurviveExec { get; } = Release() >= new Version(5, 11);

    /// <summary>
    /// Locks a range of the file. Where it is not told to wait, <see cref="Errno.Again"/> or <see cref="Errno.Access"/> say that
    /// somebody else holds a part of it. A length of 0 means to the end of all files.
    /// </summary>
    public static Errno TryLock(int descriptor, LockMode mode, long start, long length, bool wait)
    {
        var range = new RecordLock { Mode = (short)mode, Start = start, Length = length };
        var command = LocksSurviveExec ? (wait ? SetLockWait : SetLock) : (wait ? SetOpenFileLockWait : SetOpenFileLock);
        while (fcntl(descriptor, command, &range) != 0)
        {
            if (LastError != Errno.Interrupted)
            {
                return LastError;
            }
        }

        return Errno.None;
    }

    /// <summary>Gives back what this process holds of the range.</summary>
    public static void Unlock(int descriptor, long start, long length)
    {
        var range = new RecordLock { Mode = Unlocked, Start = start, Length = length };
        _ = fcntl(descriptor, LocksSurviveExec ? SetLock : SetOpenFileLock, &range);
    }

    /// <summary>
    /// A lock of somebody else's that stands in the way of that one; null where none does. Its process is 0 or less where the kernel
    /// cannot say: in another PID namespace, on another machine, of an open file description.
    /// </summary>
    public static HeldRange? Conflict(int descriptor, LockMode mode, long start, long length)
    {
        var range = new RecordLock { Mode = (short)mode, Start = start, Length = length };
        return fcntl(descriptor, LocksSurviveExec ? GetLock : GetOpenFileLock, &range) == 0 && range.Mode != Unlocked
            ? new HeldRange((LockMode)range.Mode, range.Start, range.Length, range.ProcessId)
            : null;
    }

    /// <summary>Whether this very process holds the range exclusively: its own lock too is in the way of an open file description's.</summary>
    public static bool HoldsExclusively(int descriptor, long start, long length)
    {
        var range = new RecordLock { Mode = (short)LockMode.Shared, Start = start, Length = length };
        return fcntl(descriptor, GetOpenFileLock, &range) == 0 && range.Mode == (short)LockMode.Exclusive && range.ProcessId == ProcessId;
    }

    /// <summary>
    /// Another descriptor of the same open file, from <paramref name="least"/> upward, and not close-on-exec; where the limit of
    /// descriptors leaves none there, the highest that is free. -1 and <see cref="LastError"/> where there is none at all.
    /// </summary>
    public static int TryDuplicate(int descriptor, int least)
    {
        var copy = fcntl(descriptor, DuplicateFrom, least);
        if (copy >= 0)
        {
            return copy;
        }

        nuint* limits = stackalloc nuint[2];
        if (getrlimit(LimitOfDescriptors, limits) != 0)
        {
            return -1;
        }

        for (var free = (int)Math.Min(limits[0], int.MaxValue) - 1; free > descriptor; free--)
        {
            if (!IsOpen(free))
            {
                return fcntl(descriptor, DuplicateFrom, free);
            }
        }

        // Fails, and says why: asking whether one is open has left an error of its own.
        return fcntl(descriptor, DuplicateFrom, 0);
    }

    public static bool IsOpen(int descriptor) => fcntl(descriptor, GetDescriptorFlags, 0) != -1;

    public static bool IsWritable(int descriptor) =>
        fcntl(descriptor, GetStatusFlags, 0) is not -1 and var flags && (flags & AccessMask) == ReadWrite;

    public static FileStatus? TryStatus(int descriptor) => Status(descriptor, "", EmptyPath);

    public static void Close(int descriptor) => _ = close(descriptor);

    /// <summary>Up to <paramref name="most"/> bytes from the beginning of the file; none where it cannot be read.</summary>
    public static byte[] ReadStart(int descriptor, int most)
    {
        var bytes = new byte[most];
        fixed (byte* start = bytes)
        {
            var length = pread(descriptor, start, (nuint)most, 0);
            return length <= 0 ? [] : bytes[..(int)length];
        }
    }

    /// <summary>Writes the bytes at the beginning of the file, in one call, so that no reader finds half of two writers' bytes.</summary>
    public static bool TryWriteStart(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            return pwrite(descriptor, start, (nuint)bytes.Length, 0) == bytes.Length;
        }
    }

    /// <summary>
    /// A descriptor that stands for the process which has that id now, and for no later one that is given the same;
    /// null and <see cref="LastError"/> where there is none.
    /// </summary>
    public static SafeFileHandle? TryOpenProcess(int processId)
    {
        var descriptor = syscall(PidfdOpen, processId, 0, 0, 0);
        return descriptor < 0 ? null : new((int)descriptor, ownsHandle: true);
    }

    public static bool TrySignal(SafeFileHandle process, int signal) =>
        syscall(PidfdSendSignal, Number(process), signal, 0, 0) == 0;

    /// <summary>Waits until one of the processes has ended, or the time is over.</summary>
    public static void WaitForEnd(IReadOnlyList<SafeFileHandle> processes, TimeSpan most)
    {
        var waiting = new Polled[processes.Count];
        for (var i = 0; i < waiting.Length; i++)
        {
            waiting[i] = new Polled { Descriptor = Number(processes[i]), Events = PollIn };
        }

        fixed (Polled* first = waiting)
        {
            _ = poll(first, (nuint)waiting.Length, (int)Math.Ceiling(most.TotalMilliseconds));
        }
    }

    /// <summary>The user's name, or the number where it has none.</summary>
    public static string UserName(uint user)
    {
        // passwd(5)'s structure begins with the name, everywhere.
        var entry = getpwuid(user);
        return entry is null || *entry is null
            ? user.ToString(null, null)
            : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(*entry));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct RecordLock
    {
        public short Mode;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Polled
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, RecordLock* range);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, nuint* limits);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(int descriptor, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pwrite(int descriptor, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint first, nint second, nint third, nint fourth);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(Polled* polled, nuint count, int milliseconds);

    [LibraryImport("libc")]
    private static partial byte** getpwuid(uint user);
}
