namespace Run.Posix;

/// <summary>How a lock is held; the numbers are F_RDLCK and F_WRLCK.</summary>
internal enum LockMode : short
{
    /// <summary>By any number of processes at once: a plain run.</summary>
    Shared = 0,

    /// <summary>By one process only.</summary>
    Exclusive = 1,
}

/// <summary>A locked range of a file, as F_GETLK of fcntl(2) reports it.</summary>
/// <param name="Start">In bytes from the beginning of the file.</param>
/// <param name="Length">In bytes; 0 if it has no end.</param>
/// <param name="ProcessId">The PID of the holder; 0 or less if the kernel cannot tell.</param>
internal sealed record HeldRange(LockMode Mode, long Start, long Length, int ProcessId)
{
    public long Last => Length == 0 ? long.MaxValue : Start + Length - 1;
}
