using Run.CommandLine;
using Run.Locking;

namespace Run.Acts;

/// <summary><c>--stop</c>: ends a script, wherever it was started. Where it does not run, that is as well.</summary>
internal static class Stop
{
    public static int Script(Surroundings surroundings, Invocation invocation)
    {
        var wanted = surroundings.Resolve(invocation.Script);
        Ending.EndScript(new LockRequest(surroundings.Directories.State, wanted.Identity, wanted.Shown, LockMode.Exclusive));
        return 0;
    }
}
