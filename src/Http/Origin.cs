using System.Net;

namespace Run.Http;

/// <summary>Scheme, host and port (RFC 6454), to which a credential belongs. If any of them differs, it is another server.</summary>
internal readonly record struct Origin(string Scheme, string Host, int Port)
{
    public bool IsPlain => Scheme == Uri.UriSchemeHttp;

    /// <summary>Whether everything sent there stays on this machine, unless a proxy takes it.</summary>
    public bool IsLoopback =>
        Host is "localhost"
        || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    public static Origin Of(Uri url) => new(url.Scheme, url.IdnHost.ToLowerInvariant(), url.Port);
}
