using Run.Naming;
using Run.Posix;

namespace Run.Caching;

/// <summary>
/// What a fetch is asked for, and with what. Others who wait for the same URL may want another digest, may have another source, with other
/// signers, or may ask with other credentials or through another proxy; then its failure says nothing about theirs.
/// </summary>
/// <param name="Server">
/// A digest of the URLs that are tried and of what they are asked with: nothing else decides whether a server can be reached.
/// </param>
/// <param name="Whole">A digest of all that decides.</param>
internal sealed record Question(string Server, string Whole)
{
    /// <param name="askedWith">Credentials, proxies and the like.</param>
    public static Question Of(ResolvedScript script, IEnumerable<string> askedWith)
    {
        // Of scripts in the same archive the URL that is fetched is the same.
        var urls = script.Tree is null ? script.Urls : script.Urls.Select(static url => TreeUrl.Parse(url)?.PackageAndRef);
        var server = DigestOf([.. urls, .. askedWith]);
        var source = script.Source;
        var whole = DigestOf(
        [
            server, script.DisplayName, source?.Name, source?.Signers, $"{source?.PlainHttpAllowed}", script.Digest, script.TreeDigest,
        ]);
        return new Question(server, whole);
    }

    /// <summary>Whether what was asked, of which that is the digest, is this, or is asked of the same servers.</summary>
    public bool Meets(string asked) => asked == Server || asked == Whole;

    // No variable and no URL has a NUL.
    private static string DigestOf(IEnumerable<string?> parts) => Sha256.HexOf(OsText.ToBytes(string.Join('\0', parts)));
}
