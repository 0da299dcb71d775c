using Run.Naming;
using Run.Reporting;

namespace Run.Http;

/// <summary>Refuses what anyone on the network could change. It is for callers that do not know the right bytes by a digest.</summary>
internal static class PlainHttp
{
    /// <summary>Passes if the request stays on this machine. One to this machine leaves it if a proxy takes it.</summary>
    /// <param name="url">An http URL.</param>
    /// <param name="fragment">How a digest is given for what is there.</param>
    /// <exception cref="RunException">77.</exception>
    public static void Check(Uri url, Proxies proxies, string fragment = Digest.Fragment)
    {
        var waysOut = $"use https, or give the digest (SCRIPT{fragment}HEX), or put \"plain-http: allow\" under its source in run.conf";
        var origin = Origin.Of(url);
        var shown = UrlText.Redacted(url.AbsoluteUri);
        if (!origin.IsLoopback)
        {
            throw new RunException(
                ExitStatus.Refused, $"{shown}: plain http is refused: anyone on the network could change the script", waysOut);
        }

        if (proxies.Shown(url) is { } proxy)
        {
            throw new RunException(
                ExitStatus.Refused,
                $"{shown}: plain http is refused: it goes through the proxy {proxy}, and anyone on the way could change the script",
                $"put {origin.Host} into NO_PROXY, so that it stays on this machine; or {waysOut}");
        }
    }
}
