namespace Run.Posix;

/// <summary>Which boot of the machine this is.</summary>
internal static class Boot
{
    public const string IdPath = "/proc/sys/kernel/random/boot_id";
    private const int IdLength = 36;

    /// <summary>
    /// The boot's id (random(4)). As long as it is the same, what was written to a file is what is read from it, flushed or not. Null
    /// without /proc.
    /// </summary>
    public static string? Id
    {
        get
        {
            using var file = Files.Open(IdPath, OpenFlags.ReadOnly).Value;
            return file is not null && Files.Read(file, IdLength).Value is { Length: IdLength } id ? OsText.FromBytes(id) : null;
        }
    }
}
