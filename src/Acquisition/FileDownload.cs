using Run.Caching;
using Run.Http;
using Run.Naming;
using Run.Posix;
using Run.Storage;

namespace Run.Acquisition;

/// <summary>A script that is one file.</summary>
internal sealed class FileDownload : Download
{
    private readonly ResolvedScript _script;
    private readonly Cache _cache;
    private readonly StagingFile _staging;
    private readonly Signals.Temporary _temporary;
    private readonly FetchResult _result;
    private readonly DateTimeOffset _at;

    private FileDownload(ResolvedScript script, Cache cache, StagingFile staging, Signals.Temporary temporary, FetchResult result) =>
        (_script, _cache, _staging, _temporary, _result, _at) = (script, cache, staging, temporary, result, cache.Now);

    public override bool NotModified => _result.NotModified;

    public override string Path => _staging.Path;

    public override string Sha256 => _result.Sha256;

    public override long Size => _result.Size;

    /// <inheritdoc cref="Download.Fetch"/>
    public static FileDownload Fetch(ResolvedScript script, Cache cache, CachedScript? copy, SingleFlight? flight)
    {
        var staging = Cache.Stage(cache.Root);
        var temporary = Signals.RemoveOnInterrupt(staging.Path);
        try
        {
            return new FileDownload(script, cache, staging, temporary, Get(script, script.Urls, staging, copy, flight));
        }
        catch
        {
            temporary.Dispose();
            staging.Dispose();
            throw;
        }
    }

    public override CachedScript Keep(CachedScript? copy, Func<string, bool> isRunning)
    {
        if (_result.NotModified && copy is not null)
        {
            return _cache.Confirm(_script.Url, copy, _at, _result.ETag, _result.LastModified);
        }

        var record = new CacheRecord(
            _script.DisplayName, UrlText.Redacted(_script.Url), _script.FileName, _result.Sha256, _result.Size, _at, _at, _result.ETag,
            _result.LastModified);
        return _cache.Store(_script.Url, _staging, record, () => isRunning(Cache.Key(_script.NamedUrl)));
    }

    public override void Dispose()
    {
        _staging.Dispose();
        _temporary.Dispose();
    }
}
