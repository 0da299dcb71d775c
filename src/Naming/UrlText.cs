using System.Text;
using Run.Posix;
using Run.Reporting;

namespace Run.Naming;

/// <summary>URLs as text (RFC 3986): encoding parts, checking whole URLs, and the name of a URL's file.</summary>
internal static class UrlText
{
    private const string SegmentCharacters = "-._~!$&'()*+,;=:@";
    private const string QueryCharacters = "-._~!$'()*,:@";
    private const int MaxFileNameBytes = 255;
    private const string Hidden = "***";
    private const string RefValue = "=" + Source.RefPlace;

    /// <summary>Appends a part of SCRIPT, percent-encoded; slashes too if <paramref name="encodeSlash"/> is true.</summary>
    public static void AppendEncoded(StringBuilder url, string text, bool inQuery, bool encodeSlash = false)
    {
        var kept = inQuery ? QueryCharacters : SegmentCharacters;
        foreach (var b in OsText.ToBytes(text))
        {
            var c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || (c == '/' && !encodeSlash) || kept.Contains(c))
            {
                url.Append(c);
            }
            else
            {
                url.Append('%').Append(Convert.ToHexString([b]));
            }
        }
    }

    /// <summary>
    /// A full URL, ready to send: characters that a URL cannot contain are percent-encoded, and a fragment is removed.
    /// </summary>
    /// <exception cref="RunException">
    /// 64: no host, no file, a backslash, an empty, <c>.</c> or <c>..</c> segment, a control character (encoded or not).
    /// </exception>
    public static string Normalize(string typed)
    {
        var hash = typed.IndexOf('#', StringComparison.Ordinal);
        if (hash >= 0 && typed.AsSpan(hash).Contains('='))
        {
            throw WrongFragment(typed);
        }

        var text = hash >= 0 ? typed[..hash] : typed;
        if (text.Contains('\\', StringComparison.Ordinal))
        {
            throw new RunException(ExitStatus.Usage, $"{Redacted(text)}: a backslash in a URL");
        }

        var url = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsAscii(c) && c is > ' ' and not ('"' or '<' or '>' or '^' or '`' or '{' or '|' or '}'))
            {
                url.Append(c);
            }
            else
            {
                var pair = char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]);
                foreach (var b in OsText.ToBytes(text.Substring(i, pair ? 2 : 1)))
                {
                    url.Append('%').Append(Convert.ToHexString([b]));
                }

                i += pair ? 1 : 0;
            }
        }

        return Checked(LowerHost(url.ToString()));
    }

    /// <summary>The failure (64) if a URL ends in a fragment that is no digest.</summary>
    public static RunException WrongFragment(string typed) => new(
        ExitStatus.Usage, $"{Redacted(typed)}: only {Digest.Fragment} and {Digest.TreeFragment} are allowed at the end",
        "a SHA-256 digest has 64 hexadecimal digits");

    /// <summary>The URL unchanged, if it is valid and names a file.</summary>
    /// <exception cref="RunException">64: it is not a URL of a file.</exception>
    public static string Checked(string url)
    {
        if (TreeUrl.Is(url))
        {
            return TreeUrl.Checked(url);
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0)
        {
            throw new RunException(ExitStatus.Usage, $"{Unparsable(url)}: not a URL that can be fetched");
        }

        CheckSegments(url, Redacted(url));
        _ = Path(url).Length > 0 ? FileName(url) : throw new RunException(ExitStatus.Usage, $"{Redacted(url)}: names no file");
        return url;
    }

    /// <summary>Refuses empty, <c>.</c> and <c>..</c> segments of the path, and control characters.</summary>
    /// <exception cref="RunException">64.</exception>
    public static void CheckSegments(string url, string shown)
    {
        // The text itself is checked, not the parsed Uri, which has already resolved ".." and "%2e%2e".
        foreach (var segment in Path(url).Split('/').AsSpan(1))
        {
            var decoded = Decode(segment);
            var wrong = decoded.Length == 0 ? "an empty part"
                : decoded is "." or ".." ? $"a part that is '{decoded}'"
                : CharChecks.HasControl(decoded) ? "a control character"
                : null;
            if (wrong is not null)
            {
                throw new RunException(ExitStatus.Usage, $"{shown}: {wrong} in the path");
            }
        }
    }

    /// <summary>No longer URL is taken for a plain one.</summary>
    public const int LongestPlain = 200;

    /// <summary>
    /// Whether the URL is so plain that <see cref="Checked"/> takes it as it is: a host of letters, perhaps a port, and segments of
    /// letters, digits and marks. It takes a hundredth of the time, and a run.conf may have hundreds of them.
    /// </summary>
    public static bool IsPlain(ReadOnlySpan<char> url)
    {
        const string Secure = "https://", Insecure = "http://";
        var scheme = url.StartsWith(Secure, StringComparison.Ordinal) ? Secure.Length
            : url.StartsWith(Insecure, StringComparison.Ordinal) ? Insecure.Length
            : 0;
        var slash = scheme == 0 || url.Length > LongestPlain ? -1 : url[scheme..].IndexOf('/');
        if (slash <= 0 || !IsPlainHost(url.Slice(scheme, slash)))
        {
            return false;
        }

        var start = scheme + slash + 1;
        for (var at = start; at <= url.Length; at++)
        {
            if (at < url.Length && url[at] != '/')
            {
                if (!char.IsAsciiLetterOrDigit(url[at]) && url[at] is not ('-' or '_' or '.' or '~'))
                {
                    return false;
                }

                continue;
            }

            if (url[start..at] is "" or "." or "..")
            {
                return false;
            }

            start = at + 1;
        }

        return true;
    }

    private static bool IsPlainHost(ReadOnlySpan<char> host)
    {
        const int LongestLabel = 63, LongestPort = 4;
        if (host.IndexOf(':') is >= 0 and var colon)
        {
            if (host.Length - colon - 1 is < 1 or > LongestPort || host[(colon + 1)..].IndexOfAnyExceptInRange('0', '9') >= 0)
            {
                return false;
            }

            host = host[..colon];
        }

        var label = 0;
        var previous = '.';
        foreach (var c in host)
        {
            // A label that begins with a digit may be a part of an address, and two hyphens stand for another alphabet.
            var fits = char.IsAsciiLetterLower(c)
                || (char.IsAsciiDigit(c) && label > 0)
                || (c == '-' && label > 0 && previous != '-')
                || (c == '.' && previous is not ('.' or '-'));
            if (!fits)
            {
                return false;
            }

            label = c == '.' ? 0 : label + 1;
            previous = c;
            if (label > LongestLabel)
            {
                return false;
            }
        }

        return previous is not ('.' or '-');
    }

    /// <summary>The last segment of the path, decoded where that gives a name that a file can have.</summary>
    /// <exception cref="RunException">64: the name is longer than a file system takes.</exception>
    public static string FileName(string url)
    {
        var path = Path(url);
        var segment = path[(path.LastIndexOf('/') + 1)..];
        var decoded = Decode(segment);
        var name = decoded.Contains('/', StringComparison.Ordinal) || CharChecks.HasControl(decoded) ? segment : decoded;
        return OsText.ToBytes(name).Length <= MaxFileNameBytes
            ? name
            : throw new RunException(ExitStatus.Usage, $"{name[..40]}…: the name is longer than {MaxFileNameBytes} bytes");
    }

    /// <summary>
    /// The URL without user name and password: the key of the cache and the identity of the lock. For ssh the name of the user is a part of
    /// the address, and stays.
    /// </summary>
    public static string WithoutUser(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var end = AuthorityEnd(url, start);
        var at = end > start ? url.LastIndexOf('@', end - 1, end - start) : -1;
        if (at < 0)
        {
            return url;
        }

        var user = !url.AsSpan(0, start).EndsWith("ssh://") ? ""
            : url.IndexOf(':', start, at - start) is >= 0 and var colon ? url[start..colon] + "@"
            : url[start..(at + 1)];
        return url[..start] + user + url[(at + 1)..];
    }

    /// <summary>
    /// The URL as it may be shown and written down: without user name and password, without a fragment, and with only the names of its
    /// query. No list of names can tell which values are secrets.
    /// </summary>
    /// <param name="pattern">
    /// The source's pattern that the URL was made from. A field that is its <c>{ref}</c> is shown: a branch, tag or commit is no secret.
    /// </param>
    public static string Redacted(string url, string? pattern = null)
    {
        if (!url.Contains("://", StringComparison.Ordinal))
        {
            return url;
        }

        var bare = WithoutUser(url);
        var hash = bare.IndexOf('#', StringComparison.Ordinal);
        var fragment = hash >= 0 ? "#" + Hidden : "";
        bare = hash >= 0 ? bare[..hash] : bare;
        var question = bare.IndexOf('?', StringComparison.Ordinal);
        if (question < 0)
        {
            return bare + fragment;
        }

        var shown = new StringBuilder(bare, 0, question + 1, bare.Length);
        var refs = pattern?.IndexOf('?', StringComparison.Ordinal) is >= 0 and var query ? Fields(pattern[(query + 1)..]) : [];
        var number = 0;
        foreach (var field in Fields(bare[(question + 1)..]))
        {
            var place = number < refs.Count ? refs[number++] : "";
            var isRef = place == Source.RefPlace || place.EndsWith(RefValue, StringComparison.Ordinal);
            shown.Append(isRef ? field : WithoutValue(field));
        }

        return shown.Append(fragment).ToString();
    }

    /// <summary>
    /// A word of the command line as it may be shown, whatever it is: SCRIPT before it has been looked at, or what stands in its place. A
    /// digest at its end is no secret.
    /// </summary>
    public static string Shown(string typed)
    {
        if (!typed.Contains("://", StringComparison.Ordinal))
        {
            return typed;
        }

        var digest = typed.LastIndexOf('#') is >= 0 and var hash && Digest.IsFragment(typed[hash..]) ? typed[hash..] : "";
        var url = typed[..^digest.Length];
        return (Uri.TryCreate(url, UriKind.Absolute, out _) ? Redacted(url) : Unparsable(url)) + digest;
    }

    /// <summary>
    /// As <see cref="Redacted"/>, for a text that is no URL: a password with a reserved character in it may have ended the host too early,
    /// and then it reaches up to the last '@', or begins at a colon that seems to be a port's.
    /// </summary>
    private static string Unparsable(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var colon = Authority(url).IndexOf(':', start);
        return url.LastIndexOf('@') is >= 0 and var at ? $"{url[..start]}{Hidden}@{Redacted(url[..start] + url[(at + 1)..])[start..]}"
            : colon >= 0 ? url[..(colon + 1)] + Hidden
            : Redacted(url);
    }

    /// <summary>The fields of a query, separated by <c>&amp;</c> or <c>;</c>, and these separators.</summary>
    private static List<string> Fields(string query)
    {
        var fields = new List<string>();
        for (var start = 0; start < query.Length;)
        {
            var length = query.AsSpan(start).IndexOfAny('&', ';');
            length = length < 0 ? query.Length - start : Math.Max(length, 1);
            fields.Add(query.Substring(start, length));
            start += length;
        }

        return fields;
    }

    /// <summary><c>name=***</c>. Without a value it may be the secret itself, also one in base64, which can end like a name.</summary>
    private static string WithoutValue(string field) => field is "&" or ";" ? field
        : field.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals && field.AsSpan(equals).TrimStart('=').Length > 0
            ? field[..(equals + 1)] + Hidden
        : Hidden;

    /// <summary>Scheme, user, host and port: everything before the path.</summary>
    public static string Authority(string url) => url[..AuthorityEnd(url, url.IndexOf("://", StringComparison.Ordinal) + 3)];

    private static string Path(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var slash = url.IndexOf('/', start);
        var end = url.AsSpan(start).IndexOfAny('?', '#') is >= 0 and var cut ? start + cut : url.Length;
        return slash < 0 || slash >= end ? "" : url[slash..end];
    }

    /// <summary>
    /// Scheme and host in lower case. Case does not matter in them (RFC 3986, 6.2.2.1), so one script has one cache key and one lock.
    /// </summary>
    private static string LowerHost(string url)
    {
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var end = AuthorityEnd(url, start);
        var host = end > start ? url.LastIndexOf('@', end - 1, end - start) + 1 : 0;
        host = Math.Max(host, start);
        return url[..start].ToLowerInvariant() + url[start..host] + url[host..end].ToLowerInvariant() + url[end..];
    }

    private static int AuthorityEnd(string url, int start) =>
        url.AsSpan(start).IndexOfAny('/', '?', '#') is >= 0 and var length ? start + length : url.Length;

    /// <summary>Decodes the percent-encoding of a segment.</summary>
    public static string Decode(string segment) => Decode(segment, static _ => true);

    /// <summary>The path of a file URL's pattern. What would be another placeholder, or end the path, stays encoded.</summary>
    public static string DecodedPath(string pattern) =>
        string.Join("%25s", pattern.Split("%25s").Select(static text => Decode(text, static b => b != 0)));

    private static string Decode(string segment, Func<byte, bool> isDecoded)
    {
        if (!segment.Contains('%', StringComparison.Ordinal))
        {
            return segment;
        }

        var encoded = OsText.ToBytes(segment);
        var bytes = new List<byte>(encoded.Length);
        for (var i = 0; i < encoded.Length; i++)
        {
            if (encoded[i] == '%' && i + 2 < encoded.Length
                && char.IsAsciiHexDigit((char)encoded[i + 1]) && char.IsAsciiHexDigit((char)encoded[i + 2])
                && Convert.FromHexString([(char)encoded[i + 1], (char)encoded[i + 2]])[0] is var one && isDecoded(one))
            {
                bytes.Add(one);
                i += 2;
            }
            else
            {
                bytes.Add(encoded[i]);
            }
        }

        return OsText.FromBytes(bytes.ToArray());
    }
}
