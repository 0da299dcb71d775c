using System.Text;
using Run.Naming;
using Run.Reporting;

namespace Run.Pinning;

/// <summary>A line of run.pins: the URL and the digest that a script must have.</summary>
/// <param name="Script">SCRIPT as typed, without a digest and without secrets.</param>
/// <param name="Url">The URL of its bytes, without secrets. It is never fetched itself: the source always makes the URL that is.</param>
/// <param name="Kind">What the digest is of: <see cref="OfBytes"/>, or <see cref="OfTree"/> for a script of many files.</param>
/// <param name="Hex">The digest, in lower case.</param>
internal sealed record Pin(string Script, string Url, string Kind, string Hex)
{
    /// <summary>The name before a digest of the bytes that were fetched. Another algorithm would have another name.</summary>
    public const string OfBytes = "sha256";

    /// <summary>The name before the digest of a tree, however it was packed.</summary>
    public const string OfTree = "tree";

    /// <summary>The digest as run.pins has it.</summary>
    public string Digest => $"{Kind}:{Hex}";

    /// <summary>
    /// What the line is known by. <c>x</c> and <c>default:x</c> are one script, as are a URL with a blank and one with <c>%20</c>, and URLs
    /// that differ only in what is not shown of them.
    /// </summary>
    /// <exception cref="RunException">64: not a valid SCRIPT.</exception>
    public static string Key(string script) => ScriptName.Parse(script) switch
    {
        ScriptName.Scoped scoped => $"{scoped.Scope}:{scoped.PathAndRef}",
        var other => Encode(UrlText.Redacted(other.Text)),
    };

    public string ToLine() => $"{Encode(Script)} {Url} {Digest}";

    /// <summary>
    /// SCRIPT as one word of a line. Percent-encoded is what would make the line ambiguous: blanks, a '#' at the beginning, and '%' itself
    /// if SCRIPT is not a URL.
    /// </summary>
    public static string Encode(string script)
    {
        var isUrl = ScriptName.IsUrl(script);
        var word = new StringBuilder(script.Length);
        foreach (var c in script)
        {
            _ = c == ' ' || (c == '%' && !isUrl) || (c == '#' && word.Length == 0)
                ? word.Append('%').Append(((int)c).ToString("X2", null))
                : word.Append(c);
        }

        return word.ToString();
    }

    /// <summary>The SCRIPT of a word. A '%' that encodes nothing is kept, as in a line written by hand.</summary>
    public static string Decode(string word) => ScriptName.IsUrl(word)
        ? word
        : word.Replace("%20", " ", StringComparison.Ordinal)
            .Replace("%23", "#", StringComparison.Ordinal)
            .Replace("%25", "%", StringComparison.Ordinal);
}
