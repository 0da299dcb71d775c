using Run.Caching;
using Run.Configuration;
using Run.Http;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Acquisition;

/// <summary>
/// A complete download in a staging file of the cache, which has not been checked or accepted yet. It is either kept or removed.
/// </summary>
internal sealed class Download : IDisposable
{
    private readonly ResolvedScript _script;
    private readonly Cache _cache;
    private readonly StagingFile _staging;
    private readonly Signals.Temporary _temporary;
    private readonly FetchResult _result;
    private readonly DateTimeOffset _at;

    private Download(ResolvedScript script, Cache cache, StagingFile staging, Signals.Temporary temporary, FetchResult result) =>
        (_script, _cache, _staging, _temporary, _result, _at) = (script, cache, staging, temporary, result, cache.Now);

    /// <summary>Whether the server answered that the copy is current (304); then there are no bytes.</summary>
    public bool NotModified => _result.NotModified;

    public string Path => _staging.Path;

    public string Sha256 => _result.Sha256;

    /// <summary>In bytes.</summary>
    public long Size => _result.Size;

    /// <param name="copy">The present copy, so that the server need not send it again; null: none.</param>
    /// <param name="flight">Who waits for this fetch; null: nobody.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 78, 127.</exception>
    public static Download Fetch(ResolvedScript script, Cache cache, CachedScript? copy, SingleFlight? flight = null)
    {
        cache.Sweep();
        var staging = Cache.Stage(cache.Root);
        var temporary = Signals.RemoveOnInterrupt(staging.Path);
        var source = script.Source;
        try
        {
            flight?.Follow(staging.Path);
            var result = Fetcher.Get(
                new FetchRequest(
                    script.Url,
                    [.. script.Urls.Skip(1)],
                    VariableExpansion.Expand(source?.Headers ?? [], FetchEnvironment.Variable),
                    source?.PlainHttpAllowed ?? false,
                    script.Digest,
                    copy?.Record.ETag,
                    copy?.Record.LastModified),
                staging.Handle);
            return new Download(script, cache, staging, temporary, result);
        }
        catch (Exception e)
        {
            temporary.Dispose();
            staging.Dispose();
            if (e is RunException { Status: ExitStatus.NotFound or ExitStatus.Refused } refused
                && VariableExpansion.FirstUnset(source?.Headers ?? [], FetchEnvironment.Variable) is var (field, variable))
            {
                throw new RunException(
                    refused.Status, refused.Message, $"the header {field} of {source!.Name} was not sent, because {variable} is not set");
            }

            throw;
        }
    }

    /// <summary>Makes it the cached copy of its URL; after a 304, confirms the present copy.</summary>
    /// <param name="copy">The present copy; null: none.</param>
    /// <param name="isRunning">Whether another process is running the script.</param>
    /// <exception cref="RunException">73.</exception>
    public CachedScript Keep(CachedScript? copy, Func<bool> isRunning)
    {
        if (_result.NotModified && copy is not null)
        {
            return _cache.Confirm(_script.Url, copy, _at, _result.ETag, _result.LastModified);
        }

        return _cache.Store(_script.Url, _staging, new CacheRecord(
            _script.DisplayName,
            UrlText.Redacted(_script.Url),
            UrlText.FileName(_script.Url),
            _result.Sha256,
            _result.Size,
            _at,
            _at,
            _result.ETag,
            _result.LastModified), isRunning);
    }

    public void Dispose()
    {
        _staging.Dispose();
        _temporary.Dispose();
    }
}
