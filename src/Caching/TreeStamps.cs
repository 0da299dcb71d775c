using System.Text;
using Run.Generated;
using Run.Posix;
using Run.Reporting;
using Run.Storage;
using Run.Trees;

namespace Run.Caching;

/// <summary>
/// The stamps of all files of a tree, as they were when the files were last known to be right: what each run compares, and so does
/// native/executor.c. The file has a line of text, which ends in a NUL, and then for each file a letter, its stamp and its path, which ends
/// in a NUL. Numbers are in this machine's byte order. Before the files of a directory comes the directory itself, without a stamp, because
/// files may be added to it: it has to be a directory, and this user's alone.
/// </summary>
/// <param name="Boot">The id of the boot in which they were taken. After another boot, what was not flushed may be lost.</param>
/// <param name="Tree">The digest of the tree.</param>
internal sealed record TreeStamps(string Boot, string Tree, IReadOnlyList<TreeStamp> Files)
{
    public const int MaxBytes = 256 << 20; // 50,000 paths of the greatest length
    private const string Magic = "run-stamps 2";
    private const byte Directory = (byte)Shared.TreeDirectory, File = (byte)Shared.TreeFile, Link = (byte)Shared.TreeLink;
    private const int StampLength = Shared.StampBytes;

    /// <summary>When the last change of one of the files happened.</summary>
    public long LastChange => Files.Count == 0 ? 0 : Files.Select(static file => file.Stamp.Changed).Max();

    /// <summary>
    /// The stamps of the files as they are now; null if one is missing, or is something else. So there are no stamps of what others could
    /// have written, and a later run need only compare them.
    /// </summary>
    /// <exception cref="RunException">77: another user owns one of them, or can write it.</exception>
    public static TreeStamps? Of(TreeListing listing, string tree, string boot)
    {
        if (!AreDirectories(listing.Files.Select(static file => file.Path), tree))
        {
            return null;
        }

        var stamps = new List<TreeStamp>(listing.Files.Count);
        foreach (var file in listing.Files)
        {
            var isLink = file.Kind == TreeFileKind.Link;
            var path = $"{tree}/{file.Path}";
            if (Posix.Files.LinkStatus(path).Value is not { } status || (isLink ? !status.IsLink : !status.IsRegular))
            {
                return null;
            }

            RequireOwn(path, status);
            stamps.Add(new TreeStamp(file.Path, isLink, status.Stamp));
        }

        return new TreeStamps(boot, listing.Digest, stamps);
    }

    /// <summary>Whether all of it is still as it was.</summary>
    /// <exception cref="RunException">77: another user owns one of the directories, or can write it.</exception>
    public bool Hold(string tree) =>
        AreDirectories(Files.Select(static file => file.Path), tree) && Files.All(file => Holds(file, tree));

    /// <summary>The directories of the files, each before what is in it.</summary>
    /// <param name="paths">Sorted by their bytes, so that what is in a directory is together.</param>
    public static IEnumerable<string> DirectoriesOf(IEnumerable<string> paths)
    {
        var before = "";
        foreach (var path in paths)
        {
            for (var slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
            {
                if (string.CompareOrdinal(before, 0, path, 0, slash + 1) != 0)
                {
                    yield return path[..slash];
                }
            }

            before = path;
        }
    }

    /// <exception cref="RunException">77: another user owns it, or can write it.</exception>
    public static void RequireOwn(string path, FileStatus status)
    {
        // Nobody can write a link, and its mode says nothing.
        if (!status.IsLink || status.Owner != Processes.EffectiveUser)
        {
            _ = TrustedPath.Check(path, status);
        }
    }

    private static bool AreDirectories(IEnumerable<string> files, string tree)
    {
        foreach (var directory in DirectoriesOf(files))
        {
            var path = $"{tree}/{directory}";
            if (Posix.Files.LinkStatus(path).Value is not { IsDirectory: true } status)
            {
                return false;
            }

            RequireOwn(path, status);
        }

        return true;
    }

    private static bool Holds(TreeStamp file, string tree) =>
        Posix.Files.LinkStatus($"{tree}/{file.Path}").Value is { } status
        && status.Stamp == file.Stamp && (file.IsLink ? status.IsLink : status.IsRegular);

    public byte[] ToBytes()
    {
        var bytes = new MemoryStream(Files.Count * 96);
        bytes.Write(OsText.ToCString($"{Magic} {Boot} {Tree}"));
        Span<byte> numbers = stackalloc byte[StampLength];
        using var directories = DirectoriesOf(Files.Select(static file => file.Path)).GetEnumerator();
        var more = directories.MoveNext();
        foreach (var file in Files)
        {
            numbers.Clear();
            for (; more && file.Path.StartsWith(directories.Current + "/", StringComparison.Ordinal); more = directories.MoveNext())
            {
                bytes.WriteByte(Directory);
                bytes.Write(numbers);
                bytes.Write(OsText.ToCString(directories.Current));
            }

            bytes.WriteByte(file.IsLink ? Link : File);
            BitConverter.TryWriteBytes(numbers, file.Stamp.Device);
            BitConverter.TryWriteBytes(numbers[8..], file.Stamp.Inode);
            BitConverter.TryWriteBytes(numbers[16..], file.Stamp.Size);
            BitConverter.TryWriteBytes(numbers[24..], file.Stamp.Modified);
            BitConverter.TryWriteBytes(numbers[32..], file.Stamp.Changed);
            bytes.Write(numbers);
            bytes.Write(OsText.ToCString(file.Path));
        }

        return bytes.ToArray();
    }

    /// <summary>Null if the bytes are not those of <see cref="ToBytes"/>.</summary>
    public static TreeStamps? Parse(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        if (end < 0 || Encoding.ASCII.GetString(bytes[..end]).Split(' ') is not [var name, var version, var boot, var tree]
            || $"{name} {version}" != Magic)
        {
            return null;
        }

        var files = new List<TreeStamp>();
        for (bytes = bytes[(end + 1)..]; bytes.Length > 0; bytes = bytes[(end + 1)..])
        {
            if (bytes[0] is not (Directory or File or Link) || bytes.Length <= 1 + StampLength)
            {
                return null;
            }

            var numbers = bytes.Slice(1, StampLength);
            var stamp = new FileStamp(
                BitConverter.ToUInt64(numbers), BitConverter.ToUInt64(numbers[8..]), BitConverter.ToInt64(numbers[16..]),
                BitConverter.ToInt64(numbers[24..]), BitConverter.ToInt64(numbers[32..]));
            var kind = bytes[0];
            bytes = bytes[(1 + StampLength)..];
            end = bytes.IndexOf((byte)0);
            if (end <= 0)
            {
                return null;
            }

            if (kind != Directory)
            {
                files.Add(new TreeStamp(OsText.FromBytes(bytes[..end]), kind == Link, stamp));
            }
        }

        return new TreeStamps(boot, tree, files);
    }
}

/// <summary>One file, or symbolic link, of a tree, and the state it was in.</summary>
internal readonly record struct TreeStamp(string Path, bool IsLink, FileStamp Stamp);
