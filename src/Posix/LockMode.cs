namespace Run.Posix;

/// <summary>How a lock is held. The numbers are those of F_RDLCK and F_WRLCK.</summary>
internal enum LockMode : short
{
    /// <summary>By any number side by side: a plain run.</summary>
    Shared = 0,

    /// <summary>By one alone.</summary>
    Exclusive = 1,
}

/// <summary>A range of a file that somebody holds, as the kernel tells it.</summary>
/// <param name="Mode">How it is held.</param>
/// <param name="Start">Where it begins.</param>
/// <param name="Length">How long it is; 0 where it has no end.</param>
/// <param name="ProcessId">Whose it is; 0 or less where the kernel cannot say.</param>
internal readonly record struct HeldRange(LockMode Mode, long Start, long Length, int ProcessId)
{
    public long Last => Length == 0 ? long.MaxValue : Start + Length - 1;
}
