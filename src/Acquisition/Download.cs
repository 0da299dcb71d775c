using Run.Caching;
using Run.Configuration;
using Run.Http;
using Run.Naming;
using Run.Posix;
using Run.Reporting;


namespace Run.Acquisition;

/// <summary>What a server has sent: whole bytes in a temporary file of the cache, looked at by nobody yet. It is kept, or gone.</summary>
internal sealed class Download : IDisposable
{
    private readonly ResolvedScript _wanted;
    private readonly Cache _cache;
    private readonly StagingFile _temporary;
    private readonly FetchResult _result;
    private readonly DateTimeOffset _at = DateTimeOffset.UtcNow;

    private Download(ResolvedScript wanted, Cache cache, StagingFile temporary, FetchResult result) =>
        (_wanted, _cache, _temporary, _result) = (wanted, cache, temporary, result);

    /// <summary>Whether the server said that the copy is current; then there are no bytes.</summary>
    public bool NotModified => _result.NotModified;

    public string Path => _temporary.Path;

    public string Sha256 => _result.Sha256;

    public long Size => _result.Size;

    /// <param name="copy">What there is already, so that the server need not send it again.</param>
    /// <exception cref="RunException">65, 69, 73, 77, 127.</exception>
    public static Download Fetch(ResolvedScript wanted, Cache cache, CachedScript? copy)
    {
        StagingFile.Sweep(cache.Root);
        var temporary = StagingFile.Create(cache.Root);
        try
        {
            Kernel.OnInterruptRemove(temporary.Path);
            var source = wanted.Source;
            var result = Fetcher.Get(
                new FetchRequest(
                    wanted.Url, [.. wanted.Urls.Skip(1)], VariableExpansion.Expand(source?.Headers ?? []), source?.PlainHttpAllowed ?? false, wanted.Digest,
                    copy?.Record.ETag, copy?.Record.LastModified),
                temporary.Handle);
            return new Download(wanted, cache, temporary, result);
        }
        catch
        {
            temporary.Dispose();
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
            return _cache.Confirm(_wanted.Url, copy, _at, _result.ETag, _result.LastModified);
        }

        return _cache.Store(_wanted.Url, _temporary, new CacheRecord(
            _wanted.DisplayName, UrlText.Redacted(_wanted.Url), UrlText.FileName(_wanted.Url), _result.Sha256, _result.Size, _at, _at, _result.ETag, _result.LastModified), isRunning);
    }

    public void Dispose()
    {
        _temporary.Dispose();
        Kernel.OnInterruptRemove(null);
    }
}
