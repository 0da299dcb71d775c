using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Directories with all that is in them.</summary>
internal static class DirectoryTree
{
    /// <summary>Removes it. Symbolic links are removed, never followed. What somebody else removes meanwhile is no failure.</summary>
    /// <exception cref="RunException">73.</exception>
    public static void Remove(string path)
    {
        if (Files.LinkStatus(path).OrAbsent(error => Failed(path, error)) is not { IsDirectory: true })
        {
            Check(Files.Remove(path), path);
            return;
        }

        foreach (var name in Files.Names(path).OrAbsent(error => Failed(path, error)) ?? [])
        {
            Remove($"{path}/{name}");
        }

        Check(Files.RemoveDirectory(path), path);
    }

    private static void Check(Errno error, string path)
    {
        if (error is not (Errno.None or Errno.NoEntry))
        {
            throw Failed(path, error);
        }
    }

    private static RunException Failed(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be removed: {error.Describe()}");
}
