using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>
/// A file that is being written, before it is renamed into place. Its writer holds a lock on it, so that another process can tell the files
/// of killed writers, which it removes, from those still being written.
/// </summary>
/// <remarks>
/// The lock is on a second, read-only handle. It stays open after the writable one is closed, which must happen before the file has its
/// final name: as long as any process can write a program, the kernel refuses to execute it (ETXTBSY).
/// </remarks>
internal sealed class StagingFile : IDisposable
{
    private const int MaxAttempts = 100;

    private readonly SafeFileHandle _lock;
    private readonly string _shown;
    private bool _finished;

    private StagingFile(string path, string shown, SafeFileHandle handle, SafeFileHandle @lock) =>
        (Path, _shown, Handle, _lock) = (path, shown, handle, @lock);

    public string Path { get; }

    /// <summary>For writing.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Creates a file of an unused name, which begins with the prefix.</summary>
    /// <param name="shown">The path in messages; null: its own.</param>
    /// <param name="makeDirectory">Creates the directory if it does not exist; null: that is an error.</param>
    /// <exception cref="RunException">73: it cannot be created.</exception>
    public static StagingFile Create(string directory, string prefix, string? shown, Action? makeDirectory)
    {
        for (var attempt = 1; ; attempt++)
        {
            var path = $"{directory}/{prefix}{Random.Shared.NextInt64():x16}";
            const int Flags = OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive;
            var opened = Files.Open(path, Flags | OpenFlags.NoFollow, Permissions.PrivateFile);
            if (opened.Value is not { } handle)
            {
                var mayRetry = opened.Error == Errno.Exists || (opened.Error == Errno.NoEntry && makeDirectory is not null);
                if (!mayRetry || attempt == MaxAttempts)
                {
                    throw new RunException(ExitStatus.CannotWrite, $"{shown ?? path}: cannot be created: {opened.Error.Describe()}");
                }

                makeDirectory?.Invoke();
                continue;
            }

            // Another process may have removed the file between open and lock; then try again.
            _ = Files.ChangeMode(handle, Permissions.PrivateFile);
            if (Lock(path, handle) is { } @lock)
            {
                return new StagingFile(path, shown ?? path, handle, @lock);
            }

            handle.Dispose();
            if (attempt == MaxAttempts)
            {
                throw new RunException(ExitStatus.CannotWrite, $"{shown ?? path}: cannot be created: other processes remove it");
            }
        }
    }

    /// <exception cref="RunException">73: it cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Check(Files.Write(Handle, bytes), _shown);
    }

    /// <summary>Another handle, to read the file from its beginning.</summary>
    /// <exception cref="RunException">73: it cannot be read.</exception>
    public SafeFileHandle Reopen() => Files.Open(Path, OpenFlags.ReadOnly | OpenFlags.NoFollow)
        .OrThrow(error => new RunException(ExitStatus.CannotWrite, $"{Path}: cannot be read: {error.Describe()}"));

    /// <summary>
    /// Sets the mode, flushes the file, and renames it into place, where nobody can write it any more.
    /// </summary>
    /// <param name="flush">Whether it must be complete even if the power fails right after.</param>
    /// <param name="makeDirectory">Creates the directory of <paramref name="path"/> if another process has removed it.</param>
    /// <returns>The status of the file that was written. The path leads to it.</returns>
    /// <exception cref="RunException">73: it cannot be written. 77: something else is at the path.</exception>
    public FileStatus Finish(uint mode, string path, bool flush = true, Action? makeDirectory = null)
    {
        Seal(mode, path, flush);
        var error = Files.Rename(Path, path);
        for (var attempt = 1; error == Errno.NoEntry && makeDirectory is not null && attempt <= MaxAttempts; attempt++)
        {
            makeDirectory();
            error = Files.Rename(Path, path);
        }

        Check(error, path);
        _finished = true;

        // Whoever could write this directory could have put another file in the place of this one.
        var written = Files.Status(_lock).OrThrow(error => CannotWrite(path, error));
        var there = Files.LinkStatus(path).OrThrow(error => CannotWrite(path, error));
        return there.IsSameFile(written) ? written : HasSameBytes(path, there) ? there : throw new RunException(
            ExitStatus.Refused, $"{path}: replaced by another process while it was written, so it is not used");
    }

    /// <summary>Some network file systems give a file another inode number after it was renamed. Then its bytes decide.</summary>
    private bool HasSameBytes(string path, FileStatus there)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
        return file is not null && there.Owner == Processes.EffectiveUser && !there.OthersCanWrite
            && Files.Status(file).Value is { IsRegular: true } opened && opened.IsSameFile(there)
            && Sha256.OfFile(file) is { Succeeded: true } bytes && bytes.Value == Sha256.OfFile(_lock).Value;
    }

    /// <summary>As <see cref="Finish"/>, but does not replace an existing file.</summary>
    /// <exception cref="RunException">73: it already exists, or cannot be written.</exception>
    public void FinishNew(uint mode, string path)
    {
        Seal(mode, path, flush: true);
        Check(Files.Link(Path, path), path);
    }

    public void Dispose()
    {
        if (!_finished)
        {
            _ = Files.Remove(Path);
        }

        Handle.Dispose();
        _lock.Dispose();
    }

    /// <summary>Removes the files, and directories, of writers that were killed. Failures are ignored: they are only litter.</summary>
    /// <param name="isOurs">Whether a name is one that <see cref="Create"/>, or <see cref="StagingDirectory"/>, gives.</param>
    public static void Sweep(string directory, Func<string, bool> isOurs)
    {
        foreach (var name in Files.Names(directory).Value ?? [])
        {
            if (!isOurs(name))
            {
                continue;
            }

            var path = $"{directory}/{name}";
            using var handle = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
            if (handle is null || Files.Lock(handle, wait: false) != Errno.None)
            {
                continue;
            }

            try
            {
                DirectoryTree.Remove(path);
            }
            catch (RunException)
            {
                // Litter.
            }
        }
    }

    /// <summary>The lock of a new file; null if another process has removed the file.</summary>
    private static SafeFileHandle? Lock(string path, SafeFileHandle created)
    {
        var opened = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow);
        if (opened.Value is not { } @lock)
        {
            return opened.Error == Errno.NoEntry ? null : throw Removed(path, opened.Error);
        }

        _ = Files.Lock(@lock, wait: true);
        if (Files.Status(@lock).Value is { } mine && Files.Status(created).Value is { } written && mine.IsSameFile(written)
            && Files.LinkStatus(path).Value is not null)
        {
            return @lock;
        }

        @lock.Dispose();
        return null;
    }

    private static RunException Removed(string path, Errno error)
    {
        _ = Files.Remove(path);
        return CannotWrite(path, error);
    }

    /// <summary>Closes the writable handle. From then on the file's bytes and mode are final.</summary>
    private void Seal(uint mode, string path, bool flush)
    {
        Check(Files.ChangeMode(Handle, mode), path);
        Check(flush ? Files.Flush(Handle) : Errno.None, path);
        Handle.Dispose();
    }

    private static void Check(Errno error, string path)
    {
        if (error != Errno.None)
        {
            throw CannotWrite(path, error);
        }
    }

    private static RunException CannotWrite(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be written: {error.Describe()}");
}
