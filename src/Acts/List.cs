using System.Globalization;
using Run.CommandLine;

namespace Run.Acts;

/// <summary><c>--list</c>: the cached scripts.</summary>
internal static class List
{
    private const int ShortDigest = 12;

    public static int Cached(Surroundings surroundings, Invocation invocation)
    {
        var copies = surroundings.Cache.All();
        if (invocation.Json)
        {
            Output.Write(Json.Array(copies, static (writer, copy) =>
            {
                writer.WriteString("script", Voice.Printable(copy.Record.Script));
                writer.WriteString("url", Voice.Printable(copy.Record.Url));
                writer.WriteString("path", Voice.Printable(copy.Path));
                writer.WriteString("sha256", copy.Record.Sha256);
                writer.WriteNumber("size", copy.Record.Size);
                writer.WriteString("fetched", copy.Record.Fetched.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            }));
            return 0;
        }

        // People compare sizes and the first digits of digests, programs want all of them.
        var now = DateTimeOffset.UtcNow;
        var people = Output.IsTerminal;
        Output.Write(Table.Of(
            ["SCRIPT", "SIZE", "AGE", "SHA256", "URL"],
            copies.Select(copy => new[]
            {
                copy.Record.Script,
                people ? Ages.Size(copy.Record.Size) : copy.Record.Size.ToString(CultureInfo.InvariantCulture),
                Ages.Text(now - copy.Record.Fetched),
                people ? copy.Record.Sha256[..ShortDigest] : copy.Record.Sha256,
                copy.Record.Url,
            })));
        return 0;
    }
}
