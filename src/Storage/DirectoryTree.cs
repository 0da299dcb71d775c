using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Directories with everything in them.</summary>
internal static class DirectoryTree
{
    /// <summary>Removes a tree. Symbolic links are removed, not followed. What another process has already removed is no error.</summary>
    /// <exception cref="RunException">73: something cannot be removed.</exception>
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
