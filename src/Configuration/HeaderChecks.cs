using Run.Naming;
using Run.Reporting;

namespace Run.Configuration;

/// <summary>Checks of the header fields of a source.</summary>
internal static class HeaderChecks
{
    /// <summary>RFC 9110, 7.6.1 and 10.1.1; RFC 9112, 6.1.</summary>
    private static readonly HashSet<string> s_ofConnections = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Expect", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    };

    /// <summary>Besides Content-Type and the others that begin so; RFC 9110, 8.8.2 and 10.2.1; RFC 9111, 5.3.</summary>
    private static readonly HashSet<string> s_ofAnswers = new(StringComparer.OrdinalIgnoreCase) { "Allow", "Expires", "Last-Modified" };

    /// <exception cref="RunException">78: no request has such a field, or it is what run itself has to say.</exception>
    public static void Check(string name, string value, SourceLocation place)
    {
        if (!IsToken(name) || CharChecks.HasControl(value))
        {
            throw place.Mistake($"'{name}' is not a valid HTTP header field");
        }

        var why = name.Equals("Host", StringComparison.OrdinalIgnoreCase) ? "it is always the host of the URL"
            : s_ofConnections.Contains(name) ? "it is about the connection, which run sets up itself"
            : s_ofAnswers.Contains(name) || name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)
                ? "it describes a body, and these requests have none"
            : null;
        if (why is not null)
        {
            throw place.Mistake($"the header {name} cannot be sent: {why}");
        }
    }

    // token of RFC 9110, 5.6.2.
    private static bool IsToken(string text) => text.Length > 0 && CharChecks.AreAlphanumericOr("!#$%&'*+-.^_`|~", text);
}
