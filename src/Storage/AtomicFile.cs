using Run.Inputs;
using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>Files outside the cache that <c>run</c> writes: whole, or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>Makes a new file. One that stands there stays as it is, also when it has come this moment.</summary>
    /// <exception cref="RunException">73.</exception>
    public static void Create(string path, byte[] bytes, uint mode) => Write(path, bytes, mode, static (from, to) => Kernel.TryLink(from, to) && Kernel.TryRemoveFile(from));

    /// <summary>Makes the file, or puts another in its place.</summary>
    /// <exception cref="RunException">73.</exception>
    public static void Replace(string path, byte[] bytes, uint mode) => Write(path, bytes, mode, Kernel.TryRename);

    private static void Write(string path, byte[] bytes, uint mode, Func<string, string, bool> move)
    {
        var slash = path.LastIndexOf('/');
        if (slash > 0)
        {
            XdgPaths.Make(path[..slash]);
        }

        var temporary = $"{path}.{Kernel.ProcessId}";
        using var file = Kernel.TryOpen(temporary, Kernel.WriteOnly | Kernel.Create | Kernel.Exclusive | Kernel.NoFollow, mode);
        var written = file is not null && Kernel.TryChangeMode(file, mode) && Kernel.TryWriteAll(file, bytes) && Kernel.TryFlush(file) && move(temporary, path);
        if (!written)
        {
            var error = Kernel.LastError;
            if (file is not null)
            {
                _ = Kernel.TryRemoveFile(temporary);
            }

            throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be written: {Kernel.Describe(error)}");
        }
    }
}
