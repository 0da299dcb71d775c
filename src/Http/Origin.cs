using System.Net;

namespace Run.Http;

/// <summary>Scheme, host and port: what a credential is meant for. One that differs in any of them is another server.</summary>
internal readonly record struct Origin(string Scheme, string Host, int Port)
{
    public bool IsPlain => Scheme == Uri.UriSchemeHttp;

    /// <summary>Whether nothing sent there leaves this machine.</summary>
    public bool IsLoopback =>
        Host is "localhost"
        || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    public static Origin Of(Uri url) => new(url.Scheme, url.IdnHost.ToLowerInvariant(), url.Port);
}
