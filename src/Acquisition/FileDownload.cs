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
    private readonly SignedBy? _signed;
    private readonly DateTimeOffset _at;

    private FileDownload(
        ResolvedScript script, Cache cache, StagingFile staging, Signals.Temporary temporary, FetchResult result, SignedBy? signed) =>
        (_script, _cache, _staging, _temporary, _result, _signed, _at) = (script, cache, staging, temporary, result, signed, cache.Now);

    public override bool NotModified => _result.NotModified;

    public override string Path => _staging.Path;

    public override string Sha256 => _result.Sha256;

    public override SignedBy? SignedBy => _signed;

    public override long Size => _result.Size;

    /// <inheritdoc cref="Download.Fetch"/>
    public static FileDownload Fetch(
        ResolvedScript script, Cache cache, Signatures signatures, CachedScript? copy, SingleFlight? flight, bool mayBeUnsigned)
    {
        var staging = Cache.Stage(cache.Root);
        var temporary = Signals.RemoveOnInterrupt(staging.Path);
        try
        {
            var result = Get(script, script.Urls, staging, copy, flight, out var request);
            if (result.NotModified)
            {
                return new FileDownload(script, cache, staging, temporary, result, null);
            }

            // Of other bytes than those that were asked for, the signature does not matter.
            ExpectedDigest.Check(script, result.Sha256, null);
            var (signed, failure) = Signed(
                script, signatures, mayBeUnsigned, signers => signatures.OfFetched(script, signers, request, result, staging.Handle));
            return new FileDownload(script, cache, staging, temporary, result, signed) { Unsigned = failure };
        }
        catch
        {
            temporary.Dispose();
            staging.Dispose();
            throw;
        }
    }

    public override CachedScript? Keep(CachedScript? copy, Func<string, bool> isRunning)
    {
        if (_result.NotModified && copy is not null)
        {
            return _cache.Confirm(_script.Url, copy, _at, _result.ETag, _result.LastModified);
        }

        var record = new CacheRecord(
            _script.DisplayName, UrlText.Redacted(_script.Url), _script.FileName, _result.Sha256, _result.Size, _at, _at, _result.ETag,
            _result.LastModified)
        {
            SignedBy = _signed,
        };
        return _cache.Store(_script.Url, _staging, record, () => isRunning(Cache.Key(_script.NamedUrl)));
    }

    public override void Dispose()
    {
        _staging.Dispose();
        _temporary.Dispose();
    }
}
