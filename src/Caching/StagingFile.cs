using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// A file on its way into the cache. Its writer holds a lock on it, so that whoever fetches next can tell the files of
/// writers that were killed from those of writers at work, and sweeps the former.
/// </summary>
internal sealed class StagingFile : IDisposable
{
    public const string DirectoryName = "tmp";
    private const int MostAttempts = 100;

    private bool _finished;

    private StagingFile(string path, SafeFileHandle handle)
    {
        Path = path;
        Handle = handle;
    }

    public string Path { get; }

    public SafeFileHandle Handle { get; }

    /// <exception cref="RunException">73.</exception>
    public static StagingFile Create(string cache)
    {
        var directory = $"{cache}/{DirectoryName}";
        for (var attempt = 1; ; attempt++)
        {
            var path = $"{directory}/{Processes.Id}-{Random.Shared.NextInt64():x}";
            const int Flags = OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive;
            var opened = Files.Open(path, Flags | OpenFlags.NoFollow, Permissions.PrivateFile);
            if (opened.Value is not { } handle)
            {
                if (opened.Error is not (Errno.Exists or Errno.NoEntry) || attempt == MostAttempts)
                {
                    throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be created: {opened.Error.Describe()}");
                }

                TrustedPath.MakeDirectory(directory);
                continue;
            }

            // A sweeper may have had the file between open and the lock: then it is gone, and another is made.
            _ = Files.ChangeMode(handle, Permissions.PrivateFile);
            _ = Files.Lock(handle, wait: true);
            if (Files.LinkStatus(path).Value is null)
            {
                handle.Dispose();
                continue;
            }

            return new StagingFile(path, handle);
        }
    }

    /// <exception cref="RunException">73.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Check(Files.Write(Handle, bytes), Path);
    }

    /// <summary>Another handle of it, to read it from its beginning.</summary>
    /// <exception cref="RunException">73.</exception>
    public SafeFileHandle Reopen() => Files.Open(Path, OpenFlags.ReadOnly)
        .OrThrow(error => new RunException(ExitStatus.CannotWrite, $"{Path}: cannot be read: {error.Describe()}"));

    /// <summary>Flushes it, gives it its mode, and renames it into its place.</summary>
    /// <param name="flush">Whether it must be whole even if the power fails right after.</param>
    /// <exception cref="RunException">73.</exception>
    public void Finish(uint mode, string path, bool flush = true)
    {
        Check(Files.ChangeMode(Handle, mode), path);
        Check(flush ? Files.Flush(Handle) : Errno.None, path);
        Check(Files.Rename(Path, path), path);
        _finished = true;
    }

    public void Dispose()
    {
        if (!_finished)
        {
            _ = Files.Remove(Path);
        }

        Handle.Dispose();
    }

    /// <summary>Removes what writers that are no more have left.</summary>
    public static void Sweep(string cache)
    {
        var directory = $"{cache}/{DirectoryName}";
        foreach (var name in Files.Names(directory).Value ?? [])
        {
            var path = $"{directory}/{name}";
            using var handle = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
            if (handle is not null && Files.Lock(handle, wait: false) == Errno.None)
            {
                _ = Files.Remove(path);
            }
        }
    }

    private static void Check(Errno error, string path)
    {
        if (error != Errno.None)
        {
            throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be written: {error.Describe()}");
        }
    }
}
