using System.Runtime.CompilerServices;

namespace Run.Tests.Infra;

/// <summary>A test that needs root: mounts, other users, namespaces.</summary>
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1)
        : base(file, line)
    {
        if (!Libc.IsRoot)
        {
            Skip = "only root can mount, unshare and start processes as another user";
        }
    }
}
