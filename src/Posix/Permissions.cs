namespace Run.Posix;

/// <summary>Permission bits of inode(7), by name, because C# has no octal literals.</summary>
internal static class Permissions
{
    /// <summary>0700: a directory for the user only.</summary>
    public const uint PrivateDirectory = 0x1c0;

    /// <summary>0600: a file for the user only.</summary>
    public const uint PrivateFile = 0x180;

    /// <summary>0500: a cached script, which is executed and never written again.</summary>
    public const uint PrivateScript = 0x140;

    /// <summary>0100: its owner may execute it.</summary>
    public const uint OwnerExecute = 0x40;

    /// <summary>0400: a file of a tree that is not executed.</summary>
    public const uint PrivateData = 0x100;

    /// <summary>0500: a directory of a tree, in which nothing changes any more.</summary>
    public const uint SealedDirectory = 0x140;

    /// <summary>0644: a file for all users to read.</summary>
    public const uint PublicFile = 0x1a4;

    /// <summary>0777: all permissions of all users.</summary>
    public const uint Everybody = 0x1ff;

    /// <summary>0022: write permission for group and others.</summary>
    public const uint OthersWrite = 0x12;

    /// <summary>01000: in such a directory only the owner of an entry, or of the directory, can rename or remove it.</summary>
    public const uint Sticky = 0x200;

    /// <summary>0002: write permission for all users.</summary>
    public const uint EverybodyWrite = 0x2;

    /// <summary>0077: all permissions of group and others.</summary>
    public const uint Others = 0x3f;
}
