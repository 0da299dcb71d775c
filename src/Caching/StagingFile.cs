using Microsoft.Win32.SafeHandles;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;

namespace Run.Caching;

/// <summary>
/// A file on its way into the cache. Its writer holds a lock on it, so that whoever fetches next can tell the files of
/// writers that were killed from those of writers at work, and sweeps the former.
/// </summary>
internal sealed class StagingFile : IDisposable
{
    public const string DirectoryName = "tmp";

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
        while (true)
        {
            var path = $"{directory}/{Kernel.ProcessId}-{Random.Shared.NextInt64():x}";
            var handle = Kernel.TryOpen(path, Kernel.ReadWrite | Kernel.Create | Kernel.Exclusive | Kernel.NoFollow, Permissions.PrivateFile);
            if (handle is null)
            {
                if (Kernel.LastError == Errno.Exists)
                {
                    continue;
                }

                if (Kernel.LastError != Errno.NoEntry || Kernel.TryLinkStatus(directory) is not null)
                {
                    throw Failed(path, "made");
                }

                XdgPaths.Make(directory);
                continue;
            }

            // A sweeper may have had the file between open and the lock: then it is gone, and another is made.
            _ = Kernel.TryChangeMode(handle, Permissions.PrivateFile);
            _ = Kernel.TryLockWhole(handle, wait: true);
            if (Kernel.TryLinkStatus(path) is null)
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
        if (!Kernel.TryWriteAll(Handle, bytes))
        {
            throw Failed(Path, "written");
        }
    }

    /// <summary>Flushes it, gives it its mode, and renames it into its place.</summary>
    /// <param name="flush">Whether it must be whole even if the power fails right after.</param>
    /// <exception cref="RunException">73.</exception>
    public void Finish(uint mode, string path, bool flush = true)
    {
        if (!Kernel.TryChangeMode(Handle, mode) || (flush && !Kernel.TryFlush(Handle)) || !Kernel.TryRename(Path, path))
        {
            throw Failed(path, "written");
        }

        _finished = true;
    }

    public void Dispose()
    {
        if (!_finished)
        {
            _ = Kernel.TryRemoveFile(Path);
        }

        Handle.Dispose();
    }

    /// <summary>Removes what writers that are no more have left.</summary>
    public static void Sweep(string cache)
    {
        var directory = $"{cache}/{DirectoryName}";
        foreach (var name in Kernel.Names(directory))
        {
            var path = $"{directory}/{name}";
            using var handle = Kernel.TryOpen(path, Kernel.ReadOnly | Kernel.NoFollow | Kernel.NonBlock);
            if (handle is not null && Kernel.TryLockWhole(handle, wait: false))
            {
                _ = Kernel.TryRemoveFile(path);
            }
        }
    }

    private static RunException Failed(string path, string what) => new(ExitStatus.CannotWrite, $"{path}: cannot be {what}: {Kernel.Describe(Kernel.LastError)}");
}
