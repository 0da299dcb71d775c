using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// One fetch of a URL at a time. The first process fetches and holds a lock; the others wait for the lock, then read from its file how the
/// fetch ended. The file is removed at the end of the fetch; the waiting processes still have it open.
/// </summary>
internal sealed class SingleFlight : IDisposable
{
    public const string DirectoryName = "flights";
    private const int MaxNoteBytes = 8 << 10;

    private readonly Cache _cache;
    private readonly string _path;
    private readonly SafeFileHandle? _file;

    private SingleFlight(Cache cache, string path, SafeFileHandle? file) => (_cache, _path, _file) = (cache, path, file);

    /// <summary>
    /// Waits for a fetch that is under way.
    /// </summary>
    /// <returns>Null if that fetch has succeeded, so the copy is in the cache; else this process's own flight: it must fetch.</returns>
    /// <exception cref="RunException">73: the directory cannot be created. Else the failure of the other process's fetch.</exception>
    public static SingleFlight? Enter(Cache cache, string url)
    {
        var directory = $"{cache.Root}/{DirectoryName}";
        var path = $"{directory}/{Cache.Key(url)}";
        var asked = cache.Now;
        while (true)
        {
            var opened = Open(path);
            if (opened.Error == Errno.NoEntry)
            {
                TrustedPath.MakeDirectory(directory);
                opened = Open(path);
            }

            // Without a lock there may be two fetches instead of one, but still no half-written file.
            if (opened.Value is not { } file || Files.Lock(file, wait: true) != Errno.None)
            {
                opened.Value?.Dispose();
                return new SingleFlight(cache, path, null);
            }

            var bytes = Files.Read(file, MaxNoteBytes).Value ?? [];
            if (Note.Parse(bytes) is { } note && note.Ended >= asked && note.Ended <= cache.Now)
            {
                file.Dispose();
                return note.Failure is { } failure ? throw failure : null;
            }

            // If the file was removed before this process had the lock, the lock is worthless: try again. The note of an older flight is
            // removed.
            var isCurrent = Files.Status(file).Value is { } mine && Files.LinkStatus(path).Value is { } current && mine.IsSameFile(current);
            if (isCurrent && bytes.Length == 0)
            {
                return new SingleFlight(cache, path, file);
            }

            if (isCurrent)
            {
                _ = Files.Remove(path);
            }

            file.Dispose();
        }
    }

    /// <summary>Tells the waiting processes how the fetch ended.</summary>
    /// <param name="failure">Null for success.</param>
    public void Complete(RunException? failure)
    {
        if (_file is not null)
        {
            _ = Files.Write(_file, new Note(_cache.Now, failure).ToBytes());
        }
    }

    public void Dispose()
    {
        if (_file is not null)
        {
            _ = Files.Remove(_path);
            _file.Dispose();
        }
    }

    private static Result<SafeFileHandle> Open(string path) =>
        Files.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, Permissions.PrivateFile);

    private sealed record Note(DateTimeOffset Ended, RunException? Failure)
    {
        public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"{Ended.UtcTicks}\n{(int)(Failure?.Status ?? ExitStatus.Ok)}\n{Line(Failure?.Message)}\n{Line(Failure?.Hint)}\n"));

        public static Note? Parse(byte[] bytes) =>
            Encoding.UTF8.GetString(bytes).Split('\n') is [var ticks, var status, var message, var hint, ""]
            && long.TryParse(ticks, CultureInfo.InvariantCulture, out var t) && t >= 0 && t <= DateTime.MaxValue.Ticks
            && int.TryParse(status, CultureInfo.InvariantCulture, out var s)
                ? new Note(
                    new DateTimeOffset(t, TimeSpan.Zero),
                    s == 0 ? null : new RunException((ExitStatus)s, message, hint.Length > 0 ? hint : null))
                : null;

        private static string Line(string? text) => Messages.Printable(text ?? "");
    }
}
