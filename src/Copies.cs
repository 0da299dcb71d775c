using Run.Caching;
using Run.Fetching;

namespace Run;

/// <summary>From what is wanted to the file that has it: the copy that is there, where it will do, and a fetch where not.</summary>
internal static class Copies
{
    /// <param name="update">Whether the server is to be asked even where the copy would do.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 127: it could not be had, and what was there is still there.</exception>
    public static CachedScript Get(Wanted wanted, Surroundings surroundings, bool update)
    {
        var copy = Find(wanted, surroundings.Cache);
        if (copy is not null && !update && WillDo(copy, wanted))
        {
            return copy;
        }

        if (surroundings.Offline)
        {
            return copy is not null && !update
                ? copy
                : throw new RunException(
                    ExitStatus.Unavailable,
                    update ? $"{wanted.Shown}: offline, so the server is not asked" : $"{wanted.Shown}: not cached, and offline",
                    "--offline or RUN_OFFLINE forbids the network");
        }

        try
        {
            return Renew(wanted, surroundings.Cache, update);
        }
        catch (RunException e) when (copy is not null && !update && (e.Status is ExitStatus.Unavailable or ExitStatus.CannotWrite))
        {
            // Its age alone was the reason to ask: better an old copy than none.
            Voice.Note($"{wanted.Shown}: runs as it was {Ago(copy)} ago: {e.Message}");
            return copy;
        }
    }

    /// <summary>The copy that is there; one with other bytes than those asked for is none.</summary>
    public static CachedScript? Find(Wanted wanted, Cache cache) =>
        cache.Find(wanted.Url) is { } copy && (wanted.Digest is null || copy.Record.Sha256 == wanted.Digest) ? copy : null;

    private static bool WillDo(CachedScript copy, Wanted wanted) => copy.IsFresh(MaxAge(wanted));

    /// <summary>How old its copy may be; null: any age will do, as where the bytes are known beforehand.</summary>
    public static TimeSpan? MaxAge(Wanted wanted) => wanted.Digest is null ? wanted.Source?.MaxAge : null;

    private static CachedScript Renew(Wanted wanted, Cache cache, bool update)
    {
        cache.Make();
        Kernel.OnInterruptRemove(null);
        using var flight = Flight.Board(cache, wanted.Url);
        var copy = cache.Find(wanted.Url);
        if (flight is null)
        {
            // Another process has just fetched it. Where somebody has removed it since, once more.
            return copy is null ? Renew(wanted, cache, update) : Matching(copy, wanted);
        }

        if (copy is not null && wanted.Digest is not null && copy.Record.Sha256 != wanted.Digest)
        {
            copy = null;
        }

        if (copy is not null && !update && WillDo(copy, wanted))
        {
            return copy;
        }

        try
        {
            var renewed = Fetch(wanted, cache, copy);
            flight.Land(null);
            return Matching(renewed, wanted);
        }
        catch (RunException e)
        {
            flight.Land(e);
            throw;
        }
    }

    private static CachedScript Fetch(Wanted wanted, Cache cache, CachedScript? copy)
    {
        TemporaryFile.Sweep(cache.Root);
        using var temporary = TemporaryFile.Create(cache.Root);
        Kernel.OnInterruptRemove(temporary.Path);
        var source = wanted.Source;
        var result = Fetching.Fetch.Get(
            new FetchRequest(
                wanted.Url, [.. wanted.Urls.Skip(1)], Variables.Expand(source?.Headers ?? []), source?.PlainHttpAllowed ?? false, wanted.Digest,
                copy?.Record.ETag, copy?.Record.LastModified),
            temporary.Handle);
        var now = DateTimeOffset.UtcNow;
        if (result.NotModified && copy is not null)
        {
            return cache.Confirm(wanted.Url, copy, now, result.ETag, result.LastModified);
        }

        // Before it is stored: what is there stays there.
        CheckDigest(result.Sha256, wanted);
        var stored = cache.Store(wanted.Url, temporary, new CacheRecord(
            wanted.Shown, UrlText.Shown(wanted.Url), UrlText.FileName(wanted.Url), result.Sha256, result.Size, now, now, result.ETag, result.LastModified));
        Kernel.OnInterruptRemove(null);
        return stored;
    }

    private static CachedScript Matching(CachedScript copy, Wanted wanted)
    {
        CheckDigest(copy.Record.Sha256, wanted);
        return copy;
    }

    private static void CheckDigest(string actual, Wanted wanted)
    {
        if (wanted.Digest is { } expected && actual != expected)
        {
            throw Mismatch(wanted.Shown, expected, actual);
        }
    }

    /// <summary>The bytes are others than those that were asked for.</summary>
    public static RunException Mismatch(string shown, string expected, string actual) =>
        new(ExitStatus.Data, $"{shown}: not the bytes that were asked for", $"expected sha256 {expected}, got {actual}");

    private static string Ago(CachedScript copy)
    {
        var age = DateTimeOffset.UtcNow - copy.Record.Checked;
        return age < TimeSpan.Zero ? "some time" : Ages.Text(age);
    }
}
