using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Directories with all that is in them.</summary>
internal static class DirectoryTree
{
    /// <summary>Removes it. Symbolic links are removed, never followed; what somebody else removes meanwhile is well.</summary>
    /// <exception cref="RunException">73.</exception>
    public static void Remove(string path)
    {
        if (Kernel.TryLinkStatus(path) is { IsDirectory: true })
        {
            foreach (var name in Kernel.Names(path))
            {
                Remove($"{path}/{name}");
            }

            Check(Kernel.TryRemoveDirectory(path), path);
        }
        else
        {
            Check(Kernel.TryRemoveFile(path), path);
        }
    }

    private static void Check(bool removed, string path)
    {
        if (!removed && Kernel.LastError != Errno.NoEntry)
        {
            throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be removed: {Kernel.Describe(Kernel.LastError)}");
        }
    }
}
