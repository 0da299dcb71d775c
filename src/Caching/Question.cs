using Run.Naming;
using Run.Posix;

namespace Run.Caching;

/// <summary>
/// What a fetch is asked for. Others who wait for the same URL may want another digest, or may have another source, with other signers or
/// headers; then its failure says nothing about theirs.
/// </summary>
/// <param name="Urls">A digest of the URLs that are tried: whether a server can be reached depends on nothing else.</param>
/// <param name="Whole">A digest of all that decides.</param>
internal sealed record Question(string Urls, string Whole)
{
    public static Question Of(ResolvedScript script)
    {
        // Of scripts in the same archive the URL that is fetched is the same.
        var urls = DigestOf(script.Tree is null ? script.Urls : script.Urls.Select(static url => TreeUrl.Parse(url)?.PackageAndRef));
        return new Question(
            urls, DigestOf([urls, script.DisplayName, script.Source?.Name, script.Source?.Signers, script.Digest, script.TreeDigest]));
    }

    /// <summary>Whether what was asked, of which that is the digest, is this, or is asked of the same URLs.</summary>
    public bool Meets(string asked) => asked == Urls || asked == Whole;

    private static string DigestOf(IEnumerable<string?> parts) => Sha256.HexOf(OsText.ToBytes(string.Join('\n', parts)));
}
