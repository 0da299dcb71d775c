using Run.CommandLine;
using Run.Locking;
using Run.Posix;


namespace Run.Commands;

/// <summary><c>--stop</c>: ends a script, wherever it was started. Where it does not run, that is as well.</summary>
internal static class StopCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var script = context.Named(invocation.Script);
        var state = context.Paths.State;
        HolderTermination.EndScript(script.Local is { } local
            ? new LockRequest(state, RealPath(local), script.DisplayName, LockMode.Exclusive)
            : LockRequest.From(script, state, exclusive: true));
        return 0;
    }

    /// <summary>A script may have been removed while it runs, and then its directory tells what its path was.</summary>
    private static string RealPath(string path)
    {
        var slash = path.LastIndexOf('/') + 1;
        return Files.RealPath(path).Value
            ?? (Files.RealPath(slash > 0 ? path[..slash] : ".").Value is { } directory ? $"{directory.TrimEnd('/')}/{path[slash..]}" : path);
    }
}
