using Run.Reporting;

namespace Run.Storage;

/// <summary>Writes files outside the cache: completely, or not at all.</summary>
internal static class AtomicFile
{
    // What a killed process leaves behind is named FILE.new-0123456789abcdef, and removed by the next one that writes FILE.
    private const string Infix = ".new-";
    private const int DigitCount = 16;

    /// <summary>Creates a file. An existing file is left unchanged, even if another process has just created it.</summary>
    /// <exception cref="RunException">73: it already exists, or cannot be written.</exception>
    public static void Create(string path, byte[] bytes, uint mode)
    {
        using var staging = Stage(path, bytes);
        staging.FinishNew(mode, path);
    }

    /// <summary>Creates the file, or replaces it.</summary>
    /// <exception cref="RunException">73: it cannot be written. 77: another process has put something else there.</exception>
    public static void Replace(string path, byte[] bytes, uint mode)
    {
        using var staging = Stage(path, bytes);
        _ = staging.Finish(mode, path);
    }

    private static StagingFile Stage(string path, byte[] bytes)
    {
        var slash = path.LastIndexOf('/');
        var directory = slash < 0 ? "." : slash == 0 ? "" : path[..slash];
        if (slash > 0)
        {
            _ = TrustedPath.MakeDirectory(directory);
        }

        var prefix = path[(slash + 1)..] + Infix;
        StagingFile.Sweep(directory.Length == 0 ? "/" : directory, name => name.Length == prefix.Length + DigitCount
            && name.StartsWith(prefix, StringComparison.Ordinal) && name[prefix.Length..].All(char.IsAsciiHexDigitLower));
        var staging = StagingFile.Create(directory, prefix, shown: path, makeDirectory: null);
        try
        {
            staging.Write(bytes);
            return staging;
        }
        catch
        {
            staging.Dispose();
            throw;
        }
    }
}
