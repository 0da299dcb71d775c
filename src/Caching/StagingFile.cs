using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// A file that is being written for the cache. Its writer holds a lock on it, so that a later fetch can tell the files of killed writers,
/// which it removes, from those still being written.
/// </summary>
internal sealed class StagingFile : IDisposable
{
    public const string DirectoryName = "tmp";
    private const int MaxAttempts = 100;

    private bool _finished;

    private StagingFile(string path, SafeFileHandle handle)
    {
        Path = path;
        Handle = handle;
    }

    public string Path { get; }

    public SafeFileHandle Handle { get; }

    /// <exception cref="RunException">73: it cannot be created.</exception>
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
                if (opened.Error is not (Errno.Exists or Errno.NoEntry) || attempt == MaxAttempts)
                {
                    throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be created: {opened.Error.Describe()}");
                }

                TrustedPath.MakeDirectory(directory);
                continue;
            }

            // Another process may have removed the file between open and lock; then try again.
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

    /// <exception cref="RunException">73: it cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Check(Files.Write(Handle, bytes), Path);
    }

    /// <summary>A second handle, to read the file from its beginning.</summary>
    /// <exception cref="RunException">73: it cannot be read.</exception>
    public SafeFileHandle Reopen() => Files.Open(Path, OpenFlags.ReadOnly)
        .OrThrow(error => new RunException(ExitStatus.CannotWrite, $"{Path}: cannot be read: {error.Describe()}"));

    /// <summary>Sets the mode, flushes the file and renames it into place.</summary>
    /// <param name="flush">Whether it must be complete even if the power fails right after.</param>
    /// <exception cref="RunException">73: it cannot be written.</exception>
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

    /// <summary>Removes the files of writers that were killed.</summary>
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
