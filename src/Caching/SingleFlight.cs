using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Naming;
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
    private const int MaxAttempts = 100;
    private const int MaxNoteBytes = 16 << 10;

    /// <summary>
    /// A fetch that shows nothing for so long has been stopped, or hangs: its server has to answer within 25 seconds, and then to send
    /// something every ten (Http/Limits).
    /// </summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>How often progress is shown, at most. Each time costs a byte of the flight's file.</summary>
    private static readonly TimeSpan s_betweenBeats = TimeSpan.FromSeconds(3);

    private readonly Cache _cache;
    private readonly string _path;
    private readonly SafeFileHandle? _file;
    private readonly Stopwatch _sinceBeat = Stopwatch.StartNew();
    private readonly Question? _question;
    private bool _isComplete;

    private SingleFlight(Cache cache, string path, SafeFileHandle? file, Question? question = null) =>
        (_cache, _path, _file, _question) = (cache, path, file, question);

    /// <summary>
    /// Waits for a fetch that is under way, as long as it makes progress.
    /// </summary>
    /// <returns>Null if that fetch has succeeded, so the copy is in the cache; else this process's own flight: it must fetch.</returns>
    /// <exception cref="RunException">
    /// 73: the directory cannot be created. Else the failure of the other process's fetch, if this one asks for the same.
    /// </exception>
    public static SingleFlight? Enter(Cache cache, string url, Question question)
    {
        var directory = $"{cache.Root}/{DirectoryName}";
        var path = $"{directory}/{Cache.Key(url)}";
        var asked = cache.Now;
        for (var attempt = 1; ; attempt++)
        {
            var opened = OpenIn(directory, path);

            // Without a lock there may be two fetches instead of one, but still no half-written file.
            if (opened.Value is not { } file || Lock(file, url) is var locked && locked is not (Errno.None or Errno.Again))
            {
                opened.Value?.Dispose();
                return new SingleFlight(cache, path, null);
            }

            if (locked == Errno.Again)
            {
                // Without its file, nobody else waits for it either.
                Messages.Note($"{UrlText.Redacted(url)}: the process that is fetching it makes no progress, so it is fetched here");
                var removed = RemoveIfCurrent(file, path);
                file.Dispose();
                if (removed is not (Errno.None or Errno.NoEntry))
                {
                    return new SingleFlight(cache, path, null);
                }

                continue;
            }

            var bytes = Files.Read(file, MaxNoteBytes).Value ?? [];
            if (Note.Parse(bytes) is { } note && note.Ended >= asked && note.Ended <= cache.Now)
            {
                if (note.Failure is not { } failure)
                {
                    file.Dispose();
                    return null;
                }

                if (question.Meets(note.Asked))
                {
                    file.Dispose();
                    throw failure;
                }
            }

            // If the file was removed before this process had the lock, the lock is worthless: try again. The note of an older flight is
            // removed. If that is impossible, this process fetches without the others.
            var isCurrent = Files.IsAt(file, path);
            if (isCurrent && bytes.Length == 0)
            {
                return new SingleFlight(cache, path, file, question);
            }

            var error = RemoveIfCurrent(file, path);
            file.Dispose();
            if (error is not (Errno.None or Errno.NoEntry) || attempt == MaxAttempts)
            {
                return new SingleFlight(cache, path, null);
            }
        }
    }

    /// <summary>A flight that does not fetch, so that no other process fetches meanwhile; null if one is fetching now.</summary>
    /// <param name="key">The URL's key.</param>
    public static SingleFlight? TryEnter(Cache cache, string key)
    {
        var directory = $"{cache.Root}/{DirectoryName}";
        var path = $"{directory}/{key}";
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var opened = OpenIn(directory, path);
            var error = opened.Value is { } file ? Files.Lock(file, wait: false) : opened.Error;
            if (error == Errno.None && Files.IsAt(opened.Value!, path))
            {
                return new SingleFlight(cache, path, opened.Value);
            }

            opened.Value?.Dispose();
            if (error != Errno.None)
            {
                return error == Errno.Again ? null : new SingleFlight(cache, path, null);
            }
        }

        return null;
    }

    /// <summary>Removes the files of fetches that were killed. Failures are ignored.</summary>
    public static void Sweep(string directory)
    {
        foreach (var name in (Files.Names(directory).Value ?? []).Where(Cache.IsKey))
        {
            // The lock of a fetch that is under way, this process's own included, is on another descriptor, and so is not free.
            var path = $"{directory}/{name}";
            using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
            if (file is not null && Files.Lock(file, wait: false) == Errno.None && Files.IsAt(file, path))
            {
                _ = Files.Remove(path);
            }
        }
    }

    /// <summary>Tells the waiting processes in which file they can see the progress of the fetch.</summary>
    public void Follow(string path)
    {
        if (_file is not null)
        {
            _ = Files.Write(_file, OsText.ToBytes(path + "\n"));
        }
    }

    /// <summary>Shows the waiting processes that there is progress, where no file shows it.</summary>
    public void Beat()
    {
        if (_file is not null && _sinceBeat.Elapsed >= s_betweenBeats)
        {
            _sinceBeat.Restart();
            _ = Files.Write(_file, "\n"u8);
        }
    }

    /// <summary>Tells the waiting processes how the fetch ended. The first call counts.</summary>
    /// <param name="failure">Null for success.</param>
    /// <param name="isOfServer">
    /// Whether it is the failure of whoever asks these URLs in the same way; otherwise of whoever asks the very same.
    /// </param>
    public void Complete(RunException? failure, bool isOfServer = false)
    {
        if (_file is not null && !_isComplete)
        {
            _isComplete = true;

            // The digest is also one of secrets, so it is written only if it is needed, to a file that is private and about to be removed.
            var asked = failure is null ? "" : (isOfServer ? _question?.Server : _question?.Whole) ?? "";
            _ = Files.Write(_file, new Note(_cache.Now, failure, asked).ToBytes());
        }
    }

    public void Dispose()
    {
        if (_file is not null)
        {
            _ = RemoveIfCurrent(_file, _path);
            _file.Dispose();
        }
    }

    /// <summary>Waits for the lock. <see cref="Errno.Again"/>: the fetch that holds it makes no progress.</summary>
    private static Errno Lock(SafeFileHandle file, string url)
    {
        if (Files.Lock(file, wait: false) is var free && free != Errno.Again)
        {
            return free;
        }

        var shown = Messages.Printable(UrlText.Redacted(url));
        using var line = ProgressLine.Begin(() => $"waiting for another run that is fetching {shown} …");
        (long Size, FileStamp? Followed) seen = default;
        var silence = Stopwatch.StartNew();
        var backoff = new Backoff();
        while (true)
        {
            if (Files.Lock(file, wait: false) is var error && error != Errno.Again)
            {
                return error;
            }

            if (Progress(file) is var now && now != seen)
            {
                seen = now;
                silence.Restart();
            }
            else if (silence.Elapsed > s_patience)
            {
                return Errno.Again;
            }

            backoff.Wait();
        }
    }

    /// <summary>How much the fetch has said, and the state of the file that it writes to; null if there is none.</summary>
    private static (long Size, FileStamp? Followed) Progress(SafeFileHandle file)
    {
        var start = Descriptors.ReadStart(Descriptors.Number(file), MaxNoteBytes).Value;
        var end = start.AsSpan().IndexOf((byte)'\n');
        return (
            Files.Status(file).Value?.Size ?? 0,
            end > 0 ? Files.LinkStatus(OsText.FromBytes(start.AsSpan(0, end))).Value?.Stamp : null);
    }

    /// <summary>Opens or creates the file. Another user's note could stop this user's fetches, so such a file is refused.</summary>
    private static Result<SafeFileHandle> OpenIn(string directory, string path)
    {
        _ = TrustedPath.Check(directory);
        var flags = OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow | OpenFlags.NonBlock;
        var opened = Files.Open(path, flags, Permissions.PrivateFile);
        for (var attempt = 1; opened.Error == Errno.NoEntry && attempt <= MaxAttempts; attempt++)
        {
            TrustedPath.MakePrivateDirectory(directory);
            opened = Files.Open(path, flags, Permissions.PrivateFile);
        }

        if (opened.Value is { } file)
        {
            try
            {
                _ = TrustedPath.Check(path, Files.Status(file));
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }

        return opened;
    }

    private static Errno RemoveIfCurrent(SafeFileHandle file, string path) => Files.IsAt(file, path) ? Files.Remove(path) : Errno.None;

    /// <param name="Asked">Whom a failure concerns: see <see cref="Question"/>.</param>
    private sealed record Note(DateTimeOffset Ended, RunException? Failure, string Asked)
    {
        /// <summary>The line before those of a failure that may pass.</summary>
        private const string Passing = "may pass";

        public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"{(Failure is { MayPass: true } ? Passing : "")}\n{Ended.UtcTicks}\n{(int)(Failure?.Status ?? ExitStatus.Ok)}\n"
                + $"{Line(Failure?.Message)}\n{Line(Failure?.Hint)}\n{Asked}\n"));

        public static Note? Parse(byte[] bytes) =>
            Encoding.UTF8.GetString(bytes).Split('\n') is [.., var passing, var ticks, var status, var message, var hint, var asked, ""]
            && long.TryParse(ticks, CultureInfo.InvariantCulture, out var t) && t >= 0 && t <= DateTime.MaxValue.Ticks
            && int.TryParse(status, CultureInfo.InvariantCulture, out var s)
                ? new Note(
                    new DateTimeOffset(t, TimeSpan.Zero),
                    s == 0 ? null
                        : new RunException((ExitStatus)s, message, hint.Length > 0 ? hint : null) { MayPass = passing == Passing },
                    asked)
                : null;

        private static string Line(string? text) => Messages.Printable(text ?? "");
    }
}
