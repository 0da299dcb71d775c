using System.Text;
using Run.Generated;
using Run.Posix;
using Run.Trees;

namespace Run.Caching;

/// <summary>
/// The stamps of all files of a tree, as they were when the files were last known to be right: what each run compares, and so does
/// native/executor.c. The file has a line of text, which ends in a NUL, and then for each file a letter, its stamp and its path, which ends
/// in a NUL. Numbers are in this machine's byte order.
/// </summary>
/// <param name="Boot">The id of the boot in which they were taken. After another boot, what was not flushed may be lost.</param>
/// <param name="Tree">The digest of the tree.</param>
internal sealed record TreeStamps(string Boot, string Tree, IReadOnlyList<TreeStamp> Files)
{
    public const int MaxBytes = 256 << 20; // 50,000 paths of the greatest length
    private const string Magic = "run-stamps 1";
    private const byte File = (byte)Shared.TreeFile, Link = (byte)Shared.TreeLink;
    private const int StampLength = Shared.StampBytes;

    /// <summary>When the last change of one of the files happened.</summary>
    public long LastChange => Files.Count == 0 ? 0 : Files.Select(static file => file.Stamp.Changed).Max();

    /// <summary>The stamps of the files as they are now; null if one is missing, or is something else.</summary>
    public static TreeStamps? Of(TreeListing listing, string tree, string boot)
    {
        var stamps = new List<TreeStamp>(listing.Files.Count);
        foreach (var file in listing.Files)
        {
            var isLink = file.Kind == TreeFileKind.Link;
            if (Posix.Files.LinkStatus($"{tree}/{file.Path}").Value is not { } status || (isLink ? !status.IsLink : !status.IsRegular))
            {
                return null;
            }

            stamps.Add(new TreeStamp(file.Path, isLink, status.Stamp));
        }

        return new TreeStamps(boot, listing.Digest, stamps);
    }

    /// <summary>Whether the file is still as it was.</summary>
    public static bool Holds(TreeStamp file, string tree) =>
        Posix.Files.LinkStatus($"{tree}/{file.Path}").Value is { } status
        && status.Stamp == file.Stamp && (file.IsLink ? status.IsLink : status.IsRegular);

    public byte[] ToBytes()
    {
        var bytes = new MemoryStream(Files.Count * 96);
        bytes.Write(OsText.ToCString($"{Magic} {Boot} {Tree}"));
        Span<byte> numbers = stackalloc byte[StampLength];
        foreach (var file in Files)
        {
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
            if (bytes[0] is not (File or Link) || bytes.Length <= 1 + StampLength)
            {
                return null;
            }

            var numbers = bytes.Slice(1, StampLength);
            var stamp = new FileStamp(
                BitConverter.ToUInt64(numbers), BitConverter.ToUInt64(numbers[8..]), BitConverter.ToInt64(numbers[16..]),
                BitConverter.ToInt64(numbers[24..]), BitConverter.ToInt64(numbers[32..]));
            var isLink = bytes[0] == Link;
            bytes = bytes[(1 + StampLength)..];
            end = bytes.IndexOf((byte)0);
            if (end <= 0)
            {
                return null;
            }

            files.Add(new TreeStamp(OsText.FromBytes(bytes[..end]), isLink, stamp));
        }

        return new TreeStamps(boot, tree, files);
    }
}

/// <summary>One file, or symbolic link, of a tree, and the state it was in.</summary>
internal readonly record struct TreeStamp(string Path, bool IsLink, FileStamp Stamp);
