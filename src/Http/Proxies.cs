using System.Net;
using Run.Reporting;

namespace Run.Http;

/// <summary>
/// The proxies from the environment: <c>https_proxy</c>, <c>http_proxy</c>, <c>all_proxy</c> and <c>no_proxy</c>, in lower case or else in
/// upper case. .NET can read them too, but takes an entry of NO_PROXY for exactly one host name. Here, as with curl, an entry also
/// covers the subdomains of a host, and it may have a port or be a network.
/// </summary>
internal sealed class Proxies : IWebProxy
{
    private readonly Uri? _http = Parse(HttpVariable);
    private readonly Uri? _https = Parse("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY");
    private readonly string[] _direct =
        (Set("no_proxy", "NO_PROXY").Value ?? "").Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries);

    public bool Any => _http is not null || _https is not null;

    // From the user info of the proxies' own URLs.
    public ICredentials? Credentials { get; set; } = new ProxyPasswords();

    // In a CGI program HTTP_PROXY is the client's "Proxy:" header field (httpoxy, CVE-2016-5385), so it is ignored there.
    private static string[] HttpVariable =>
        FetchEnvironment.Variable("GATEWAY_INTERFACE") is null && FetchEnvironment.Variable("REQUEST_METHOD") is null
            ? ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
            : ["http_proxy", "all_proxy", "ALL_PROXY"];

    public Uri? GetProxy(Uri destination) =>
        (destination.Scheme == Uri.UriSchemeHttps ? _https : _http) is { } proxy && !IsDirect(Origin.Of(destination)) ? proxy : null;

    public bool IsBypassed(Uri host) => GetProxy(host) is null;

    /// <summary>The proxy as messages show it; null for a direct connection.</summary>
    public string? Shown(Uri destination) => GetProxy(destination) is { } proxy ? $"{proxy.Host}:{proxy.Port}" : null;

    private bool IsDirect(Origin origin) => _direct.Any(entry => Covers(entry, origin));

    /// <summary>
    /// Whether an entry of NO_PROXY covers the origin: <c>*</c>; a host with its subdomains, or an address, each with an optional port;
    /// or a network.
    /// </summary>
    public static bool Covers(string entry, Origin origin)
    {
        if (entry == "*")
        {
            return true;
        }

        if (entry.Contains('/', StringComparison.Ordinal))
        {
            return IPNetwork.TryParse(entry, out var network)
                && IPAddress.TryParse(origin.Host, out var address) && network.Contains(address);
        }

        var host = entry;
        if (host.LastIndexOf(':') is >= 0 and var colon && (host.IndexOf(':', StringComparison.Ordinal) == colon || host[colon - 1] == ']'))
        {
            if (host[(colon + 1)..] != origin.Port.ToString(System.Globalization.CultureInfo.InvariantCulture))
            {
                return false;
            }

            host = host[..colon];
        }

        host = host.Trim('[', ']').TrimStart('*').TrimStart('.').ToLowerInvariant();
        return host.Length > 0 && (origin.Host == host || origin.Host.EndsWith("." + host, StringComparison.Ordinal));
    }

    private static (string Name, string? Value) Set(params string[] names)
    {
        foreach (var name in names)
        {
            if (FetchEnvironment.Variable(name) is { } value)
            {
                return (name, value.Trim());
            }
        }

        return (names[0], null);
    }

    private static Uri? Parse(params string[] names)
    {
        var (name, value) = Set(names);
        if (string.IsNullOrEmpty(value))
        {
            return null;
        }

        var text = value.Contains("://", StringComparison.Ordinal) ? value : "http://" + value;

        // socks5h is socks5 with names resolved by the proxy, which .NET's socks5 always does.
        text = text.StartsWith("socks5h:", StringComparison.OrdinalIgnoreCase) ? "socks5:" + text[8..] : text;
        return Uri.TryCreate(text, UriKind.Absolute, out var proxy)
            && proxy.Scheme is "http" or "https" or "socks4" or "socks4a" or "socks5"
            ? proxy
            : throw new RunException(
                ExitStatus.Unavailable, $"{name} is not the URL of a proxy", "use a URL such as http://proxy.example.com:3128");
    }

    /// <summary>Only the user and password in a proxy's own URL.</summary>
    private sealed class ProxyPasswords : ICredentials
    {
        public NetworkCredential? GetCredential(Uri uri, string authType) =>
            uri.UserInfo.Split(':', 2) is [{ Length: > 0 } user, .. var rest]
                ? new NetworkCredential(Uri.UnescapeDataString(user), rest is [var password] ? Uri.UnescapeDataString(password) : "")
                : null;
    }
}
