using Run.Caching;
using Run.Inputs;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Trust;

namespace Run.Acquisition;

/// <summary>Finds the file with a script's bytes: the cached copy if it is usable, else a download.</summary>
/// <param name="ownLock">The lock of this run. Other holders may still be reading an old version.</param>
/// <param name="offline">Whether the network must not be touched.</param>
internal sealed class ScriptProvider(Cache cache, ScriptLock ownLock, string stateDirectory, ReadSet reads, bool offline)
{
    private const string NotAsked = "offline, so the server cannot be asked";

    /// <param name="update">Whether to ask the server even if the copy is usable.</param>
    /// <param name="consent">Asks the user about bytes that are new here; null: no question.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 78, 127: the script is not available; the present copy is unchanged.</exception>
    public CachedScript Get(ResolvedScript script, bool update, Consent? consent = null)
    {
        var copy = Current(script, update, consent);
        return consent?.Require(copy) ?? copy;
    }

    /// <summary>The cached script whose name is most similar to that of a missing one; null if none is similar.</summary>
    public string? NearestCached(ResolvedScript script) =>
        Suggestion.For(script.DisplayName, cache.All().Select(static c => c.Record.Script).Where(name => name != script.DisplayName));

    /// <summary>The cached copy; null if there is none, or if it does not have the requested digest.</summary>
    public CachedScript? Find(ResolvedScript script) =>
        cache.Find(script.Url) is { } copy && (script.Digest is null || copy.Record.Sha256 == script.Digest) ? copy : null;

    /// <summary>The server's present version, to be shown. Nothing is accepted, and the cached copy is unchanged.</summary>
    /// <exception cref="RunException">65, 69, 73, 77, 78, 127.</exception>
    public Download Latest(ResolvedScript script)
    {
        if (offline)
        {
            throw Offline(script, NotAsked);
        }

        cache.Prepare();
        return Download.Fetch(script, cache, null);
    }

    /// <summary>How old the copy may be; null: any age, as for a script whose digest is known.</summary>
    public static TimeSpan? MaxAge(ResolvedScript script) => script.Digest is null ? script.Source?.MaxAge : null;

    private CachedScript Current(ResolvedScript script, bool update, Consent? consent)
    {
        var copy = Find(script);
        if (copy is not null && !update && IsFresh(copy, script))
        {
            return copy;
        }

        if (offline)
        {
            return copy is not null && !update
                ? copy
                : throw Offline(script, update ? NotAsked : "not cached, and offline");
        }

        try
        {
            return Renew(script, update, consent);
        }
        catch (RunException e) when (copy is not null && !update && (e.Status is ExitStatus.Unavailable or ExitStatus.CannotWrite))
        {
            // The server was asked only because of the copy's age, and an old copy is better than none.
            Messages.Note($"{script.DisplayName}: using the copy of {Age(copy)} ago: {e.Message}");
            return copy;
        }
        catch (RunException e) when (e is { Status: ExitStatus.NotFound, Hint: null } && NearestCached(script) is { } nearest)
        {
            throw new RunException(e.Status, e.Message, $"did you mean {nearest}?");
        }
    }

    private bool IsFresh(CachedScript copy, ResolvedScript script) => copy.IsFresh(MaxAge(script), reads.Now);

    private CachedScript Renew(ResolvedScript script, bool update, Consent? consent)
    {
        cache.Prepare();
        Signals.OnInterruptRemove(null);
        Download? download = null;
        CachedScript? copy;
        using (var flight = SingleFlight.Enter(cache, script.Url))
        {
            copy = cache.Find(script.Url);
            if (flight is null)
            {
                // Another process has just fetched it. If it has been removed since, try again.
                return copy is null ? Renew(script, update, consent) : Matching(copy, script);
            }

            if (copy is not null && script.Digest is not null && copy.Record.Sha256 != script.Digest)
            {
                copy = null;
            }

            if (copy is not null && !update && IsFresh(copy, script))
            {
                return copy;
            }

            try
            {
                download = Download.Fetch(script, cache, copy, flight);
                if (consent is null || download.NotModified || consent.IsGiven(download.Sha256))
                {
                    var renewed = Keep(download, script, copy);
                    flight.Complete(null);
                    return renewed;
                }
            }
            catch (RunException e)
            {
                flight.Complete(e);
                throw;
            }
        }

        // A user may take long to answer, and answers only for this process. So other processes do not wait for the answer, and ask
        // themselves. Until it is yes, the cached copy is unchanged.
        using (download)
        {
            consent.Ask(download.Path, download.Sha256, download.Size, copy);
            return download.Keep(copy, () => IsRunning(script));
        }
    }

    private CachedScript Keep(Download download, ResolvedScript script, CachedScript? copy)
    {
        using (download)
        {
            // Checked before it is stored, so that a mismatch leaves the cached copy unchanged.
            if (!download.NotModified)
            {
                CheckDigest(download.Sha256, script);
            }

            return Matching(download.Keep(copy, () => IsRunning(script)), script);
        }
    }

    private bool IsRunning(ResolvedScript script) =>
        ownLock.IsHeldElsewhere(LockRequest.From(script, stateDirectory, exclusive: false));

    private static CachedScript Matching(CachedScript copy, ResolvedScript script)
    {
        CheckDigest(copy.Record.Sha256, script);
        return copy;
    }

    private static void CheckDigest(string actual, ResolvedScript script)
    {
        if (script.Digest is not { } expected || actual == expected)
        {
            return;
        }

        throw !script.IsPinned ? Digest.Mismatch(script.DisplayName, expected, actual) : new RunException(
            ExitStatus.Data,
            $"{script.DisplayName}: {UrlText.Redacted(script.Url)} does not match the pin in {script.PinnedBy}: "
                + $"expected sha256:{expected}, got sha256:{actual}",
            $"run --diff {script.ShellQuoted} shows the change, run --pin {script.ShellQuoted} accepts it");
    }

    private static RunException Offline(ResolvedScript script, string what) =>
        new(ExitStatus.Unavailable, $"{script.DisplayName}: {what}", "--offline or RUN_OFFLINE forbids the network");

    private string Age(CachedScript copy)
    {
        var age = reads.Now - copy.Record.Checked;
        return age < TimeSpan.Zero ? "some time" : HumanFormat.Age(age);
    }
}
