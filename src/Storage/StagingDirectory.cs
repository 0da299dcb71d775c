using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Storage;

/// <summary>
/// A directory that is being filled, before it is renamed into place. Its writer holds a lock on it, as on a <see cref="StagingFile"/>, so
/// that what killed writers have left can be told from what is still being written.
/// </summary>
internal sealed class StagingDirectory : IDisposable
{
    private const int MaxAttempts = 100;

    private readonly SafeFileHandle _lock;
    private bool _finished;

    private StagingDirectory(string path, SafeFileHandle @lock) => (Path, _lock) = (path, @lock);

    public string Path { get; }

    /// <summary>Creates a directory of an unused name, which begins with the prefix, for this user only.</summary>
    /// <exception cref="RunException">73: it cannot be created.</exception>
    public static StagingDirectory Create(string directory, string prefix)
    {
        for (var attempt = 1; ; attempt++)
        {
            var path = $"{directory}/{prefix}{Random.Shared.NextInt64():x16}";
            var error = Files.MakeDirectory(path, Permissions.PrivateDirectory);
            if (error == Errno.None)
            {
                var opened = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.NoFollow);
                if (opened.Value is { } handle)
                {
                    // Another process may have swept it between its creation and the lock; then try again.
                    _ = Files.Lock(handle, wait: true);
                    if (Files.IsAt(handle, path))
                    {
                        return new StagingDirectory(path, handle);
                    }

                    handle.Dispose();
                }

                error = opened.Error == Errno.None ? Errno.NoEntry : opened.Error;
            }

            if (error is not (Errno.Exists or Errno.NoEntry) || attempt == MaxAttempts)
            {
                throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be created: {error.Describe()}");
            }
        }
    }

    /// <summary>Renames it to the path, unless there is a directory already.</summary>
    /// <returns>Whether it was renamed.</returns>
    /// <exception cref="RunException">73: it cannot be renamed.</exception>
    public bool TryFinish(string path)
    {
        var error = Files.Rename(Path, path);
        return error is Errno.NotEmpty or Errno.Exists ? false
            : _finished = error == Errno.None ? true
            : throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be written: {error.Describe()}");
    }

    public void Dispose()
    {
        if (!_finished)
        {
            try
            {
                DirectoryTree.Remove(Path);
            }
            catch (RunException)
            {
                // It is swept later.
            }
        }

        _lock.Dispose();
    }
}
