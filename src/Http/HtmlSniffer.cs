using System.Text;

namespace Run.Http;

/// <summary>
/// Tells a web page from a script: a page to sign in, a page that shows the script, a page that says "not found" with status 200.
/// </summary>
internal static class HtmlSniffer
{
    /// <summary>How much of a body has to be seen.</summary>
    public const int Prefix = 1024;

    private static readonly string[] s_types = ["text/html", "application/xhtml+xml"];
    private static readonly string[] s_beginnings =
        ["<!doctype html", "<html", "<head>", "<head ", "<body", "<title", "<meta ", "<script>", "<script "];

    public static bool IsType(string? mediaType) => s_types.Contains(mediaType, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a body that begins like that is a page, whatever its type says.</summary>
    public static bool IsPage(ReadOnlySpan<byte> prefix)
    {
        var text = Encoding.UTF8.GetString(prefix).TrimStart('\ufeff').AsSpan().TrimStart();
        if (text.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase))
        {
            text = AfterFirst(text, "?>");
        }

        while (text.StartsWith("<!--", StringComparison.Ordinal))
        {
            text = AfterFirst(text, "-->");
        }

        foreach (var beginning in s_beginnings)
        {
            if (text.StartsWith(beginning, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlySpan<char> AfterFirst(ReadOnlySpan<char> text, string end) =>
        text.IndexOf(end, StringComparison.Ordinal) is >= 0 and var at ? text[(at + end.Length)..].TrimStart() : [];
}
