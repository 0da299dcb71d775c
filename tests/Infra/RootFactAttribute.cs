using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Run.Tests.Infra;

/// <summary>A test that needs root: mounts, other users, namespaces.</summary>
internal sealed class RootFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> s_mayUnshare = new(static () =>
    {
        using var unshare = Starter.Start(new ProcessStartInfo("unshare", ["-m", "true"]) { RedirectStandardError = true });
        unshare.WaitForExit();
        return unshare.ExitCode == 0;
    });

    /// <summary>Root of a container, as Docker starts it, may not.</summary>
    internal static bool MayMount => Libc.IsRoot && s_mayUnshare.Value;

    public RootFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        if (!Libc.IsRoot)
        {
            Skip = "only root can mount, unshare and start processes as another user";
        }
        else if (!MayMount && !Tools.InCI())
        {
            Skip = "this root may not unshare and mount";
        }
    }
}
