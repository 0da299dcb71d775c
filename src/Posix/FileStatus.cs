namespace Run.Posix;

/// <summary>What stat(2) tells of a file, as far as it is asked. Times are nanoseconds since 1970.</summary>
internal readonly record struct FileStatus(
    ulong Device, ulong Inode, uint Mode, uint Owner, uint Group, long Size, long Modified, long Changed)
{
    private const uint TypeMask = 0xf000;

    public bool IsRegular => (Mode & TypeMask) == 0x8000;

    public bool IsDirectory => (Mode & TypeMask) == 0x4000;

    public bool IsPipe => (Mode & TypeMask) == 0x1000;

    /// <summary>Whether somebody else than the owner can write it (by its mode, which ACLs are reflected in).</summary>
    public bool OthersCanWrite => (Mode & 0x12) != 0;

    public bool EverybodyCanWrite => (Mode & 0x2) != 0;
}
