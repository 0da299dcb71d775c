using System.Globalization;

namespace Run.Posix;

/// <summary>What statx(2) tells of a file, as far as it is asked. Times are nanoseconds since 1970.</summary>
/// <param name="Device">Its major number in the upper half, its minor number in the lower.</param>
/// <param name="Mode">Type and permissions, as in inode(7).</param>
/// <param name="Size">In bytes.</param>
/// <param name="Modified">mtime.</param>
/// <param name="Changed">ctime, which nobody can set.</param>
internal sealed record FileStatus(
    ulong Device, ulong Inode, uint Mode, uint Owner, uint Group, long Size, long Modified, long Changed)
{
    private const uint TypeMask = 0xf000;

    public bool IsRegular => (Mode & TypeMask) == 0x8000;

    public bool IsDirectory => (Mode & TypeMask) == 0x4000;

    public bool IsPipe => (Mode & TypeMask) == 0x1000;

    public bool IsLink => (Mode & TypeMask) == 0xa000;

    /// <summary>Whether somebody other than the owner can write it (by its mode, which ACLs are reflected in).</summary>
    public bool OthersCanWrite => (Mode & Permissions.OthersWrite) != 0;

    public bool EverybodyCanWrite => (Mode & Permissions.EverybodyWrite) != 0;

    public FileStamp Stamp => new(Device, Inode, Size, Modified, Changed);

    public bool IsSameFile(FileStatus other) => (Device, Inode) == (other.Device, other.Inode);
}

/// <summary>
/// What tells one state of a file from another. Whoever writes the file, or puts another in its place, changes at least the inode or ctime,
/// and ctime cannot be set: as long as all of this is the same, so are the bytes.
/// </summary>
internal readonly record struct FileStamp(ulong Device, ulong Inode, long Size, long Modified, long Changed)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Device} {Inode} {Size} {Modified} {Changed}");

    /// <summary>Null if the text is not what <see cref="ToString"/> makes.</summary>
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
