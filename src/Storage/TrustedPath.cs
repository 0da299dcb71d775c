using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Paths that only this user can have put something at: the cache, the state, and what is in them.</summary>
internal static class TrustedPath
{
    /// <summary>
    /// Creates the directory and those above it, for the user alone whatever the umask. Those that exist are left as they are.
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
    /// Refuses what another user owns or can write: what is in there would be theirs to choose.
    /// </summary>
    /// <returns>What is there; null if nothing is.</returns>
    /// <exception cref="RunException">73: it cannot be told. 77: it is not this user's alone.</exception>
    public static FileStatus? Check(string path) => Check(path, Files.LinkStatus(path));

    /// <summary>As <see cref="Check(string)"/>, and a symbolic link may lead to it.</summary>
    /// <inheritdoc cref="Check(string)"/>
    public static FileStatus? CheckTarget(string path) => Check(path, Files.Status(path));

    /// <inheritdoc cref="Check(string)"/>
    public static FileStatus? Check(string path, Result<FileStatus> looked)
    {
        // A directory above it that is none is for whoever wants to create something there to find out.
        var status = looked.Error == Errno.NotDirectory ? null : looked.OrAbsent(error => CannotTell(path, error));
        if (status is null)
        {
            return null;
        }

        if (status.Owner != Processes.EffectiveUser)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: belongs to another user (uid {status.Owner}), so it is not used",
                "remove it, or name another place with RUN_CACHE or XDG_STATE_HOME");
        }

        return status.OthersCanWrite
            ? throw new RunException(ExitStatus.Refused, $"{path}: others can write it, so it is not used", $"chmod go-w {path}")
            : status;
    }

    /// <summary>The directory that a path is in.</summary>
    public static string Parent(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";

    private static RunException CannotTell(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be looked at: {error.Describe()}");
}
