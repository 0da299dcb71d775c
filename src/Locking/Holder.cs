using Run.Posix;

namespace Run.Locking;

/// <summary>Who holds a lock at this moment.</summary>
/// <param name="ProcessId">0 where this process cannot see it: in another PID namespace, or on another machine.</param>
/// <param name="Mode">How it is held.</param>
/// <param name="Position">The byte of the lock file that nobody else holds: its mark, or before it has one the lock itself.</param>
internal sealed record Holder(int ProcessId, LockMode Mode, long Position)
{
    /// <summary>For messages: <c>pid 123</c>.</summary>
    public string Name => ProcessId > 0 ? $"pid {ProcessId}" : "in another PID namespace, or on another machine";
}
