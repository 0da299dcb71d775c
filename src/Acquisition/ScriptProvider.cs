using Run.Caching;
using Run.Inputs;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Trust;

namespace Run.Acquisition;

/// <summary>From a script's name to the file that has its bytes: the cached copy if it will do, and a fetch if not.</summary>
/// <param name="ownLock">The lock of this run: whoever holds it elsewhere may still look at an old version.</param>
/// <param name="offline">Whether the network must not be touched.</param>
internal sealed class ScriptProvider(Cache cache, ScriptLock ownLock, string stateDirectory, ReadSet reads, bool offline)
{
    private const string NotAsked = "offline, so the server is not asked";

    /// <param name="update">Whether the server is to be asked even if the copy would do.</param>
    /// <param name="consent">Who is to accept bytes that are new here; null: nobody is asked.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 127: it could not be had, and what was there is still there.</exception>
    public CachedScript Get(ResolvedScript script, bool update, Consent? consent = null)
    {
        var copy = Current(script, update, consent);
        return consent?.Require(copy) ?? copy;
    }

    /// <summary>The cached script whose name is nearest to one that is not there; null if none is near.</summary>
    public string? NearestCached(ResolvedScript script) =>
        Suggestion.For(script.DisplayName, cache.All().Select(static c => c.Record.Script).Where(name => name != script.DisplayName));

    /// <summary>The copy that is there; one with other bytes than those asked for is none.</summary>
    public CachedScript? Find(ResolvedScript script) =>
        cache.Find(script.Url) is { } copy && (script.Digest is null || copy.Record.Sha256 == script.Digest) ? copy : null;

    /// <summary>What the server has now, for looking at: nothing is accepted, and what is there stays.</summary>
    /// <exception cref="RunException">65, 69, 73, 77, 127.</exception>
    public Download Latest(ResolvedScript script)
    {
        if (offline)
        {
            throw Offline(script, NotAsked);
        }

        cache.Make();
        return Download.Fetch(script, cache, null);
    }

    /// <summary>How old its copy may be; null: any age will do, as when the bytes are known beforehand.</summary>
    public static TimeSpan? MaxAge(ResolvedScript script) => script.Digest is null ? script.Source?.MaxAge : null;

    private CachedScript Current(ResolvedScript script, bool update, Consent? consent)
    {
        var copy = Find(script);
        if (copy is not null && !update && WillDo(copy, script))
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
            // Its age alone was the reason to ask: better an old copy than none.
            Messages.Note($"{script.DisplayName}: runs as it was {Ago(copy)} ago: {e.Message}");
            return copy;
        }
        catch (RunException e) when (e is { Status: ExitStatus.NotFound, Hint: null } && NearestCached(script) is { } nearest)
        {
            throw new RunException(e.Status, e.Message, $"did you mean {nearest}?");
        }
    }

    private bool WillDo(CachedScript copy, ResolvedScript script) => copy.IsFresh(MaxAge(script), reads.Now);

    private CachedScript Renew(ResolvedScript script, bool update, Consent? consent)
    {
        cache.Make();
        Signals.OnInterruptRemove(null);
        Download? download = null;
        CachedScript? copy;
        using (var flight = SingleFlight.Enter(cache, script.Url))
        {
            copy = cache.Find(script.Url);
            if (flight is null)
            {
                // Another process has just fetched it. If somebody has removed it since, once more.
                return copy is null ? Renew(script, update, consent) : Matching(copy, script);
            }

            if (copy is not null && script.Digest is not null && copy.Record.Sha256 != script.Digest)
            {
                copy = null;
            }

            if (copy is not null && !update && WillDo(copy, script))
            {
                return copy;
            }

            try
            {
                download = Download.Fetch(script, cache, copy);
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

        // People take their time to answer, and one's no is not another's: so nobody waits for this, and each asks for itself. Until the answer
        // is yes, what is there stays there.
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
            // Before it is stored: what is there stays there.
            if (!download.NotModified)
            {
                CheckDigest(download.Sha256, script);
            }

            return Matching(download.Keep(copy, () => IsRunning(script)), script);
        }
    }

    private bool IsRunning(ResolvedScript script) => ownLock.IsHeldElsewhere(LockRequest.From(script, stateDirectory, exclusive: false));

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
            $"{script.DisplayName}: {UrlText.Redacted(script.Url)} is not what is pinned: expected sha256:{expected}, got sha256:{actual}",
            $"run --diff {script.ShellQuoted} shows the change, run --pin {script.ShellQuoted} accepts it");
    }

    private static RunException Offline(ResolvedScript script, string what) =>
        new(ExitStatus.Unavailable, $"{script.DisplayName}: {what}", "--offline or RUN_OFFLINE forbids the network");

    private string Ago(CachedScript copy)
    {
        var age = reads.Now - copy.Record.Checked;
        return age < TimeSpan.Zero ? "some time" : HumanFormat.Age(age);
    }
}
