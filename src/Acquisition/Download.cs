using Run.Caching;
using Run.Configuration;
using Run.Http;
using Run.Inputs;
using Run.Naming;
using Run.Reporting;
using Run.Signing;
using Run.Storage;
using Run.Trees;

namespace Run.Acquisition;

/// <summary>
/// What was fetched, complete, in the cache's staging directory. It has not been accepted yet, and is either kept or removed.
/// </summary>
internal abstract class Download : IDisposable
{
    /// <summary>Whether the server answered that the copy is current (304); then there are no bytes.</summary>
    public abstract bool NotModified { get; }

    /// <summary>The file; for a script of many files, the directory of its tree.</summary>
    public abstract string Path { get; }

    /// <summary>The script itself, and how many files were fetched with it, itself included.</summary>
    /// <exception cref="RunException">126: it is not a regular file. 127: the tree has no such file.</exception>
    public virtual (string Path, int Files) Script => (Path, 1);

    /// <summary>The digest of the bytes that were fetched; empty for a repository.</summary>
    public abstract string Sha256 { get; }

    /// <summary>The digest of the tree; null for a script that is one file.</summary>
    public virtual string? Tree => null;

    /// <summary>Each file of the tree; null for a script that is one file, and after a 304.</summary>
    public virtual TreeListing? Listing => null;

    /// <summary>The commit that was fetched; null if it is not known.</summary>
    public virtual string? Commit => null;

    /// <summary>Who has signed it; null if its source has no signers, and after a 304.</summary>
    public virtual SignedBy? SignedBy => null;

    /// <summary>Why it must not be kept: it is not signed by one of the source's signers. Null if it may be.</summary>
    public RunException? Unsigned { get; private protected init; }

    /// <summary>Of the script, or of all files of the tree, in bytes.</summary>
    public abstract long Size { get; }

    /// <summary>What is accepted or refused: the digest of the tree, or of the script.</summary>
    public string Content => Tree ?? Sha256;

    /// <param name="copy">The present copy, so that the server need not send it again; null: none. Its signature holds.</param>
    /// <param name="flight">Who waits for this fetch; null: nobody.</param>
    /// <param name="mayBeUnsigned">Whether it is only to be shown; see <see cref="Unsigned"/>.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 78, 127.</exception>
    public static Download Fetch(
        ResolvedScript script, Cache cache, ReadSet reads, Signatures signatures, CachedScript? copy, SingleFlight? flight = null,
        bool mayBeUnsigned = false)
    {
        cache.Sweep();
        return script.Tree switch
        {
            null => FileDownload.Fetch(script, cache, signatures, copy, flight, mayBeUnsigned),
            { IsRepository: true } tree => TreeDownload.FetchCommit(script, tree, cache, reads, signatures, copy, flight, mayBeUnsigned),
            var tree => TreeDownload.FetchArchive(script, tree, cache, signatures, copy, flight, mayBeUnsigned),
        };
    }

    /// <summary>Says why a version that is only compared would not be run; see <see cref="Unsigned"/>.</summary>
    public static void NoteUnsigned(RunException why) => Messages.Note($"{why.Message}, so it would not be run", why.Hint);

    /// <summary>Makes it the cached copy of its URL; after a 304, confirms the present copy.</summary>
    /// <param name="copy">The present copy; null: none.</param>
    /// <param name="isRunning">Whether another process is running the script with that key of its lock.</param>
    /// <returns>Null if the server has not sent it, because it is cached, and <c>--clean</c> has removed it from there since.</returns>
    /// <exception cref="RunException">73.</exception>
    public abstract CachedScript? Keep(CachedScript? copy, Func<string, bool> isRunning);

    public abstract void Dispose();

    /// <summary>Fetches the bytes of the first of the URLs that has them.</summary>
    /// <param name="urls">The URL, then those of the mirrors.</param>
    /// <param name="request">What was asked for.</param>
    private protected static FetchResult Get(
        ResolvedScript script, IReadOnlyList<string> urls, StagingFile staging, CachedScript? copy, SingleFlight? flight,
        out FetchRequest request)
    {
        var source = script.Source;
        request = new FetchRequest(
            urls[0],
            [.. urls.Skip(1)],
            VariableExpansion.Expand(source?.Headers ?? [], FetchEnvironment.Variable),
            source?.PlainHttpAllowed ?? false,
            script.Digest,
            copy?.Record.ETag,
            copy?.Record.LastModified)
        {
            AsItIs = script.Tree is not null,
            IsKnown = script.TreeDigest is not null,
        };
        try
        {
            flight?.Follow(staging.Path);
            return Fetcher.Get(request, staging.Handle);
        }
        catch (RunException e) when (e.Status == ExitStatus.Unavailable)
        {
            flight?.Complete(e, isOfServer: true);
            throw;
        }
        catch (RunException e) when (e.Status is ExitStatus.NotFound or ExitStatus.Refused)
        {
            throw VariableExpansion.FirstUnset(source?.Headers ?? [], FetchEnvironment.Variable) is var (field, variable)
                ? new RunException(e.Status, e.Message, $"the header {field} of {source!.Name} was not sent, because {variable} is not set")
                : e;
        }
    }

    /// <summary>Who has signed it, if its source has signers; or why it must not be kept.</summary>
    /// <param name="find">Finds that out; throws 65 if none of the signers has, and for nothing else.</param>
    private protected static (SignedBy? By, RunException? Failure) Signed(
        ResolvedScript script, Signatures signatures, bool mayBeUnsigned, Func<AllowedSigners, SignedBy> find)
    {
        try
        {
            return (signatures.Of(script) is { } signers ? find(signers) : null, null);
        }
        catch (RunException e) when (e.Status == ExitStatus.Data && (mayBeUnsigned || !e.MayPass))
        {
            return mayBeUnsigned
                ? (null, e)
                : throw new RunException(e.Status, e.Message, e.Hint) { Unsigned = UnsignedBytes.Fetched };
        }
    }
}
