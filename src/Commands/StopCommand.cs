using Run.CommandLine;
using Run.Locking;

namespace Run.Commands;

/// <summary><c>--stop</c>: stops a script, wherever it was started. If it is not running, that is not an error.</summary>
internal static class StopCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var script = context.Named(RunFileExpansion.Target(invocation.Script, context));
        HolderTermination.EndScript(LockRequest.Past(script, context.Paths.State));
        return 0;
    }
}
