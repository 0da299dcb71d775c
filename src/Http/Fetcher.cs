using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Naming;
using Run.Reporting;

namespace Run.Http;

/// <summary>
/// From a URL to the whole, checked bytes: the only way from this program to a network. It blocks until it is done.
/// </summary>
internal static class Fetcher
{
    /// <summary>Writes the decoded body into <paramref name="into"/>, from its start; every try begins it again.</summary>
    /// <returns>
    /// What came. Where a digest was asked for, and neither the URL nor a mirror had it, that is the last body that came, with another.
    /// </returns>
    /// <exception cref="RunException">65, 69, 73, 77, 127: of the URL itself, also where its mirrors failed in other ways.</exception>
    public static FetchResult Get(FetchRequest request, SafeFileHandle into)
    {
        // Never disposed: that would close the handle, which is the caller's. Without a buffer there is nothing else to dispose of.
        var stream = new FileStream(into, FileAccess.Write, bufferSize: 0);
        return GetAsync(request, stream, Limits.Script).GetAwaiter().GetResult();
    }

    /// <summary>The text of a small answer that is no script, such as a server's word on what a branch stands for.</summary>
    /// <param name="headers">Header fields for the URL's own origin.</param>
    /// <param name="plainHttpAllowed">As of <see cref="FetchRequest"/>.</param>
    public static string GetText(string url, IReadOnlyList<KeyValuePair<string, string>> headers, bool plainHttpAllowed)
    {
        using var text = new MemoryStream();
        var request = new FetchRequest(url, [], headers, plainHttpAllowed, Digest: null, ETag: null, LastModified: null);
        GetAsync(request, text, Limits.Text).GetAwaiter().GetResult();
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    private static async Task<FetchResult> GetAsync(FetchRequest request, Stream into, long most)
    {
        string[] urls = [request.Url, .. request.Mirrors];
        var deadline = Deadline.In(Limits.StartTimeout);
        using var progress = new Progress(Name(request.Url));
        using var exchange = new Exchange(request, into, most, progress);
        RunException? failure = null;
        FetchResult? other = null;
        var fileHolds = false;
        for (var i = 0; i < urls.Length; i++)
        {
            var url = new Uri(urls[i]);
            var shown = UrlText.Redacted(urls[i]);

            // A URL that never answers leaves time for those after it.
            var share = deadline.Share(urls.Length - i);
            var isFirst = i == 0;
            var conditional = isFirst && (request.ETag ?? request.LastModified) is not null;
            var outcome = await Retries.RunAsync(() => exchange.TryAsync(url, conditional, share), shown, share).ConfigureAwait(false);
            if (outcome.Failure is { Status: ExitStatus.CannotWrite or ExitStatus.Configuration } atHome)
            {
                throw atHome;
            }

            if (outcome.Result is { } result && (result.NotModified || request.Digest is null || result.Sha256 == request.Digest))
            {
                // A mirror's validators mean nothing to the server that will be asked next time.
                return isFirst ? result : result with { ETag = null, LastModified = null };
            }

            fileHolds = outcome.Result is not null;
            other = outcome.Result ?? other;
            failure ??= outcome.Failure;
        }

        if (other is null)
        {
            throw urls.Length == 1
                ? failure!
                : new RunException(failure!.Status, $"{failure.Message}; nor was it to be had from a mirror", failure.Hint);
        }

        // A try that failed later has spoilt the file.
        return fileHolds ? other : throw new RunException(
            ExitStatus.Data, $"{other.ServedBy} has another digest: sha256:{request.Digest} was asked for, sha256:{other.Sha256} came");
    }

    /// <summary>What progress calls it: the name of the file.</summary>
    private static string Name(string url)
    {
        var path = new Uri(url).AbsolutePath;
        return Uri.UnescapeDataString(path[(path.LastIndexOf('/') + 1)..]);
    }
}
