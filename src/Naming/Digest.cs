using Run.Posix;
using Run.Reporting;

namespace Run.Naming;

/// <summary>SHA-256 digests as text: 64 hexadecimal digits.</summary>
internal static class Digest
{
    /// <summary>Introduces a digest at the end of SCRIPT.</summary>
    public const string Fragment = "#sha256=";

    /// <summary>Introduces the digest of a tree.</summary>
    public const string TreeFragment = "#tree=";

    private const string OtherPrefix = "sha256:";
    private const string OtherTreePrefix = "tree:";

    /// <summary>
    /// The digest in a text as run.pins or sha256sum(1) writes it, <c>sha256:HEX</c> or <c>HEX</c>; null if the text is neither.
    /// </summary>
    public static string? InOtherSpelling(string text)
    {
        var hex = text.StartsWith(OtherPrefix, StringComparison.OrdinalIgnoreCase) ? text[OtherPrefix.Length..] : text;
        return hex.Length == Sha256.HexLength && hex.All(char.IsAsciiHexDigit) ? hex.ToLowerInvariant() : null;
    }

    /// <summary>As <see cref="InOtherSpelling"/>, for a tree's: <c>tree:HEX</c>.</summary>
    public static string? OfTreeInOtherSpelling(string text) =>
        text.StartsWith(OtherTreePrefix, StringComparison.OrdinalIgnoreCase) ? InOtherSpelling(text[OtherTreePrefix.Length..]) : null;

    /// <summary>Whether the text is <c>#sha256=HEX</c> or <c>#tree=HEX</c>.</summary>
    public static bool IsFragment(string text) => Array.Exists(
        [Fragment, TreeFragment],
        prefix => text.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
            && text.Length == prefix.Length + Sha256.HexLength && text[prefix.Length..].All(char.IsAsciiHexDigit));

    /// <summary>
    /// Whether what stands behind a '#' is meant as a digest: the name of an algorithm, alone or with a separator, or very many hexadecimal
    /// digits.
    /// </summary>
    public static bool IsMeant(string text)
    {
        const int FewestDigits = 32;
        text = text.Trim().ToLowerInvariant();
        var end = 0;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || (end == "sha".Length && text[end] is '-' or '_')))
        {
            end++;
        }

        var name = text[..end];
        var isAlone = end == text.Length || text[end] is '=' or ':' or '-' or '_' or '%' or ' ';
        return (isAlone && (name is "tree" or "md5" || IsSha(name))) || (text.Length >= FewestDigits && text.All(char.IsAsciiHexDigit));
    }

    /// <summary>The right spelling, for a text that <see cref="IsMeant"/>.</summary>
    public static string HintFor(string text)
    {
        text = text.Trim();
        return text.StartsWith("tree", StringComparison.OrdinalIgnoreCase)
            ? $"the digest of a tree is written {TreeFragment}HEX, with {Sha256.HexLength} hexadecimal digits"
            : (text.StartsWith("sha", StringComparison.OrdinalIgnoreCase) && !text.Contains("256", StringComparison.Ordinal))
                || text.StartsWith("md5", StringComparison.OrdinalIgnoreCase)
            ? $"only {Fragment}HEX and {TreeFragment}HEX are known; HEX has {Sha256.HexLength} hexadecimal digits"
            : $"a digest is written {Fragment}HEX, with {Sha256.HexLength} hexadecimal digits";
    }

    /// <summary><c>sha</c>, <c>sha256</c>, <c>sha-512</c>.</summary>
    private static bool IsSha(string name) =>
        name.StartsWith("sha", StringComparison.Ordinal) && name.AsSpan("sha".Length).TrimStart("-_").IndexOfAnyExceptInRange('0', '9') < 0;

    /// <summary>The digest in lower case.</summary>
    /// <param name="printer">The command that prints such a digest.</param>
    /// <exception cref="RunException">64: anything but 64 hexadecimal digits.</exception>
    public static string Parse(string text, string printer = "sha256sum") =>
        text.Length == Sha256.HexLength && text.All(char.IsAsciiHexDigit)
            ? text.ToLowerInvariant()
            : throw new RunException(
                ExitStatus.Usage, $"{(text.Length > 0 ? UrlText.Shown(text) : "''")}: not a SHA-256 digest",
                InOtherSpelling(text) is { } hex
                    ? $"did you mean {hex}?"
                    : $"a digest has {Sha256.HexLength} hexadecimal digits; {printer} prints it");

    /// <summary>The failure (65) if the bytes do not have the expected digest.</summary>
    /// <param name="algorithm">What the digest is of: <c>sha256</c>, the bytes that were fetched, or <c>tree</c>.</param>
    public static RunException Mismatch(string displayName, string expected, string actual, string algorithm = "sha256") =>
        new(ExitStatus.Data, $"{displayName}: the digest does not match", $"expected {algorithm} {expected}, got {actual}");

    /// <summary>The digest that two places ask for, if at least one of them does.</summary>
    /// <exception cref="RunException">64: the two differ.</exception>
    public static string? Same(string? one, string? other) =>
        one is null || other is null || one == other
            ? one ?? other
            : throw new RunException(ExitStatus.Usage, $"two different digests are given: {one} and {other}");
}
