using Run.Posix;

namespace Run.Locking;

/// <summary>A process that holds a lock now.</summary>
/// <param name="ProcessId">Its PID; 0 if it is not visible from here: in another PID namespace, or on another machine.</param>
/// <param name="Mode">How it holds the lock.</param>
/// <param name="Position">The byte of the lock file where its mark is; before it has one, the lock's byte.</param>
internal sealed record Holder(int ProcessId, LockMode Mode, long Position)
{
    /// <summary>For messages: <c>pid 123</c>.</summary>
    public string Name => ProcessId > 0 ? $"pid {ProcessId}" : "in another PID namespace, or on another machine";
}
