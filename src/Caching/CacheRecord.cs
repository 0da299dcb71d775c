using System.Globalization;
using System.Text;
using Run.Naming;
using Run.Posix;

namespace Run.Caching;

/// <summary>The description of a cached script: a small text file, <c>key value</c> on each line. It contains no secrets.</summary>
/// <param name="Script">SCRIPT as typed when the bytes were fetched.</param>
/// <param name="Url">Without secrets; the cache's key is a digest of the real one.</param>
/// <param name="Name">The file's name.</param>
/// <param name="Sha256">Of the script, or of the archive, in lower case; empty for a repository.</param>
/// <param name="Size">Of the script, or of all files of a tree, in bytes.</param>
/// <param name="Fetched">When these bytes were fetched.</param>
/// <param name="Checked">When the server last confirmed them as current.</param>
internal sealed record CacheRecord(
    string Script, string Url, string Name, string Sha256, long Size, DateTimeOffset Fetched, DateTimeOffset Checked,
    string? ETag, string? LastModified)
{
    /// <summary>The file's stamp when its bytes were last known to be right; see <see cref="Cache"/>.</summary>
    public FileStamp Stamp { get; init; }

    /// <summary>The digest of the tree, in lower case; null for a script that is one file.</summary>
    public string? Tree { get; init; }

    /// <summary>The commit, if the tree is that of one; else null.</summary>
    public string? Commit { get; init; }

    /// <summary>The tag object that the ref stood for, if it was an annotated tag; else null.</summary>
    public string? Tag { get; init; }

    /// <summary>Who has signed it; null if that was not asked.</summary>
    public SignedBy? SignedBy { get; init; }

    /// <summary>The one directory that all entries of the archive lie in, and that is not a part of paths; null if there is none.</summary>
    public string? Top { get; init; }

    /// <summary>What was accepted, if it was asked about: the digest of the tree, or of the script.</summary>
    public string Content => Tree ?? Sha256;

    /// <summary>Begins the URL of a copy of a local file: see Acquisition/LocalCopy.</summary>
    public const string LocalScheme = "file://";

    private const string TagSigned = "tag";

    // The first line of a record. A file with another first line was written by another version of run, and counts as none.
    private const string Magic = "run-record 1";

    /// <summary>Whether it describes a private copy of a local file, which is not listed.</summary>
    public bool IsOfLocalFile => Url.StartsWith(LocalScheme, StringComparison.Ordinal);

    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(Magic).Append('\n');
        Add("script", Script);
        Add("url", Url);
        Add("name", Name);
        Add("sha256", Sha256.Length > 0 ? Sha256 : null);
        Add("tree", Tree);
        Add("commit", Commit);
        Add("tag", Tag);
        Add("top", Top);
        Add("size", Size.ToString(CultureInfo.InvariantCulture));
        Add("fetched", Fetched.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        Add("checked", Checked.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        Add("etag", ETag);
        Add("last-modified", LastModified);
        Add("identity", Stamp.ToString());
        Add("signer", SignedBy?.Signer);
        Add("signer-key", SignedBy?.Key);
        Add("signers", SignedBy?.Signers);
        Add("signature", SignedBy?.Signature);
        Add("signed", SignedBy is { IsOfTag: true } ? TagSigned : null);
        return text.ToString();

        void Add(string key, string? value)
        {
            // A value cannot hold a line feed: SCRIPT and URLs have no control characters, and Http keeps only printable ASCII of what a
            // server says. A signer is made printable.
            if (value is not null)
            {
                text.Append(key).Append(' ').Append(value).Append('\n');
            }
        }
    }

    /// <summary>Null if the text is not a complete record.</summary>
    public static CacheRecord? Parse(string text)
    {
        if (!text.StartsWith(Magic + "\n", StringComparison.Ordinal) || !text.EndsWith('\n'))
        {
            return null;
        }

        var values = new Dictionary<string, string>();
        foreach (var line in text[(Magic.Length + 1)..].Split('\n'))
        {
            if (line.IndexOf(' ', StringComparison.Ordinal) is > 0 and var space)
            {
                values[line[..space]] = line[(space + 1)..];
            }
        }

        return values.TryGetValue("script", out var script)
            && values.TryGetValue("url", out var url)
            && values.TryGetValue("name", out var name)
            && (Hex("sha256") is not null || Hex("tree") is not null)
            && Number("size") is { } size
            && Number("fetched") is { } fetched
            && Number("checked") is { } @checked
            && values.TryGetValue("identity", out var stampText) && FileStamp.Parse(stampText) is { } stamp
            && !name.Contains('/', StringComparison.Ordinal) && name is not ("" or "." or "..")
            ? new CacheRecord(
                script, url, name, Hex("sha256") ?? "", size,
                DateTimeOffset.FromUnixTimeSeconds(fetched), DateTimeOffset.FromUnixTimeSeconds(@checked),
                values.GetValueOrDefault("etag"), values.GetValueOrDefault("last-modified"))
            {
                Stamp = stamp,
                Tree = Hex("tree"),
                Commit = values.GetValueOrDefault("commit"),
                Tag = values.GetValueOrDefault("tag"),
                SignedBy = values.TryGetValue("signer", out var signer) && values.TryGetValue("signer-key", out var key)
                    && Hex("signers") is { } signers
                    ? new SignedBy(signer, key, signers)
                    {
                        Signature = values.GetValueOrDefault("signature"),
                        IsOfTag = values.GetValueOrDefault("signed") == TagSigned,
                    }
                    : null,
                Top = values.GetValueOrDefault("top"),
            }
            : null;

        string? Hex(string key) =>
            values.TryGetValue(key, out var hex) && hex.Length == Posix.Sha256.HexLength && CharChecks.AreLowerHex(hex) ? hex : null;

        // At most the end of the year 9999, the range of DateTimeOffset.
        long? Number(string key) =>
            long.TryParse(values.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number <= 253402300799
                ? number
                : null;
    }
}
