using System.Globalization;
using System.Text;
using Run.Naming;
using Run.Posix;

namespace Run.Caching;

/// <summary>What the cache knows of a script: one small text file beside it, <c>key value</c> on each line. No secret is in it.</summary>
/// <param name="Script">SCRIPT as it was typed when the bytes arrived.</param>
/// <param name="Url">Fit to be shown: the key of the cache is a digest of the real one.</param>
/// <param name="Name">The file's name.</param>
/// <param name="Sha256">In lower case.</param>
/// <param name="Fetched">When these bytes arrived.</param>
/// <param name="Checked">When the server last said that they are current.</param>
internal sealed record CacheRecord(
    string Script, string Url, string Name, string Sha256, long Size, DateTimeOffset Fetched, DateTimeOffset Checked, string? ETag, string? LastModified)
{
    /// <summary>How the file looked when its bytes were last known to be right; see <see cref="Cache"/>.</summary>
    public FileStamp Stamp { get; init; }

    // The first line of a record. A file that begins otherwise is of another version of run, and counts as none.
    private const string Magic = "run-record 1";

    public string ToText()
    {
        var text = new StringBuilder();
        text.Append(Magic).Append('\n');
        Add("script", Script);
        Add("url", Url);
        Add("name", Name);
        Add("sha256", Sha256);
        Add("size", Size.ToString(CultureInfo.InvariantCulture));
        Add("fetched", Fetched.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        Add("checked", Checked.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        Add("etag", ETag);
        Add("last-modified", LastModified);
        Add("identity", Stamp.ToString());
        return text.ToString();

        void Add(string key, string? value)
        {
            // A value cannot hold a line feed: SCRIPT and URLs have no control characters, and Http keeps only printable ASCII of what a
            // server says.
            if (value is not null)
            {
                text.Append(key).Append(' ').Append(value).Append('\n');
            }
        }
    }

    /// <summary>Null where the text is not a whole record.</summary>
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
            && values.TryGetValue("sha256", out var sha256) && sha256.Length == Posix.Sha256.HexLength && CharChecks.AreLowerHex(sha256)
            && Number("size") is { } size
            && Number("fetched") is { } fetched
            && Number("checked") is { } @checked
            && values.TryGetValue("identity", out var stampText) && FileStamp.Parse(stampText) is { } stamp
            && !name.Contains('/', StringComparison.Ordinal) && name is not ("" or "." or "..")
            ? new CacheRecord(
                script, url, name, sha256, size, DateTimeOffset.FromUnixTimeSeconds(fetched), DateTimeOffset.FromUnixTimeSeconds(@checked),
                values.GetValueOrDefault("etag"), values.GetValueOrDefault("last-modified"))
            { Stamp = stamp }
            : null;

        // As far as DateTimeOffset reaches: to the year 9999.
        long? Number(string key) =>
            long.TryParse(values.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 253402300799
                ? number : null;
    }
}
