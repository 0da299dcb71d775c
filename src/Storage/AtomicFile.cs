using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Writes files outside the cache: completely, or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>Creates a file. An existing file is left unchanged, even if another process has just created it.</summary>
    /// <exception cref="RunException">73: it already exists, or cannot be written.</exception>
    public static void Create(string path, byte[] bytes, uint mode) => Write(path, bytes, mode, static (from, to) =>
        Files.Link(from, to) is not Errno.None and var error ? error : Files.Remove(from));

    /// <summary>Creates the file, or replaces it.</summary>
    /// <exception cref="RunException">73: it cannot be written.</exception>
    public static void Replace(string path, byte[] bytes, uint mode) => Write(path, bytes, mode, Files.Rename);

    private static void Write(string path, byte[] bytes, uint mode, Func<string, string, Errno> move)
    {
        if (path.LastIndexOf('/') > 0)
        {
            TrustedPath.MakeDirectory(TrustedPath.Parent(path));
        }

        var staging = $"{path}.{Processes.Id}";
        const int Flags = OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive;
        using var file = Files.Open(staging, Flags | OpenFlags.NoFollow, mode).OrThrow(error => Failed(path, error));
        var error = Files.ChangeMode(file, mode);
        error = error == Errno.None ? Files.Write(file, bytes) : error;
        error = error == Errno.None ? Files.Flush(file) : error;
        error = error == Errno.None ? move(staging, path) : error;
        if (error != Errno.None)
        {
            _ = Files.Remove(staging);
            throw Failed(path, error);
        }
    }

    private static RunException Failed(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be written: {error.Describe()}");
}
