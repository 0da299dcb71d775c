using System.Text;

namespace Run.Http;

/// <summary>
/// Tells a web page from a script: a sign-in page, a page that displays the script, or a "not found" page with status 200.
/// </summary>
internal static class HtmlSniffer
{
    /// <summary>How many bytes of a body are inspected.</summary>
    public const int Prefix = 1024;

    private static readonly string[] s_types = ["text/html", "application/xhtml+xml"];
    private static readonly string[] s_beginnings =
        ["<!doctype html", "<html", "<head>", "<head ", "<body", "<title", "<meta ", "<script>", "<script "];

    public static bool IsType(string? mediaType) =>
        Array.Exists(s_types, type => type.Equals(mediaType, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a body with this beginning is a web page, whatever its media type says.</summary>
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
