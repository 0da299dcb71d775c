using Run.CommandLine;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;


namespace Run;

/// <summary>Which lock a run takes, and how.</summary>
internal static class Locks
{
    /// <exception cref="RunException">127: no such file.</exception>
    public static LockRequest Request(ResolvedScript wanted, RunContext context, Invocation invocation)
    {
        var mode = invocation.Lock || wanted.Source is { LockExclusive: true } ? LockMode.Exclusive : LockMode.Shared;
        return new LockRequest(context.XdgPaths.State, wanted.Identity, wanted.DisplayName, mode)
        {
            Name = invocation.LockName,
            Wait = invocation.Wait is not { } wait ? Timeout.InfiniteTimeSpan : wait > TimeSpan.Zero ? wait : null,
            Replace = invocation.Replace,
        };
    }
}
