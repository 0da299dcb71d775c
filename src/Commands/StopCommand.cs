using Run.CommandLine;
using Run.Locking;

namespace Run.Commands;

/// <summary><c>--stop</c>: stops a script, wherever it was started. If it is not running, that is not an error.</summary>
internal static class StopCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        HolderTermination.EndScript(LockRequest.Past(context.Named(invocation.Script), context.Paths.State));
        return 0;
    }
}
