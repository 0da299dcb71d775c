using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Directories with everything in them.</summary>
internal static class DirectoryTree
{
    private const int MaxAttempts = 10;

    /// <summary>
    /// Removes a tree. Symbolic links are removed, not followed. What another process has already removed is no error, and what other
    /// processes keep adding stays.
    /// </summary>
    /// <exception cref="RunException">73: something cannot be removed.</exception>
    public static void Remove(string path)
    {
        if (Files.LinkStatus(path).OrAbsent(error => Failed(path, error)) is not { IsDirectory: true } status)
        {
            Check(Files.Remove(path), path);
            return;
        }

        // Nothing in a cached tree is writable, so it must become so first.
        if ((status.Mode & Permissions.PrivateDirectory) != Permissions.PrivateDirectory && status.Owner == Processes.EffectiveUser)
        {
            _ = Files.ChangeMode(path, Permissions.PrivateDirectory);
        }

        var error = Errno.NotEmpty;
        for (var attempt = 1; error is Errno.NotEmpty or Errno.Exists && attempt <= MaxAttempts; attempt++)
        {
            foreach (var name in Files.Names(path).OrAbsent(e => Failed(path, e)) ?? [])
            {
                Remove($"{path}/{name}");
            }

            error = Files.RemoveDirectory(path);
        }

        Check(error is Errno.NotEmpty or Errno.Exists ? Errno.None : error, path);
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
