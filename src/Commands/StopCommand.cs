using Run.CommandLine;
using Run.Locking;
using Run.Posix;


namespace Run.Commands;

/// <summary><c>--stop</c>: ends a script, wherever it was started. Where it does not run, that is as well.</summary>
internal static class StopCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var wanted = context.Named(invocation.Script);
        var identity = wanted.Local is { } local ? RealPath(local) : wanted.Identity;
        HolderTermination.EndScript(new LockRequest(context.XdgPaths.State, identity, wanted.DisplayName, LockMode.Exclusive));
        return 0;
    }

    /// <summary>A script may have been removed while it runs, and then its directory tells what its path was.</summary>
    private static string RealPath(string path)
    {
        var slash = path.LastIndexOf('/') + 1;
        return Kernel.TryRealPath(path)
            ?? (Kernel.TryRealPath(slash > 0 ? path[..slash] : ".") is { } directory ? $"{directory.TrimEnd('/')}/{path[slash..]}" : path);
    }
}
