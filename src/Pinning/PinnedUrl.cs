using Run.Naming;
using Run.Reporting;

namespace Run.Pinning;

/// <summary>
/// From a pinned URL to the URLs that are fetched. A pin chooses only a ref: the source itself makes the URLs, from SCRIPT's own parts and
/// that ref. So a run.pins in somebody else's repository cannot redirect a script to another origin.
/// </summary>
internal static class PinnedUrl
{
    private const int MinCommitDigits = 7;

    /// <summary>The script with the pin's URLs and digest.</summary>
    /// <param name="script">The script without its pin.</param>
    /// <param name="file">The path of run.pins, for messages.</param>
    /// <exception cref="RunException">65: another digest was asked for. 77: the source cannot produce that URL for that SCRIPT.</exception>
    public static ResolvedScript Apply(Pin pin, ResolvedScript script, string file)
    {
        var urls = Urls(pin.Url, script) ?? throw new RunException(
            ExitStatus.Refused, $"{script.DisplayName}: {file} pins it to {pin.Url}, which is not where it comes from",
            $"it comes from {UrlText.Redacted(script.NamedUrl, script.Source?.Pattern)}; run --pin {script.ShellQuoted} pins it there");
        var pinned = pin.Kind == Pin.OfTree
            ? script with { Urls = urls, TreeDigest = pin.Hex, PinnedBy = file }
            : script with { Urls = urls, Digest = pin.Hex, PinnedBy = file };
        return (script.Digest is null || script.Digest == pinned.Digest)
            && (script.TreeDigest is null || script.TreeDigest == pinned.TreeDigest)
            ? pinned
            : throw new RunException(
                ExitStatus.Data,
                $"{script.DisplayName}: {file} pins {pin.Digest}, and "
                    + $"{(script.TreeDigest is { } tree ? $"tree:{tree}" : $"sha256:{script.Digest}")} is asked for",
                $"run --pin {script.ShellQuoted} pins what the server has now");
    }

    /// <summary>The URLs that the source makes with the ref in <paramref name="pinned"/>; null if no ref produces that URL.</summary>
    private static IReadOnlyList<string>? Urls(string pinned, ResolvedScript script)
    {
        // A line that was written by hand may show more than run writes.
        var pattern = script.Source?.Pattern;
        pinned = UrlText.Redacted(pinned, pattern);
        if (pinned == UrlText.Redacted(script.NamedUrl, pattern))
        {
            return script.Urls;
        }

        if (script is { Source: null, Tree: { IsRepository: true } named })
        {
            return TreeUrl.Parse(pinned) is { Ref: { } other } tree
                && UrlText.Redacted((tree with { Ref = named.Ref }).ToString()) == UrlText.Redacted(script.NamedUrl)
                && (IsCommit(other) || (named.IsAtHead && IsPlain(other)))
                ? [(named with { Ref = other }).ToString()]
                : null;
        }

        if (script.Source is not { TakesRef: true } source || script.PathAndRef is not { } rest)
        {
            return null;
        }

        var path = source.SplitRef(rest).Path;
        return RefOf(pinned, script) is { } reference
            && (source.NamesRef(rest) ? IsCommit(reference) : IsPlain(reference))
            && UrlText.Authority(source.Fill(source.Pattern, path, reference)) == UrlText.Authority(script.NamedUrl)
            ? source.At(path, reference)
            : null;
    }

    /// <summary>
    /// The ref with which the script's source makes that URL, as it may be shown, for the same path; null if there is none.
    /// </summary>
    public static string? RefOf(string url, ResolvedScript script) =>
        script is { Source: { TakesRef: true } source, PathAndRef: { } rest }
            ? RefIn(url, reference =>
                UrlText.Redacted(source.Fill(source.Pattern, source.SplitRef(rest).Path, reference), source.Pattern))
            : null;

    /// <summary>
    /// The ref with which <paramref name="fill"/> produces exactly that URL; null if there is none. To find the ref's position, it fills in
    /// two refs: the URLs differ only there.
    /// </summary>
    private static string? RefIn(string url, Func<string, string> fill)
    {
        const string One = "0", Other = "1";
        var (one, other) = (fill(One), fill(Other));
        var places = Sequence.Range(0, one.Length).Where(i => one[i] != other[i]).ToList();
        if (places.Count == 0
            || (url.Length - (one.Length - places.Count)) / places.Count is not (> 0 and var length) || places[0] + length > url.Length)
        {
            return null;
        }

        var reference = UrlText.Decode(url.Substring(places[0], length));
        return IsPlain(reference) && fill(reference) == url ? reference : null;
    }

    /// <summary>
    /// A slash would let the ref reach into the path: <c>main/other</c> before <c>tool.sh</c> is another file of the branch <c>main</c>. So
    /// a pin's ref must be one segment, of characters that have no other meaning to any server.
    /// </summary>
    private static bool IsPlain(string reference) =>
        reference is not ("" or "." or "..") && reference.All(static c => char.IsAsciiLetterOrDigit(c) || "-._+".Contains(c));

    private static bool IsCommit(string reference) => reference.Length >= MinCommitDigits && CharChecks.AreLowerHex(reference);
}
