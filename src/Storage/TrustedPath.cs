using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Paths that only this user can write: the cache, the state directory, and what is in them.</summary>
internal static class TrustedPath
{
    private const int MaxAttempts = 10;
    private const int MaxLinks = 40; // as in the kernel (path_resolution(7))

    private static uint? s_ownerOfRootDirectory;

    /// <summary>
    /// Whether that user may choose what this user runs: this user, root, or the owner of the root directory, who could replace everything
    /// anyway. In a user namespace in which root has no id, root's files have the overflow id (user_namespaces(7)), and so has the root
    /// directory. Other users without an id have it too, so there they cannot be told from root.
    /// </summary>
    public static bool IsTrusted(uint owner) => owner == Processes.EffectiveUser || owner == Processes.Root
        || owner == (s_ownerOfRootDirectory ??= Files.LinkStatus("/").Value?.Owner ?? Processes.Root);

    /// <summary>
    /// Finds out who else could exchange what is at the path. Whoever owns a directory can replace what is in it, and whoever owns a
    /// symbolic link in a sticky directory can replace the link. So every directory above the path and every link on the way must belong to
    /// this user or to root. Their permissions are left to their owners.
    /// </summary>
    /// <param name="path">An absolute path. What is missing at its end is created by this user, so it does not matter.</param>
    /// <param name="above">Called for each directory on the way, with its path without links.</param>
    /// <returns>The first directory or link that another user owns; null if there is none.</returns>
    /// <exception cref="RunException">73: one of them cannot be checked.</exception>
    public static ForeignPlace? FindForeign(string path, Action<string, FileStatus> above)
    {
        var at = "";
        var links = 0;
        var rest = new Stack<string>(Backwards(path));
        while (rest.TryPop(out var name))
        {
            if (name is "" or ".")
            {
                continue;
            }

            if (name == "..")
            {
                at = at.Length > 0 ? at[..at.LastIndexOf('/')] : at;
                continue;
            }

            var next = $"{at}/{name}";
            var found = Files.LinkStatus(next);
            if (found.Error is Errno.NoEntry or Errno.NotDirectory or Errno.Access)
            {
                return null;
            }

            var status = found.OrThrow(error => CannotCheck(next, error));
            if (!status.IsLink && (rest.Count == 0 || !status.IsDirectory))
            {
                return null;
            }

            if (!IsTrusted(status.Owner))
            {
                return new ForeignPlace(path, next, status.Owner);
            }

            if (!status.IsLink)
            {
                at = next;
                above(next, status);
                continue;
            }

            var target = Files.LinkTarget(next).OrThrow(error => CannotCheck(next, error));
            if (++links > MaxLinks)
            {
                return null;
            }

            at = target is ['/', ..] ? "" : at;
            foreach (var part in Backwards(target))
            {
                rest.Push(part);
            }
        }

        return null;
    }

    /// <summary>
    /// Creates the directory and its missing parents with mode 0700, whatever the umask. Existing directories are left unchanged.
    /// </summary>
    /// <returns>Whether this process has created it.</returns>
    /// <exception cref="RunException">73: it cannot be created.</exception>
    public static bool MakeDirectory(string path)
    {
        var error = Files.MakeDirectory(path, Permissions.PrivateDirectory);
        var parent = Parent(path);
        for (var attempt = 1; error == Errno.NoEntry && parent != path && attempt <= MaxAttempts; attempt++)
        {
            // More than once only if another process removes the parent in between (--clean).
            _ = MakeDirectory(parent);
            error = Files.MakeDirectory(path, Permissions.PrivateDirectory);
        }

        return error is Errno.None || (error is Errno.Exists ? false
            : throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be created: {error.Describe()}"));
    }

    /// <summary>Creates a directory as <see cref="MakeDirectory"/> does. An existing one must be this user's alone.</summary>
    /// <exception cref="RunException">73: it cannot be created. 77: another user owns it or can write it.</exception>
    public static void MakePrivateDirectory(string path)
    {
        _ = MakeDirectory(path);
        if (Check(path) is { IsDirectory: false })
        {
            throw new RunException(ExitStatus.CannotWrite, $"{path}: not a directory");
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

    private static IEnumerable<string> Backwards(string path) => Sequence.Reverse(path.Split('/'));

    private static RunException CannotCheck(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be checked: {error.Describe()}");
}

/// <summary>What another user could exchange.</summary>
/// <param name="Path">The path that was looked for.</param>
/// <param name="Place">The directory above it, or the link on the way to it, that the other user owns.</param>
/// <param name="Owner">That user's id.</param>
internal readonly record struct ForeignPlace(string Path, string Place, uint Owner)
{
    public override string ToString() => Place == Path
        ? $"{Path}: a link of another user's (uid {Owner})"
        : $"{Path}: {Place} belongs to another user (uid {Owner}), who could exchange what is in it";
}
