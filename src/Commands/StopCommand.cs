using Run.CommandLine;
using Run.Locking;
using Run.Posix;

namespace Run.Commands;

/// <summary><c>--stop</c>: stops a script, wherever it was started. If it is not running, that is not an error.</summary>
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

    /// <summary>The path without symbolic links. If the script was removed while running, only its directory is resolved.</summary>
    private static string RealPath(string path)
    {
        if (Files.RealPath(path).Value is { } realPath)
        {
            return realPath;
        }

        var slash = path.LastIndexOf('/') + 1;
        var directory = Files.RealPath(slash > 0 ? path[..slash] : ".").Value;
        return directory is null ? path : $"{directory.TrimEnd('/')}/{path[slash..]}";
    }
}
