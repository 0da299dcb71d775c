using Run.Naming;
using Run.Reporting;

namespace Run.Pinning;

/// <summary>
/// From a pinned URL to the URLs that are asked. A pin chooses a ref and nothing else: what is asked is always made by the source itself,
/// of SCRIPT's own parts and that ref, so a run.pins that came with somebody's repository cannot send a script to another place.
/// </summary>
internal static class PinnedUrl
{
    private const int ShortestCommit = 7;

    /// <summary>The script as its pin has it.</summary>
    /// <param name="wanted">The script as it is without a pin.</param>
    /// <exception cref="RunException">65: another digest was asked for. 77: the source could not have given that URL for that SCRIPT.</exception>
    public static ResolvedScript Apply(Pin pin, ResolvedScript wanted, string file)
    {
        var urls = Urls(pin.Url, wanted) ?? throw new RunException(
            ExitStatus.Refused, $"{wanted.DisplayName}: {file} pins it to {pin.Url}, which is not where it comes from",
            $"it comes from {UrlText.Redacted(wanted.NamedUrl, wanted.Source?.Pattern)}; run --pin {wanted.ShellQuoted} pins it there");
        return wanted.Digest is null || wanted.Digest == pin.Sha256
            ? wanted with { Urls = urls, Digest = pin.Sha256, PinnedBy = file }
            : throw new RunException(
                ExitStatus.Data, $"{wanted.DisplayName}: {file} pins sha256:{pin.Sha256}, and sha256:{wanted.Digest} is asked for",
                $"run --pin {wanted.ShellQuoted} pins what the server has now");
    }

    /// <summary>What the script's source gives with the ref that is in <paramref name="pinned"/>; null where no ref gives that.</summary>
    private static IReadOnlyList<string>? Urls(string pinned, ResolvedScript wanted)
    {
        // A line that was written by hand may show more than run writes.
        var pattern = wanted.Source?.Pattern;
        pinned = UrlText.Redacted(pinned, pattern);
        if (pinned == UrlText.Redacted(wanted.NamedUrl, pattern))
        {
            return wanted.Urls;
        }

        if (wanted.Source is not { TakesRef: true } source || wanted.PathAndRef is not { } rest)
        {
            return null;
        }

        var path = source.SplitRef(rest).Path;
        return RefIn(pinned, reference => UrlText.Redacted(source.Fill(source.Pattern, path, reference), pattern)) is { } reference
            && (source.NamesRef(rest) ? IsCommit(reference) : IsPlain(reference))
            && UrlText.Authority(source.Fill(source.Pattern, path, reference)) == UrlText.Authority(wanted.NamedUrl)
            ? source.At(path, reference)
            : null;
    }

    /// <summary>
    /// The ref with which <paramref name="fill"/> gives exactly that URL; null where there is none. Where the ref lands is seen by filling in
    /// two of them: the URLs differ there and nowhere else.
    /// </summary>
    private static string? RefIn(string url, Func<string, string> fill)
    {
        const string One = "0", Other = "1";
        var (one, other) = (fill(One), fill(Other));
        var places = Enumerable.Range(0, one.Length).Where(i => one[i] != other[i]).ToList();
        if (places.Count == 0 || (url.Length - (one.Length - places.Count)) / places.Count is not (> 0 and var length) || places[0] + length > url.Length)
        {
            return null;
        }

        var reference = UrlText.Decode(url.Substring(places[0], length));
        return IsPlain(reference) && fill(reference) == url ? reference : null;
    }

    /// <summary>
    /// A slash would let the ref reach into the path: <c>main/other</c> before <c>tool.sh</c> is another file of the branch <c>main</c>. So a pin's
    /// ref is one segment, of characters that no server takes for anything else.
    /// </summary>
    private static bool IsPlain(string reference) =>
        reference is not ("" or "." or "..") && reference.All(static c => char.IsAsciiLetterOrDigit(c) || "-._+".Contains(c));

    private static bool IsCommit(string reference) => reference.Length >= ShortestCommit && CharChecks.AreLowerHex(reference);
}
