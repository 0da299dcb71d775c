using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Paths that only this user can write: the cache, the state directory, and what is in them.</summary>
internal static class TrustedPath
{
    /// <summary>
    /// Creates the directory and its missing parents with mode 0700, whatever the umask. Existing directories are left unchanged.
    /// </summary>
    /// <exception cref="RunException">73: it cannot be created.</exception>
    public static void MakeDirectory(string path)
    {
        var error = Files.MakeDirectory(path, Permissions.PrivateDirectory);
        var parent = Parent(path);
        if (error == Errno.NoEntry && parent != path)
        {
            MakeDirectory(parent);
            error = Files.MakeDirectory(path, Permissions.PrivateDirectory);
        }

        if (error is not (Errno.None or Errno.Exists))
        {
            throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be created: {error.Describe()}");
        }
    }

    /// <summary>
    /// Refuses what another user owns or can write, because that user could choose its content.
    /// </summary>
    /// <returns>Its status; null if it does not exist.</returns>
    /// <exception cref="RunException">73: it cannot be checked. 77: another user owns it or can write it.</exception>
    public static FileStatus? Check(string path) => Check(path, Files.LinkStatus(path));

    /// <summary>Like <see cref="Check(string)"/>, but follows a symbolic link.</summary>
    /// <inheritdoc cref="Check(string)"/>
    public static FileStatus? CheckTarget(string path) => Check(path, Files.Status(path));

    /// <inheritdoc cref="Check(string)"/>
    public static FileStatus? Check(string path, Result<FileStatus> result)
    {
        // A parent that is not a directory counts as absent here: creating something below it will fail with the reason.
        var status = result.Error == Errno.NotDirectory ? null : result.OrAbsent(error => CannotCheck(path, error));
        if (status is null)
        {
            return null;
        }

        if (status.Owner != Processes.EffectiveUser)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: belongs to another user (uid {status.Owner}), so it is not used",
                "remove it, or set RUN_CACHE or XDG_STATE_HOME to another directory");
        }

        if (status.IsLink)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: a symbolic link, which run did not create, so it is not used", $"rm {path}");
        }

        return status.OthersCanWrite
            ? throw new RunException(ExitStatus.Refused, $"{path}: writable by other users, so it is not used", $"chmod go-w {path}")
            : status;
    }

    /// <summary>The directory that contains the path.</summary>
    public static string Parent(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";

    private static RunException CannotCheck(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be checked: {error.Describe()}");
}
