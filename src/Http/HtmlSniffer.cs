using System.Text;

namespace Run.Http;

/// <summary>
/// Tells a web page from a script: a sign-in page, a page that displays the script, or a "not found" page with status 200. It is given the
/// body piece by piece, because comments and blanks of any length may precede the first element.
/// </summary>
internal sealed class HtmlSniffer
{
    private const int LongestBeginning = 16;
    private const string Blanks = " \t\n\v\f\r";

    private static readonly string[] s_types = ["text/html", "application/xhtml+xml"];
    private static readonly string[] s_beginnings =
        ["<!doctype html", "<html", "<head>", "<head ", "<body", "<title", "<meta ", "<script>", "<script "];

    // The first bytes that are neither blanks nor in a comment.
    private readonly byte[] _head = new byte[LongestBeginning];
    private int _length;

    // While a comment or an XML declaration is skipped: what precedes the > that ends it, how often, and how often it was just seen.
    private byte _mark;
    private int _marks;
    private int _marksSeen;

    public static bool IsType(string? mediaType) =>
        Array.Exists(s_types, type => type.Equals(mediaType, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether what was read so far is a web page, whatever its media type says.</summary>
    public bool IsPage => Array.Exists(s_beginnings, StartsWith);

    public void Read(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length && _length < LongestBeginning; i++)
        {
            // In UTF-16, every second byte of markup is 0.
            if (bytes[i] != 0)
            {
                Read(bytes[i]);
            }
        }
    }

    private void Read(byte b)
    {
        if (_marks > 0)
        {
            _marks = b == '>' && _marksSeen >= _marks ? 0 : _marks;
            _marksSeen = b == _mark ? _marksSeen + 1 : 0;
            return;
        }

        if (_length == 0 && IsBlank(b))
        {
            return;
        }

        _head[_length++] = b;
        if (StartsWith("<!--"))
        {
            // "<!-->" is a comment.
            Skip((byte)'-', 2, seen: 2);
        }
        else if (StartsWith("<?xml"))
        {
            Skip((byte)'?', 1, seen: 0);
        }
    }

    private void Skip(byte mark, int marks, int seen) => (_length, _mark, _marks, _marksSeen) = (0, mark, marks, seen);

    /// <summary>Also the bytes of a byte order mark, in UTF-8 and UTF-16.</summary>
    private static bool IsBlank(byte b) => Blanks.Contains((char)b, StringComparison.Ordinal) || b is 0xef or 0xbb or 0xbf or 0xfe or 0xff;

    private bool StartsWith(string beginning) =>
        _length >= beginning.Length && Ascii.EqualsIgnoreCase(_head.AsSpan(0, beginning.Length), beginning);
}
