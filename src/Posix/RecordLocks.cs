namespace Run.Posix;

/// <summary>Record locks: fcntl(2), "Advisory record locking" and "Open file description locks".</summary>
internal static unsafe class RecordLocks
{
    // fcntl.h on 64-bit Linux.
    private const int GetLock = 5, SetLock = 6, SetLockWait = 7, GetOpenFileLock = 36, SetOpenFileLock = 37, SetOpenFileLockWait = 38;
    private const short Unlocked = 2;

    /// <summary>
    /// Whether a process keeps its record locks through execve. Before Linux 5.11 one with threads loses them there, and the runtime
    /// has threads; then the locks of open file descriptions (OFD) do it. They are kept, but by the script's children as well.
    /// </summary>
    public static bool SurviveExec { get; } = Processes.KernelVersion >= new Version(5, 11);

    /// <summary>
    /// Locks a range of the file. If it is not told to wait, <see cref="Errno.Again"/> or <see cref="Errno.Access"/> say that
    /// somebody else holds a part of it. A length of 0 means to the end of all files.
    /// </summary>
    public static Errno Lock(int descriptor, LockMode mode, long start, long length, bool wait)
    {
        var range = new NativeMethods.RecordLock { Mode = (short)mode, Start = start, Length = length };
        var command = SurviveExec ? (wait ? SetLockWait : SetLock) : (wait ? SetOpenFileLockWait : SetOpenFileLock);
        while (true)
        {
            var error = NativeMethods.ErrorOf(NativeMethods.fcntl(descriptor, command, &range));
            if (error != Errno.Interrupted)
            {
                return error;
            }
        }
    }

    /// <summary>Gives back what this process holds of the range.</summary>
    public static Errno Unlock(int descriptor, long start, long length)
    {
        var range = new NativeMethods.RecordLock { Mode = Unlocked, Start = start, Length = length };
        return NativeMethods.ErrorOf(NativeMethods.fcntl(descriptor, SurviveExec ? SetLock : SetOpenFileLock, &range));
    }

    /// <summary>
    /// A lock of somebody else's that stands in the way of that one; null if none does. Its process is 0 or less if the kernel
    /// cannot say: in another PID namespace, on another machine, of an open file description.
    /// </summary>
    public static Result<HeldRange> Conflict(int descriptor, LockMode mode, long start, long length) =>
        Conflict(descriptor, SurviveExec ? GetLock : GetOpenFileLock, mode, start, length);

    /// <summary>
    /// Whether this very process holds the range exclusively: its own lock too is in the way of an open file description's.
    /// </summary>
    public static bool HoldsExclusively(int descriptor, long start, long length) =>
        Conflict(descriptor, GetOpenFileLock, LockMode.Shared, start, length).Value is { Mode: LockMode.Exclusive } held
        && held.ProcessId == Processes.Id;

    private static Result<HeldRange> Conflict(int descriptor, int command, LockMode mode, long start, long length)
    {
        var range = new NativeMethods.RecordLock { Mode = (short)mode, Start = start, Length = length };
        if (NativeMethods.fcntl(descriptor, command, &range) != 0)
        {
            return NativeMethods.LastError;
        }

        return new Result<HeldRange>(
            range.Mode == Unlocked ? null : new HeldRange((LockMode)range.Mode, range.Start, range.Length, range.ProcessId), Errno.None);
    }
}
