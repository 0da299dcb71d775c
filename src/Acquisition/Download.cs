using Run.Caching;
using Run.Configuration;
using Run.Http;
using Run.Naming;
using Run.Posix;
using Run.Reporting;


namespace Run.Acquisition;

/// <summary>What a server has sent: whole bytes in a staging file of the cache, looked at by nobody yet. It is kept, or gone.</summary>
internal sealed class Download : IDisposable
{
    private readonly ResolvedScript _script;
    private readonly Cache _cache;
    private readonly StagingFile _staging;
    private readonly FetchResult _result;
    private readonly DateTimeOffset _at;

    private Download(ResolvedScript script, Cache cache, StagingFile staging, FetchResult result) =>
        (_script, _cache, _staging, _result, _at) = (script, cache, staging, result, cache.Now);

    /// <summary>Whether the server said that the copy is current; then there are no bytes.</summary>
    public bool NotModified => _result.NotModified;

    public string Path => _staging.Path;

    public string Sha256 => _result.Sha256;

    public long Size => _result.Size;

    /// <param name="copy">What there is already, so that the server need not send it again.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 127.</exception>
    public static Download Fetch(ResolvedScript script, Cache cache, CachedScript? copy)
    {
        StagingFile.Sweep(cache.Root);
        var staging = StagingFile.Create(cache.Root);
        try
        {
            Signals.OnInterruptRemove(staging.Path);
            var source = script.Source;
            var result = Fetcher.Get(
                new FetchRequest(
                    script.Url, [.. script.Urls.Skip(1)], VariableExpansion.Expand(source?.Headers ?? [], FetchEnvironment.Variable), source?.PlainHttpAllowed ?? false, script.Digest,
                    copy?.Record.ETag, copy?.Record.LastModified),
                staging.Handle);
            return new Download(script, cache, staging, result);
        }
        catch
        {
            staging.Dispose();
            throw;
        }
    }

    /// <summary>Makes it the copy of its URL; where nothing has come, the copy that there is.</summary>
    /// <exception cref="RunException">73.</exception>
    /// <param name="isRunning">Whether another process runs the script now.</param>
    public CachedScript Keep(CachedScript? copy, Func<bool> isRunning)
    {
        if (_result.NotModified && copy is not null)
        {
            return _cache.Confirm(_script.Url, copy, _at, _result.ETag, _result.LastModified);
        }

        return _cache.Store(_script.Url, _staging, new CacheRecord(
            _script.DisplayName, UrlText.Redacted(_script.Url), UrlText.FileName(_script.Url), _result.Sha256, _result.Size, _at, _at, _result.ETag, _result.LastModified), isRunning);
    }

    public void Dispose()
    {
        _staging.Dispose();
        Signals.OnInterruptRemove(null);
    }
}
