namespace Run.Posix;

/// <summary>Record locks: fcntl(2), "Advisory record locking" and "Open file description locks".</summary>
internal static unsafe class RecordLocks
{
    // fcntl.h on 64-bit Linux.
    private const int GetLock = 5, SetLock = 6, SetLockWait = 7, GetOpenFileLock = 36, SetOpenFileLock = 37, SetOpenFileLockWait = 38;
    private const short Unlocked = 2;

    /// <summary>
    /// Whether a process keeps its record locks through execve. Before Linux 5.11 a process with threads loses them there, and the runtime
    /// has threads. Such kernels get open file description (OFD) locks instead: they are kept, but the script's children hold them too.
    /// </summary>
    public static bool SurviveExec { get; } = Processes.KernelVersion >= new Version(5, 11);

    /// <summary>
    /// Locks a range of the file. Without <paramref name="wait"/>, <see cref="Errno.Again"/> or <see cref="Errno.Access"/> mean that
    /// another process holds a part of it.
    /// </summary>
    /// <param name="start">In bytes from the beginning of the file.</param>
    /// <param name="length">In bytes; 0 means up to the largest offset.</param>
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

    /// <summary>Unlocks what this process holds of the range.</summary>
    public static Errno Unlock(int descriptor, long start, long length)
    {
        var range = new NativeMethods.RecordLock { Mode = Unlocked, Start = start, Length = length };
        return NativeMethods.ErrorOf(NativeMethods.fcntl(descriptor, SurviveExec ? SetLock : SetOpenFileLock, &range));
    }

    /// <summary>
    /// Another process's lock that conflicts with the given one; null if there is none. Its PID is 0 or less if the kernel cannot tell: the
    /// holder is in another PID namespace, on another machine, or an open file description.
    /// </summary>
    public static Result<HeldRange> Conflict(int descriptor, LockMode mode, long start, long length) =>
        Conflict(descriptor, SurviveExec ? GetLock : GetOpenFileLock, mode, start, length);

    /// <summary>
    /// Whether this process itself holds the range exclusively. F_OFD_GETLK tells, because an OFD lock conflicts with record locks of the
    /// same process too.
    /// </summary>
    public static bool HoldsExclusively(int descriptor, long start, long length) =>
        Conflict(descriptor, GetOpenFileLock, LockMode.Shared, start, length).Value is { Mode: LockMode.Exclusive } held
        && held.ProcessId == Processes.Id;

    /// <summary>Where in the range the first lock of this process itself begins; null if it has none there.</summary>
    public static long? Own(int descriptor, long start, long length)
    {
        // Each call reports one lock: those of other processes are passed over.
        const int MostOthers = 100;
        var end = start + length;
        for (var i = 0; i < MostOthers && start < end; i++)
        {
            if (Conflict(descriptor, GetOpenFileLock, LockMode.Exclusive, start, end - start).Value is not { } held)
            {
                return null;
            }

            if (held.ProcessId == Processes.Id)
            {
                return held.Start;
            }

            start = held.Last + 1;
        }

        return null;
    }

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
