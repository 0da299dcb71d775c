using Run.Caching;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Trust;


namespace Run.Acquisition;

/// <summary>From what is wanted to the file that has it: the copy that is there, where it will do, and a fetch where not.</summary>
internal static class ScriptProvider
{
    private const string NotAsked = "offline, so the server is not asked";

    /// <param name="update">Whether the server is to be asked even where the copy would do.</param>
    /// <param name="consent">Who is to accept bytes that are new here; null: nobody is asked.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 127: it could not be had, and what was there is still there.</exception>
    public static CachedScript Get(ResolvedScript wanted, RunContext context, bool update, Consent? consent = null)
    {
        var copy = Current(wanted, context, update, consent);
        return consent?.Require(copy) ?? copy;
    }

    private static CachedScript Current(ResolvedScript wanted, RunContext context, bool update, Consent? consent)
    {
        var copy = Find(wanted, context.Cache);
        if (copy is not null && !update && WillDo(copy, wanted))
        {
            return copy;
        }

        if (context.Offline)
        {
            return copy is not null && !update
                ? copy
                : throw Offline(wanted, update ? NotAsked : "not cached, and offline");
        }

        try
        {
            return Renew(wanted, context, update, consent);
        }
        catch (RunException e) when (copy is not null && !update && (e.Status is ExitStatus.Unavailable or ExitStatus.CannotWrite))
        {
            // Its age alone was the reason to ask: better an old copy than none.
            Messages.Note($"{wanted.DisplayName}: runs as it was {Ago(copy)} ago: {e.Message}");
            return copy;
        }
        catch (RunException e) when (e is { Status: ExitStatus.NotFound, Hint: null } && NearestCached(wanted, context.Cache) is { } nearest)
        {
            throw new RunException(e.Status, e.Message, $"did you mean {nearest}?");
        }
    }

    /// <summary>The cached script whose name is nearest to one that is not there; null where none is near.</summary>
    public static string? NearestCached(ResolvedScript wanted, Cache cache) =>
        Suggestion.For(wanted.DisplayName, cache.All().Select(static c => c.Record.Script).Where(name => name != wanted.DisplayName));

    /// <summary>The copy that is there; one with other bytes than those asked for is none.</summary>
    public static CachedScript? Find(ResolvedScript wanted, Cache cache) =>
        cache.Find(wanted.Url) is { } copy && (wanted.Digest is null || copy.Record.Sha256 == wanted.Digest) ? copy : null;

    /// <summary>What the server has now, for looking at: nothing is accepted, and what is there stays.</summary>
    /// <exception cref="RunException">65, 69, 73, 77, 127.</exception>
    public static Download Latest(ResolvedScript wanted, RunContext context)
    {
        if (context.Offline)
        {
            throw Offline(wanted, NotAsked);
        }

        context.Cache.Make();
        return Download.Fetch(wanted, context.Cache, null);
    }

    private static RunException Offline(ResolvedScript wanted, string what) =>
        new(ExitStatus.Unavailable, $"{wanted.DisplayName}: {what}", "--offline or RUN_OFFLINE forbids the network");

    private static bool WillDo(CachedScript copy, ResolvedScript wanted) => copy.IsFresh(MaxAge(wanted));

    /// <summary>How old its copy may be; null: any age will do, as where the bytes are known beforehand.</summary>
    public static TimeSpan? MaxAge(ResolvedScript wanted) => wanted.Digest is null ? wanted.Source?.MaxAge : null;

    private static CachedScript Renew(ResolvedScript wanted, RunContext context, bool update, Consent? consent)
    {
        var cache = context.Cache;
        cache.Make();
        Kernel.OnInterruptRemove(null);
        Download? arrival = null;
        CachedScript? copy;
        using (var flight = SingleFlight.Enter(cache, wanted.Url))
        {
            copy = cache.Find(wanted.Url);
            if (flight is null)
            {
                // Another process has just fetched it. Where somebody has removed it since, once more.
                return copy is null ? Renew(wanted, context, update, consent) : Matching(copy, wanted);
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
                arrival = Download.Fetch(wanted, cache, copy);
                if (consent is null || arrival.NotModified || consent.IsGiven(arrival.Sha256))
                {
                    var renewed = Keep(arrival, wanted, context, copy);
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
        using (arrival)
        {
            consent.Ask(arrival.Path, arrival.Sha256, arrival.Size, copy);
            return arrival.Keep(copy, () => IsRunning(wanted, context));
        }
    }

    private static CachedScript Keep(Download arrival, ResolvedScript wanted, RunContext context, CachedScript? copy)
    {
        using (arrival)
        {
            // Before it is stored: what is there stays there.
            if (!arrival.NotModified)
            {
                CheckDigest(arrival.Sha256, wanted);
            }

            return Matching(arrival.Keep(copy, () => IsRunning(wanted, context)), wanted);
        }
    }

    private static bool IsRunning(ResolvedScript wanted, RunContext context) =>
        ScriptLock.IsHeldElsewhere(new LockRequest(context.XdgPaths.State, wanted.Identity, wanted.DisplayName, LockMode.Shared));

    private static CachedScript Matching(CachedScript copy, ResolvedScript wanted)
    {
        CheckDigest(copy.Record.Sha256, wanted);
        return copy;
    }

    private static void CheckDigest(string actual, ResolvedScript wanted)
    {
        if (wanted.Digest is { } expected && actual != expected)
        {
            throw wanted.Pin is null ? Mismatch(wanted.DisplayName, expected, actual) : new RunException(
                ExitStatus.Data, $"{wanted.DisplayName}: {UrlText.Redacted(wanted.Url)} is not what is pinned: expected sha256:{expected}, got sha256:{actual}",
                $"run --diff {wanted.ShellQuoted} shows the change, run --pin {wanted.ShellQuoted} accepts it");
        }
    }

    /// <summary>The bytes are others than those that were asked for.</summary>
    public static RunException Mismatch(string shown, string expected, string actual) =>
        new(ExitStatus.Data, $"{shown}: not the bytes that were asked for", $"expected sha256 {expected}, got {actual}");

    private static string Ago(CachedScript copy)
    {
        var age = DateTimeOffset.UtcNow - copy.Record.Checked;
        return age < TimeSpan.Zero ? "some time" : HumanFormat.Age(age);
    }
}
