using System.Globalization;
using Run.CommandLine;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--list</c>: the cached scripts.</summary>
internal static class ListCommand
{
    private const int ShortDigest = 12;

    public static int Execute(RunContext context, Invocation invocation)
    {
        var copies = context.Cache.All();
        if (invocation.Json)
        {
            Stdout.Write(Json.Array(copies, static (writer, copy) =>
            {
                writer.WriteString("script", Messages.Printable(copy.Record.Script));
                writer.WriteString("url", Messages.Printable(copy.Record.Url));
                writer.WriteString("path", Messages.Printable(copy.Path));
                writer.WriteString("sha256", copy.Record.Sha256);
                writer.WriteNumber("size", copy.Record.Size);
                writer.WriteString("fetched", copy.Record.Fetched.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            }));
            return 0;
        }

        // People compare sizes and the first digits of digests, programs want all of them.
        var now = context.Reads.Now;
        var people = Stdout.IsTerminal;
        Stdout.Write(Table.Of(
            ["SCRIPT", "SIZE", "AGE", "SHA256", "URL"],
            copies.Select(copy => new[]
            {
                copy.Record.Script,
                people ? HumanFormat.Size(copy.Record.Size) : copy.Record.Size.ToString(CultureInfo.InvariantCulture),
                HumanFormat.Age(now - copy.Record.Fetched),
                people ? copy.Record.Sha256[..ShortDigest] : copy.Record.Sha256,
                copy.Record.Url,
            })));
        return 0;
    }
}
