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
/// <param name="slip">What was probably meant by a bare NAME that there is not; null if that cannot be told.</param>
internal sealed class ScriptProvider(
    Cache cache, ScriptLock ownLock, string stateDirectory, ReadSet reads, bool offline, Func<ResolvedScript, string?> slip)
{
    private const string NotAsked = "offline, so the server cannot be asked";

    private readonly Signatures _signatures = new(cache, reads);

    /// <param name="update">Whether to ask the server even if the copy is usable.</param>
    /// <param name="consent">Asks the user about bytes that are new here; null: no question.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 78, 127: the script is not available; the present copy is unchanged.</exception>
    public CachedScript Get(ResolvedScript script, bool update, Consent? consent = null)
    {
        var isNoted = script.Tree is null || cache.Trees.NoteUse(script);
        try
        {
            var copy = Current(script, update, consent);
            return (consent?.Require(copy) ?? copy).At(script);
        }
        catch (RunException) when (!isNoted)
        {
            cache.Trees.ForgetUse(script);
            throw;
        }
    }

    /// <summary>As <see cref="Get"/>, for a script of many files: the tree, whether or not the script is in it.</summary>
    /// <inheritdoc cref="Get"/>
    public CachedScript GetTree(ResolvedScript script)
    {
        var isNoted = cache.Trees.IsNoted(script);
        try
        {
            return Current(script, update: false, null);
        }
        finally
        {
            if (!isNoted)
            {
                cache.Trees.ForgetUse(script);
            }
        }
    }

    /// <summary>The cached script whose name is most similar to that of a missing one; null if none is similar.</summary>
    public string? NearestCached(ResolvedScript script) =>
        Suggestion.For(script.DisplayName, cache.All().Where(static c => !c.IsWholeTree).Select(static c => c.Record.Script)
            .Where(name => name != script.DisplayName));

    /// <summary>
    /// The cached copy; null if there is none, or if it does not have the requested digest, or if it must be signed and has no signature.
    /// A damaged one counts as none: nothing is mended here.
    /// </summary>
    /// <remarks>Of a script of many files it is the tree; <see cref="CachedScript.At"/> is the script.</remarks>
    /// <exception cref="RunException">65: none of its source's signers has signed it. 69, 77, 78: that cannot be found out.</exception>
    public CachedScript? Find(ResolvedScript script) =>
        Cached(script, mayMend: false) is { } copy && copy.Fits(script) ? _signatures.Held(copy, script) : null;

    /// <summary>As <see cref="Find"/>, whoever has signed it: to be shown, and not to be run. A damaged tree is mended.</summary>
    public CachedScript? FindAny(ResolvedScript script) =>
        Cached(script, mayMend: true) is { } copy && copy.Fits(script) ? copy : null;

    /// <summary>
    /// False if SCRIPT asks for a digest that the copy does not have. The digest of a pin does not count here: what is cached of a pinned
    /// script is its copy, before and after the pin has moved.
    /// </summary>
    public bool MayHaveCopy(ResolvedScript script) =>
        script is { HasDigest: false } or { IsPinned: true } || (Cached(script, mayMend: false) is { } copy && copy.Fits(script));

    /// <summary>The server's present version, to be shown. Nothing is accepted, and the cached copy is unchanged.</summary>
    /// <param name="mayBeUnsigned">Whether it is shown even if none of its source's signers has signed it.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 78, 127.</exception>
    public Download Latest(ResolvedScript script, bool mayBeUnsigned = false)
    {
        if (offline)
        {
            throw Offline(script, NotAsked);
        }

        cache.Prepare();
        var latest = Download.Fetch(script, cache, reads, _signatures, null, mayBeUnsigned: mayBeUnsigned);
        try
        {
            ExpectedDigest.Check(script, latest.Sha256, latest.Tree);
            return latest;
        }
        catch
        {
            latest.Dispose();
            throw;
        }
    }

    /// <summary>What is cached under the script's URL, whatever its digest; null if there is nothing.</summary>
    /// <param name="mayMend">Whether a tree may be made again from what was fetched.</param>
    private CachedScript? Cached(ResolvedScript script, bool mayMend)
    {
        if (script.Tree is not { } tree)
        {
            return cache.Find(script.Url);
        }

        return cache.Trees.Find(tree, out var damaged)
            ?? (damaged is not null && mayMend ? TreeDownload.Restore(tree, cache, reads) : null)
            ?? (mayMend ? TreeDownload.FetchedBefore(script, tree, cache, reads, _signatures, IsRunning) : null);
    }

    /// <summary>How old the copy may be; null: any age, as for a script whose digest is known.</summary>
    public static TimeSpan? MaxAge(ResolvedScript script) => script.HasDigest ? null : script.Source?.MaxAge;

    private CachedScript Current(ResolvedScript script, bool update, Consent? consent)
    {
        var any = FindAny(script);

        // If the server is asked anyway, it may have what one of the signers has signed.
        var mustHold = any is not null && !update && (offline || IsFresh(any, script));
        var copy = any is null ? null : mustHold ? _signatures.Held(any, script) : _signatures.HeldOrNone(any, script, anew: true);
        if (copy is not null && mustHold)
        {
            return copy;
        }

        if (offline)
        {
            throw Offline(script, update ? NotAsked : any is null ? "not cached, and offline" : "its copy has no signature, and offline");
        }

        try
        {
            return Renew(script, update, consent);
        }
        catch (RunException e) when (copy is not null && !update && LeavesOld(e))
        {
            NoteOld(copy, script, e);
            return copy;
        }
        catch (RunException e) when (e.Status == ExitStatus.NotFound && HintFor(script, e.Hint) is var hint && hint != e.Hint)
        {
            throw new RunException(e.Status, e.Message, hint);
        }
    }

    /// <summary>Whether an old copy is used after that failure, if the server was asked only because of the copy's age.</summary>
    /// <remarks>A body that was cut short is 65, but nothing is wrong with it except the connection.</remarks>
    public static bool LeavesOld(RunException failure) =>
        failure.MayPass || failure.Status is ExitStatus.Unavailable or ExitStatus.CannotWrite;

    /// <summary>Says that an old copy is used, because it is better than none.</summary>
    public void NoteOld(CachedScript copy, ResolvedScript script, RunException failure) =>
        Messages.Note($"{script.DisplayName}: using the copy of {Age(copy)} ago: {failure.Message}");

    /// <summary>What may help if there is no such script: it may be a slip, or in a subgroup, or private.</summary>
    private string? HintFor(ResolvedScript script, string? hint)
    {
        if (script.IsBare && slip(script) is { } meant)
        {
            return meant;
        }

        if (script is { Source: { } source, PathAndRef: { } rest } && source.InSubgroup(rest) is { } inSubgroup)
        {
            return $"in a subgroup it would be {inSubgroup}{(hint is null ? "" : $"; {hint}")}";
        }

        return (script.IsBare ? null : hint) ?? RefWithAt(script.Tree)
            ?? (NearestCached(script) is { } nearest ? $"did you mean {nearest}?" : null)
            ?? (script.IsBareAndBuiltIn ? "run --init creates a run.conf, which says where names come from" : hint);
    }

    /// <summary>How a branch or tag with an <c>@</c> is written, if the path may have been meant to end before it.</summary>
    private static string? RefWithAt(TreeUrl? tree) =>
        tree is { IsRepository: true, Path: var path, Ref: var reference } && path.IndexOf('@', StringComparison.Ordinal) is > 0 and var at
            ? "an @ in a branch or tag is written %40 in a URL: "
                + UrlText.Redacted((tree with { Path = path[..at], Ref = $"{path[(at + 1)..]}@{reference}" }).ToString())
            : null;

    /// <summary>Whether the server need not be asked about the copy.</summary>
    public bool IsFresh(CachedScript copy, ResolvedScript script) => copy.IsFresh(MaxAge(script), reads.Now);

    private CachedScript Renew(ResolvedScript script, bool update, Consent? consent)
    {
        cache.Prepare();
        Signals.HandleInterrupts();
        Download? download = null;
        CachedScript? copy;
        var question = Question.Of(script, AskedWith.Of(script));
        using (var flight = SingleFlight.Enter(cache, script.Tree?.PackageAndRef ?? script.Url, question))
        {
            copy = Cached(script, mayMend: true);
            if (flight is null)
            {
                // Another process has just fetched it. If it has been removed since, try again.
                return copy is null ? Renew(script, update, consent)
                    : _signatures.Held(Matching(copy, script), script) ?? Renew(script, update, consent);
            }

            // Judged anew also if the server then answers that the copy is current, or that the ref is still the same commit.
            copy = copy is not null && copy.Fits(script) ? _signatures.HeldOrNone(copy, script, anew: true) : null;

            if (copy is not null && !update && IsFresh(copy, script))
            {
                return copy;
            }

            try
            {
                download = Download.Fetch(script, cache, reads, _signatures, copy, flight);
                if (consent is null || download.NotModified || !consent.IsNeeded(download.Content, copy))
                {
                    var renewed = Keep(download, script, copy)
                        ?? Keep(Download.Fetch(script, cache, reads, _signatures, null, flight), script, null) ?? throw Removed(script);
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
            consent.Ask(
                download.Path, download.Script, download.Content, download.Size, download.SignedBy, download.Listing, copy);
            return download.Keep(copy, IsRunning) ?? throw Removed(script);
        }
    }

    private static RunException Removed(ResolvedScript script) =>
        new(ExitStatus.CannotWrite, $"{script.DisplayName}: another process has removed it from the cache while it was fetched");

    /// <inheritdoc cref="Download.Keep"/>
    private CachedScript? Keep(Download download, ResolvedScript script, CachedScript? copy)
    {
        using (download)
        {
            // Checked before it is stored, so that a mismatch leaves the cached copy unchanged.
            if (!download.NotModified)
            {
                ExpectedDigest.Check(script, download.Sha256, download.Tree);
                RequireScript(download, script, copy);
            }

            return download.Keep(copy, IsRunning) is { } kept ? Matching(kept, script) : null;
        }
    }

    /// <summary>
    /// As a server's 404 leaves the copy of a single script, a new version of a tree that no longer has the script leaves that of the tree.
    /// </summary>
    private void RequireScript(Download download, ResolvedScript script, CachedScript? copy)
    {
        if (copy?.Tree?.HasScript(script.Tree!.Path, copy.Record.Top) != true)
        {
            return;
        }

        try
        {
            _ = download.Script;
        }
        catch (RunException e) when (e.Status is ExitStatus.NotFound or ExitStatus.CannotStart)
        {
            throw new RunException(e.Status, $"{e.Message} any more, so the copy of {Age(copy)} ago stays", e.Hint);
        }
    }

    private bool IsRunning(string key) => ownLock.IsHeldElsewhere(LockRequest.PathOf(stateDirectory, key));

    private static CachedScript Matching(CachedScript copy, ResolvedScript script)
    {
        ExpectedDigest.Check(script, copy.Record.Sha256, copy.Record.Tree);
        return copy;
    }

    private static RunException Offline(ResolvedScript script, string what) =>
        new(ExitStatus.Unavailable, $"{script.DisplayName}: {what}", "--offline or RUN_OFFLINE forbids the network");

    private string Age(CachedScript copy)
    {
        var age = reads.Now - copy.Record.Checked;
        return age < TimeSpan.Zero ? "some time" : HumanFormat.Age(age);
    }
}
