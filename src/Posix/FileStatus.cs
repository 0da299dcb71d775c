using System.Globalization;

namespace Run.Posix;

/// <summary>A file's status from statx(2), as far as this program uses it. Times are nanoseconds since 1970.</summary>
/// <param name="Device">The major number in the upper half, the minor number in the lower.</param>
/// <param name="Mode">Type and permissions, as in inode(7).</param>
/// <param name="Size">In bytes.</param>
/// <param name="Modified">mtime.</param>
/// <param name="Changed">ctime, which no program can set.</param>
internal sealed record FileStatus(
    ulong Device, ulong Inode, uint Mode, uint Owner, uint Group, long Size, long Modified, long Changed)
{
    private const uint TypeMask = 0xf000;

    public bool IsRegular => (Mode & TypeMask) == 0x8000;

    public bool IsDirectory => (Mode & TypeMask) == 0x4000;

    /// <summary>Whether its owner may execute it.</summary>
    public bool IsExecutable => (Mode & Permissions.OwnerExecute) != 0;

    public bool IsPipe => (Mode & TypeMask) == 0x1000;

    public bool IsLink => (Mode & TypeMask) == 0xa000;

    /// <summary>Whether anyone but the owner can write it, according to its mode, which also reflects ACLs.</summary>
    public bool OthersCanWrite => (Mode & Permissions.OthersWrite) != 0;

    public bool IsSticky => (Mode & Permissions.Sticky) != 0;

    /// <summary>Of a directory, whether anyone but the owner can replace what is in it.</summary>
    public bool OthersCanExchange => OthersCanWrite && !IsSticky;

    public bool EverybodyCanWrite => (Mode & Permissions.EverybodyWrite) != 0;

    public FileStamp Stamp => new(Device, Inode, Size, Modified, Changed);

    public bool IsSameFile(FileStatus other) => (Device, Inode) == (other.Device, other.Inode);
}

/// <summary>
/// Identifies one state of a file. Writing to the file or replacing it changes at least its inode or its ctime, and no program can set
/// ctime: as long as the stamp is the same, so are the bytes.
/// </summary>
internal readonly record struct FileStamp(ulong Device, ulong Inode, long Size, long Modified, long Changed)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Device} {Inode} {Size} {Modified} {Changed}");

    /// <summary>Null if the text does not have the format of <see cref="ToString"/>.</summary>
    public static FileStamp? Parse(string text) =>
        text.Split(' ') is [var device, var inode, var size, var modified, var changed]
        && ulong.TryParse(device, CultureInfo.InvariantCulture, out var d)
        && ulong.TryParse(inode, CultureInfo.InvariantCulture, out var i)
        && long.TryParse(size, CultureInfo.InvariantCulture, out var s)
        && long.TryParse(modified, CultureInfo.InvariantCulture, out var m)
        && long.TryParse(changed, CultureInfo.InvariantCulture, out var c)
            ? new FileStamp(d, i, s, m, c)
            : null;
}
