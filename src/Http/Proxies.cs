using System.Globalization;
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
    private readonly string _direct = Set("no_proxy", "NO_PROXY").Value ?? "";

    public bool Any => _http is not null || _https is not null;

    // From the user info of the proxies' own URLs.
    public ICredentials? Credentials { get; set; } = new ProxyPasswords();

    // In a CGI program HTTP_PROXY is the client's "Proxy:" header field (httpoxy, CVE-2016-5385), so it is ignored there.
    private static string[] HttpVariable =>
        FetchEnvironment.Variable("GATEWAY_INTERFACE") is null && FetchEnvironment.Variable("REQUEST_METHOD") is null
            ? ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
            : ["http_proxy", "all_proxy", "ALL_PROXY"];

    public Uri? GetProxy(Uri destination) =>
        (destination.Scheme == Uri.UriSchemeHttps ? _https : _http) is { } proxy && !AnyCovers(_direct, Origin.Of(destination))
            ? proxy
            : null;

    public bool IsBypassed(Uri host) => GetProxy(host) is null;

    /// <summary>The proxy as messages show it; null for a direct connection.</summary>
    public string? Shown(Uri destination) => GetProxy(destination) is { } proxy ? $"{proxy.Host}:{proxy.Port}" : null;

    /// <summary>Whether an entry of the list covers the origin. Entries are separated by commas, as with curl, or by blanks.</summary>
    public static bool AnyCovers(string list, Origin origin) =>
        list.Split([',', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries).Any(entry => Covers(entry, origin));

    /// <summary>
    /// Whether an entry of NO_PROXY covers the origin: <c>*</c>; a host with its subdomains, or an address, each with an optional port;
    /// or a network, which any of its addresses may stand for. A dot at the end of a name (the root of the DNS) makes no difference.
    /// </summary>
    private static bool Covers(string entry, Origin origin)
    {
        if (entry == "*")
        {
            return true;
        }

        if (entry.LastIndexOf('/') is >= 0 and var slash)
        {
            return Address(origin.Host) is { } inside && Address(entry[..slash]) is { } some
                && int.TryParse(entry.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
                && AreInOneNetwork(inside, some, bits);
        }

        var host = entry;
        if (host.LastIndexOf(':') is >= 0 and var colon && (host.IndexOf(':', StringComparison.Ordinal) == colon || host[colon - 1] == ']'))
        {
            if (host[(colon + 1)..] != origin.Port.ToString(CultureInfo.InvariantCulture))
            {
                return false;
            }

            host = host[..colon];
        }

        if (Address(origin.Host) is { } address)
        {
            return address.Equals(Address(host));
        }

        var name = origin.Host.TrimEnd('.');
        host = host.TrimStart('*').TrimStart('.').TrimEnd('.').ToLowerInvariant();
        return host.Length > 0 && (name == host || name.EndsWith("." + host, StringComparison.Ordinal));
    }

    /// <summary>The address that the text is; null for a name. IPAddress also reads 16 and 10.1, which are names here.</summary>
    private static IPAddress? Address(string text)
    {
        text = text.StartsWith('[') ? text.Trim('[', ']') : text;
        return (text.Contains(':', StringComparison.Ordinal) || text.Count('.') == 3) && IPAddress.TryParse(text, out var address)
            ? address
            : null;
    }

    private static bool AreInOneNetwork(IPAddress one, IPAddress other, int bits)
    {
        var (a, b) = (one.GetAddressBytes(), other.GetAddressBytes());
        return a.Length == b.Length && bits <= 8 * a.Length
            && a.AsSpan(0, bits / 8).SequenceEqual(b.AsSpan(0, bits / 8))
            && (bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0);
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
        if (!Uri.TryCreate(text, UriKind.Absolute, out var proxy)
            || proxy.Scheme is not ("http" or "https" or "socks4" or "socks4a" or "socks5"))
        {
            throw new RunException(
                ExitStatus.Unavailable, $"{name} is not the URL of a proxy", "use a URL such as http://proxy.example.com:3128");
        }

        // Then the host and port would be the user and a part of the password, and messages would show them.
        return (proxy.PathAndQuery + proxy.Fragment).Contains('@', StringComparison.Ordinal)
            ? throw new RunException(
                ExitStatus.Unavailable, $"{name} is not the URL of a proxy: there is an @ after its host",
                "in its user and password, write / as %2F, ? as %3F and # as %23")
            : proxy;
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
