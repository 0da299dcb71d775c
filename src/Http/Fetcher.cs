using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Naming;
using Run.Reporting;

namespace Run.Http;

/// <summary>
/// Fetches a URL and returns complete, checked bytes. It is the only way from this program to a network, and blocks until it is done.
/// </summary>
internal static class Fetcher
{
    /// <summary>Writes the decoded body to <paramref name="into"/>, from its start; every try starts again.</summary>
    /// <returns>
    /// The result. If a digest was requested, and neither the URL nor a mirror had it, this is the last body, with another digest.
    /// </returns>
    /// <exception cref="RunException">65, 69, 73, 77, 78, 127: the URL's own failure, even if its mirrors failed otherwise.</exception>
    public static FetchResult Get(FetchRequest request, SafeFileHandle into)
    {
        // Not disposed, because that would close the caller's handle. Without a buffer there is nothing else to dispose of.
        var stream = new FileStream(into, FileAccess.Write, bufferSize: 0);
        return GetAsync(request, stream, Limits.Script).GetAwaiter().GetResult();
    }

    /// <summary>The text of a small answer that is not a script, such as the commit of a branch.</summary>
    /// <param name="headers">Header fields for the URL's own origin.</param>
    /// <param name="plainHttpAllowed">As in <see cref="FetchRequest"/>.</param>
    /// <exception cref="RunException">65, 69, 77, 78, 127.</exception>
    public static string GetText(string url, IReadOnlyList<KeyValuePair<string, string>> headers, bool plainHttpAllowed)
    {
        using var text = new MemoryStream();
        var request = new FetchRequest(url, [], headers, plainHttpAllowed, Digest: null, ETag: null, LastModified: null);
        GetAsync(request, text, Limits.Text).GetAwaiter().GetResult();
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    /// <summary>
    /// The text of the signature of what was fetched. It is asked for where that came from, in the same way and with the same secrets.
    /// </summary>
    /// <param name="shown">The URL of the signature, as messages show it.</param>
    /// <returns>Null if there is none.</returns>
    /// <exception cref="RunException">65, 69, 77, 78.</exception>
    public static string? GetSignature(FetchRequest request, FetchResult result, out string shown)
    {
        var url = SignatureUrl(result.Url);
        shown = UrlText.Redacted(url);
        var hasOrigin = Origin.Of(new Uri(url)) == Origin.Of(new Uri(request.Url));
        using var text = new MemoryStream();
        var asked = new FetchRequest(
            url, [], hasOrigin ? request.Headers : [], request.PlainHttpAllowed, Digest: null, ETag: null, LastModified: null)
        {
            IsKnown = request.IsKnown || request.Digest is not null,
        };
        try
        {
            GetAsync(asked, text, Limits.Signature).GetAwaiter().GetResult();
        }
        catch (RunException e) when (e.Status == ExitStatus.NotFound)
        {
            return null;
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    /// <summary><c>.sig</c> behind the path, as ssh-keygen names it; a query stays behind it.</summary>
    private static string SignatureUrl(string url)
    {
        var end = url.AsSpan().IndexOfAny('?', '#') is >= 0 and var mark ? mark : url.Length;
        return $"{url[..end]}.sig{url[end..]}";
    }

    private static async Task<FetchResult> GetAsync(FetchRequest request, Stream into, long maxBytes)
    {
        string[] urls = [request.Url, .. request.Mirrors];
        var deadline = Deadline.In(Limits.StartTimeout);
        using var progress = new Progress(Name(request.Url));
        using var exchange = new Exchange(request, into, maxBytes, progress);
        RunException? failure = null;
        FetchResult? mismatch = null;
        var fileIsIntact = false;
        for (var i = 0; i < urls.Length; i++)
        {
            var url = new Uri(urls[i]);
            var shown = UrlText.Redacted(urls[i]);

            // So that a URL that never answers leaves time for the next ones.
            var share = deadline.Share(urls.Length - i);
            var isFirst = i == 0;
            var conditional = isFirst && (request.ETag ?? request.LastModified) is not null;
            var outcome = await Retries.RunAsync(() => exchange.TryAsync(url, conditional, share), shown, share).ConfigureAwait(false);
            if (outcome.Failure is { Status: ExitStatus.CannotWrite or ExitStatus.Configuration } local)
            {
                throw local;
            }

            if (outcome.Result is { } result && (result.NotModified || request.Digest is null || result.Sha256 == request.Digest))
            {
                // A mirror's validators mean nothing to the URL's own server, which is asked first next time.
                return isFirst ? result with { Url = urls[i] } : result with { Url = urls[i], ETag = null, LastModified = null };
            }

            fileIsIntact = outcome.Result is not null;
            mismatch = outcome.Result is { } other ? other with { Url = urls[i] } : mismatch;
            failure ??= outcome.Failure;
        }

        if (mismatch is null)
        {
            throw urls.Length == 1
                ? failure!
                : new RunException(failure!.Status, $"{failure.Message}; all mirrors failed too", failure.Hint)
                {
                    MayPass = failure.MayPass,
                };
        }

        // If a later try failed, it has overwritten the file.
        return fileIsIntact ? mismatch : throw new RunException(
            ExitStatus.Data, $"{mismatch.ServedBy} has another digest: expected sha256:{request.Digest}, got sha256:{mismatch.Sha256}");
    }

    /// <summary>The name that the progress line shows: that of the file.</summary>
    private static string Name(string url)
    {
        var path = new Uri(url).AbsolutePath;
        return Uri.UnescapeDataString(path[(path.LastIndexOf('/') + 1)..]);
    }
}
