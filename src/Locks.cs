using Run.CommandLine;
using Run.Locking;

namespace Run;

/// <summary>Which lock a run takes, and how.</summary>
internal static class Locks
{
    /// <summary>Takes the lock of the script, or the one that <c>--lock=NAME</c> names. It is held until the process ends, whatever it becomes.</summary>
    /// <exception cref="RunException">73, 75, 77.</exception>
    public static void Take(Wanted wanted, Surroundings surroundings, Invocation invocation)
    {
        var mode = invocation.Lock || wanted.Source is { LockExclusive: true } ? LockMode.Exclusive : LockMode.Shared;
        ScriptLock.Acquire(new LockRequest(surroundings.Directories.State, wanted.Identity, wanted.Shown, mode)
        {
            Name = invocation.LockName,
            Wait = invocation.Wait is not { } wait ? Timeout.InfiniteTimeSpan : wait > TimeSpan.Zero ? wait : null,
            Replace = invocation.Replace,
        });
    }
}
