namespace Run.Posix;

/// <summary>The permission bits that this program gives what it makes; C# has no octal numbers.</summary>
internal static class Permissions
{
    /// <summary>0700: a directory of the user's alone.</summary>
    public const uint PrivateDirectory = 0x1c0;

    /// <summary>0600: a file of the user's alone.</summary>
    public const uint PrivateFile = 0x180;

    /// <summary>0500: a cached script. It is executed, never written again.</summary>
    public const uint PrivateScript = 0x140;

    /// <summary>0644: a file that is meant to be read.</summary>
    public const uint PublicFile = 0x1a4;

    /// <summary>0777: everybody's bits.</summary>
    public const uint Everybody = 0x1ff;

    /// <summary>0022: writing by everybody but the owner.</summary>
    public const uint OthersWrite = 0x12;

    /// <summary>0002: writing by everybody.</summary>
    public const uint EverybodyWrite = 0x2;

    /// <summary>0077: the bits of everybody but the owner.</summary>
    public const uint Others = 0x3f;
}
