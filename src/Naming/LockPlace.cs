using System.Globalization;
using Run.Reporting;

namespace Run.Naming;

/// <summary>A place for locks that several machines share: an entry of <c>locks:</c> in run.conf.</summary>
/// <param name="Name">What <c>--lock=PLACE:NAME</c> calls it.</param>
/// <param name="Url">The database, as libpq takes it. It may contain a password and is never printed.</param>
/// <param name="At">Where run.conf has the URL.</param>
internal sealed record LockPlace(string Name, string Url, SourceLocation At)
{
    /// <summary>Whether libpq takes it as a URL. Whether the rest of it is right, libpq says.</summary>
    public static bool IsUrl(string text) =>
        (text.StartsWith("postgresql://", StringComparison.Ordinal) || text.StartsWith("postgres://", StringComparison.Ordinal))
        && !CharChecks.HasControl(text);

    /// <summary>
    /// Whether there is an @ that libpq takes for another than the user meant: it ends the user and the password at the first @ before any
    /// slash. The rest of a password that contains one would be a host, a port or a database, and as such be looked up and printed.
    /// </summary>
    public static bool HasStrayAt(string url)
    {
        var rest = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..];
        rest = rest[..(rest.IndexOf('?', StringComparison.Ordinal) is >= 0 and var query ? query : rest.Length)];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        return rest.AsSpan().Count('@') > 1 || (slash >= 0 && rest.IndexOf('@', slash) >= 0);
    }

    /// <summary>
    /// Whether what libpq takes for a port cannot be one. Without the host, <c>user:password</c> looks like a host and its port, and libpq
    /// would print it.
    /// </summary>
    public static bool HasBadPort(string url)
    {
        var rest = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..];
        rest = rest[(rest.IndexOf('@', StringComparison.Ordinal) + 1)..];
        var end = rest.AsSpan().IndexOfAny('/', '?') is >= 0 and var mark ? mark : rest.Length;
        foreach (var host in rest[..end].Split(','))
        {
            // An IPv6 address has colons of its own, in brackets.
            var colon = host.IndexOf(':', host is ['[', ..] ? Math.Max(host.IndexOf(']', StringComparison.Ordinal), 0) : 0);
            if (colon >= 0 && IsBadPort(host[(colon + 1)..]))
            {
                return true;
            }
        }

        const string Key = "port=";
        var query = rest.IndexOf('?', StringComparison.Ordinal) is >= 0 and var question ? rest[(question + 1)..].Split('&') : [];
        return query.Any(static field => field.StartsWith(Key, StringComparison.Ordinal)
            && Uri.UnescapeDataString(field[Key.Length..]).Split(',').Any(IsBadPort));
    }

    /// <summary>An empty one is the default.</summary>
    private static bool IsBadPort(string text) => text.Length > 0
        && !(ushort.TryParse(Uri.UnescapeDataString(text), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0);

    /// <summary>
    /// Splits the value of <c>--lock</c> at its first colon. What stands before it must have the form of a place's name; otherwise, as in
    /// <c>--lock=/dev/sda:1</c>, the value is a plain name, and null is returned. So is it for a URL: what a script is locked by.
    /// </summary>
    /// <returns>The place's name, and the NAME to lock there; null for the script itself.</returns>
    public static (string Place, string? Name)? Split(string? value)
    {
        var colon = value?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        return colon > 0 && ScriptName.IsScope(value![..colon]) && !value.AsSpan(colon).StartsWith("://")
            ? (value[..colon], colon == value.Length - 1 ? null : value[(colon + 1)..])
            : null;
    }
}
