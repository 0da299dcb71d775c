using System.Globalization;
using Run.CommandLine;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--list</c>: lists the cached scripts.</summary>
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

        // People need a readable size and only the first digits of a digest; programs need all of them.
        var now = context.Reads.Now;
        var forPeople = Stdout.IsTerminal;
        Stdout.Write(Table.Of(
            ["SCRIPT", "SIZE", "AGE", "SHA256", "URL"],
            copies.Select(copy => new[]
            {
                copy.Record.Script,
                forPeople ? HumanFormat.Size(copy.Record.Size) : copy.Record.Size.ToString(CultureInfo.InvariantCulture),
                HumanFormat.Age(now - copy.Record.Fetched),
                forPeople ? copy.Record.Sha256[..ShortDigest] : copy.Record.Sha256,
                copy.Record.Url,
            })));
        return 0;
    }
}
