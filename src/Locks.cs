using Run.CommandLine;
using Run.Locking;

namespace Run;

/// <summary>Which lock a run takes, and how.</summary>
internal static class Locks
{
    /// <exception cref="RunException">127: no such file.</exception>
    public static LockRequest Request(Wanted wanted, Surroundings surroundings, Invocation invocation)
    {
        var mode = invocation.Lock || wanted.Source is { LockExclusive: true } ? LockMode.Exclusive : LockMode.Shared;
        return new LockRequest(surroundings.Directories.State, wanted.Identity, wanted.Shown, mode)
        {
            Name = invocation.LockName,
            Wait = invocation.Wait is not { } wait ? Timeout.InfiniteTimeSpan : wait > TimeSpan.Zero ? wait : null,
            Replace = invocation.Replace,
        };
    }
}
