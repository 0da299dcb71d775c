namespace Run.Posix;

/// <summary>How a lock is held. The numbers are those of F_RDLCK and F_WRLCK.</summary>
internal enum LockMode : short
{
    /// <summary>By any number side by side: a plain run.</summary>
    Shared = 0,

    /// <summary>By one alone.</summary>
    Exclusive = 1,
}

/// <summary>A range of a file that somebody holds, as F_GETLK tells it.</summary>
/// <param name="Start">In bytes from the beginning of the file.</param>
/// <param name="Length">In bytes; 0 if it has no end.</param>
/// <param name="ProcessId">Whose it is; 0 or less if the kernel cannot say.</param>
internal sealed record HeldRange(LockMode Mode, long Start, long Length, int ProcessId)
{
    public long Last => Length == 0 ? long.MaxValue : Start + Length - 1;
}
