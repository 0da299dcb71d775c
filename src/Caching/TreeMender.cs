using Run.Posix;
using Run.Reporting;
using Run.Storage;
using Run.Trees;

namespace Run.Caching;

/// <summary>
/// Mends a damaged tree where it is, by a fresh one: what is wrong is replaced file by file, each by one rename, and all else is not
/// touched. So a script that is running from it, or has its working directory in it, goes on, and a kill leaves a tree that can be mended.
/// </summary>
internal sealed class TreeMender
{
    private readonly string _root;
    private readonly string _fresh;
    private readonly HashSet<string> _opened = [];

    private TreeMender(string root, string fresh) => (_root, _fresh) = (root, fresh);

    /// <param name="root">The tree's directory, in which only this process changes anything.</param>
    /// <param name="fresh">A whole tree in the same file system, which is taken apart.</param>
    /// <exception cref="RunException">73: something cannot be replaced. 77: another user owns it, or can write it.</exception>
    public static void Mend(string root, string fresh, TreeListing listing)
    {
        if (TrustedPath.Check(root) is not { IsDirectory: true })
        {
            DirectoryTree.Remove(root);
            Move(fresh, root, isDirectory: true);
            return;
        }

        var mender = new TreeMender(root, fresh);
        foreach (var directory in TreeStamps.DirectoriesOf(listing.Files.Select(static file => file.Path)))
        {
            var status = Files.LinkStatus($"{root}/{directory}").Value;
            if (status is { IsDirectory: true })
            {
                TreeStamps.RequireOwn($"{root}/{directory}", status);
            }
            else
            {
                mender.Replace(directory, isDirectory: true);
            }
        }

        foreach (var file in listing.Files)
        {
            if (!IsRight($"{root}/{file.Path}", file, null))
            {
                mender.Replace(file.Path, isDirectory: false);
            }
        }

        Seal(root, listing);
    }

    /// <summary>Whether the file is the one that was unpacked.</summary>
    /// <param name="stamp">The state that it has to be in; null: any.</param>
    /// <exception cref="RunException">77: another user owns it, or can write it.</exception>
    public static bool IsRight(string path, TreeFile file, FileStamp? stamp)
    {
        if (file.Kind == TreeFileKind.Link)
        {
            return Files.LinkStatus(path).Value is { IsLink: true } && Files.LinkTarget(path).Value is { } target
                && Sha256.HexOf(OsText.ToBytes(target)) == file.Sha256;
        }

        using var handle = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
        if (handle is null || Files.Status(handle).Value is not { IsRegular: true } status)
        {
            return false;
        }

        TreeStamps.RequireOwn(path, status);
        return (stamp is null || status.Stamp == stamp) && status.IsExecutable == (file.Kind == TreeFileKind.Executable)
            && Sha256.OfFile(handle).Value == file.Sha256;
    }

    /// <summary>Makes the directories that this user can write unwritable again. Failures are ignored: nothing depends on it.</summary>
    public static void Seal(string root, TreeListing listing)
    {
        foreach (var directory in TreeStamps.DirectoriesOf(listing.Files.Select(static file => file.Path)).Append(""))
        {
            var path = directory.Length == 0 ? root : $"{root}/{directory}";
            if (Files.LinkStatus(path).Value is { IsDirectory: true } status
                && (status.Mode & Permissions.Everybody) != Permissions.SealedDirectory)
            {
                _ = Files.ChangeMode(path, Permissions.SealedDirectory);
            }
        }
    }

    private void Replace(string path, bool isDirectory)
    {
        var parent = path.LastIndexOf('/') is >= 0 and var slash ? path[..slash] : "";
        if (_opened.Add(parent))
        {
            foreach (var root in (ReadOnlySpan<string>)[_root, _fresh])
            {
                // Below a directory that was replaced as a whole nothing is wrong, so both are there.
                var directory = parent.Length == 0 ? root : $"{root}/{parent}";
                Check(Files.ChangeMode(directory, Permissions.PrivateDirectory), directory);
            }
        }

        var place = $"{_root}/{path}";
        if (isDirectory || Files.LinkStatus(place).Value is { IsDirectory: true })
        {
            DirectoryTree.Remove(place);
        }

        Move($"{_fresh}/{path}", place, isDirectory);
    }

    /// <summary>A sealed directory cannot be moved to another one, because its <c>..</c> changes.</summary>
    private static void Move(string from, string to, bool isDirectory)
    {
        if (isDirectory)
        {
            Check(Files.ChangeMode(from, Permissions.PrivateDirectory), from);
        }

        Check(Files.Rename(from, to), to);
        if (isDirectory)
        {
            Check(Files.ChangeMode(to, Permissions.SealedDirectory), to);
        }
    }

    private static void Check(Errno error, string path)
    {
        if (error != Errno.None)
        {
            throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be written: {error.Describe()}");
        }
    }
}
