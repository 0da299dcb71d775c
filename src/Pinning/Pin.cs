using System.Text;
using Run.Naming;
using Run.Reporting;

namespace Run.Pinning;

/// <summary>What a script is to be: a line of run.pins.</summary>
/// <param name="Script">SCRIPT as it was typed, without a digest and without a secret.</param>
/// <param name="Url">Where its bytes were, fit to be shown: the URL that is asked is always made by the source itself.</param>
/// <param name="Sha256">In lower case.</param>
internal sealed record Pin(string Script, string Url, string Sha256)
{
    /// <summary>What stands before a digest in run.pins. Another algorithm would have another name there.</summary>
    public const string Algorithm = "sha256";

    /// <summary>
    /// What the line is known by. <c>x</c> and <c>default:x</c> are one script, as are a URL with a blank and one with <c>%20</c>, and URLs
    /// that differ only in what is not shown of them.
    /// </summary>
    /// <exception cref="RunException">64: this names nothing.</exception>
    public static string Key(string script) => ScriptName.Parse(script) switch
    {
        ScriptName.Scoped scoped => $"{scoped.Scope}:{scoped.PathAndRef}",
        var other => Encode(UrlText.Redacted(other.Text)),
    };

    public string ToLine() => $"{Encode(Script)} {Url} {Algorithm}:{Sha256}";

    /// <summary>
    /// SCRIPT as one word of a line: blanks are percent-encoded, and what else would make a line ambiguous: a '#' at its beginning,
    /// and the '%' itself where it is no part of a URL.
    /// </summary>
    public static string Encode(string script)
    {
        var isUrl = ScriptName.IsUrl(script);
        var word = new StringBuilder(script.Length);
        foreach (var c in script)
        {
            _ = (c == ' ' || (c == '%' && !isUrl) || (c == '#' && word.Length == 0)) ? word.Append('%').Append(((int)c).ToString("X2", null)) : word.Append(c);
        }

        return word.ToString();
    }

    /// <summary>The SCRIPT that the word stands for. A '%' that encodes nothing stands for itself, as in a line written by hand.</summary>
    public static string Decode(string word) => ScriptName.IsUrl(word)
        ? word
        : word.Replace("%20", " ", StringComparison.Ordinal).Replace("%23", "#", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
}
