using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;

namespace Run.Caching;

/// <summary>
/// One fetch of a URL, however many ask for it at once: the first one fetches and holds a lock; the others wait for the lock, and then read in
/// its file how the fetch ended. The file is removed when the fetch has ended; those that wait have it open.
/// </summary>
internal sealed class SingleFlight : IDisposable
{
    public const string DirectoryName = "flights";
    private const int MostNoteBytes = 8 << 10;

    private readonly string _path;
    private readonly SafeFileHandle? _file;

    private SingleFlight(string path, SafeFileHandle? file) => (_path, _file) = (path, file);

    /// <summary>
    /// Waits for a fetch that is under way.
    /// </summary>
    /// <returns>Null where it has succeeded, so that the copy is there; else the flight of this process, which is now to fetch.</returns>
    /// <exception cref="RunException">What the fetch that was waited for has failed with.</exception>
    public static SingleFlight? Enter(Cache cache, string url)
    {
        var directory = $"{cache.Root}/{DirectoryName}";
        var path = $"{directory}/{Cache.Key(url)}";
        var asked = DateTimeOffset.UtcNow;
        while (true)
        {
            var file = Kernel.TryOpen(path, Kernel.ReadWrite | Kernel.Create | Kernel.NoFollow, Permissions.PrivateFile);
            if (file is null && Kernel.LastError == Errno.NoEntry)
            {
                XdgPaths.Make(directory);
                file = Kernel.TryOpen(path, Kernel.ReadWrite | Kernel.Create | Kernel.NoFollow, Permissions.PrivateFile);
            }

            // Without a lock there may be two fetches where one would do, and still nothing half.
            if (file is null || !Kernel.TryLockWhole(file, wait: true))
            {
                file?.Dispose();
                return new SingleFlight(path, null);
            }

            var bytes = Kernel.TryRead(file, MostNoteBytes) ?? [];
            if (Note.Parse(bytes) is { } note && note.Ended >= asked && note.Ended <= DateTimeOffset.UtcNow)
            {
                file.Dispose();
                return note.Failure is { } failure ? throw failure : null;
            }

            // Whoever removed the file before this process had the lock took the meeting place away; what an older flight left is removed.
            var isThere = Kernel.TryStatus(file) is { } mine && Kernel.TryLinkStatus(path) is { } there
                && mine.Inode == there.Inode && mine.Device == there.Device;
            if (isThere && bytes.Length == 0)
            {
                return new SingleFlight(path, file);
            }

            if (isThere)
            {
                _ = Kernel.TryRemoveFile(path);
            }

            file.Dispose();
        }
    }

    /// <summary>Tells those that wait how it ended.</summary>
    /// <param name="failure">Null for success.</param>
    public void Complete(RunException? failure)
    {
        if (_file is not null)
        {
            _ = Kernel.TryWriteAll(_file, new Note(DateTimeOffset.UtcNow, failure).ToBytes());
        }
    }

    public void Dispose()
    {
        if (_file is not null)
        {
            _ = Kernel.TryRemoveFile(_path);
            _file.Dispose();
        }
    }

    private sealed record Note(DateTimeOffset Ended, RunException? Failure)
    {
        public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"{Ended.UtcTicks}\n{(int)(Failure?.Status ?? ExitStatus.Ok)}\n{Line(Failure?.Message)}\n{Line(Failure?.Hint)}\n"));

        public static Note? Parse(byte[] bytes) =>
            Encoding.UTF8.GetString(bytes).Split('\n') is [var ticks, var status, var message, var hint, ""]
            && long.TryParse(ticks, CultureInfo.InvariantCulture, out var t) && t >= 0 && t <= DateTime.MaxValue.Ticks
            && int.TryParse(status, CultureInfo.InvariantCulture, out var s)
                ? new Note(new DateTimeOffset(t, TimeSpan.Zero), s == 0 ? null : new RunException((ExitStatus)s, message, hint.Length > 0 ? hint : null))
                : null;

        private static string Line(string? text) => Messages.Printable(text ?? "");
    }
}
