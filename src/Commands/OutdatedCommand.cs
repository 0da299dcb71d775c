using Run.Acquisition;
using Run.CommandLine;
using Run.Naming;
using Run.Pinning;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--outdated</c>: lists the pins whose source has other bytes now. Nothing is accepted.</summary>
internal static class OutdatedCommand
{
    private const int UpToDate = 0, Outdated = 1, ShortDigest = 12;

    public static int Execute(RunContext context, Invocation invocation)
    {
        var names = context.ScriptsOrPins(invocation);
        var pins = names.Select(name => Outcome<Pinned>.Of(() => Find(name, context))).ToList();
        var checkedPins = Batch.Run(pins, Batch.Pins, "checking", pin => Check(pin.Value ?? throw pin.Failure!, context));
        var outdated = checkedPins.Select(static one => one.Value).WhereNotNull().ToList();
        foreach (var unsigned in outdated.Select(static one => one.Unsigned).WhereNotNull())
        {
            Download.NoteUnsigned(unsigned);
        }

        Stdout.Write(invocation.Json ? ToJson(outdated) : ToText(outdated));
        return Batch.Report(checkedPins, names.Select(UrlText.Shown)) ?? (outdated.Count > 0 ? Outdated : UpToDate);
    }

    private static Pinned Find(string name, RunContext context)
    {
        var script = context.Named(name);
        var pin = script.Local is null ? context.Pins?.List.Find(Pin.Key(script.DisplayName)) : null;
        return pin is not null
            ? new Pinned(pin, script with { Digest = null, TreeDigest = null })
            : throw new RunException(
                ExitStatus.Usage, $"{script.DisplayName}: not pinned",
                script.Local is not null
                    ? "a local file is what it is, and run.pins names none" : $"run --pin {script.ShellQuoted} pins it");
    }

    /// <summary>Null if the source still has what is pinned. At a commit that is the pinned one, it needs no fetch to know that.</summary>
    private static Change? Check(Pinned pinned, RunContext context)
    {
        var script = CommitLookup.Resolve(pinned.Script);
        if (script.Url != pinned.Script.Url && UrlText.Redacted(script.Url) == pinned.Pin.Url)
        {
            return null;
        }

        using var latest = context.Scripts.Latest(script, mayBeUnsigned: true);
        var now = pinned.Pin.Kind == Pin.OfTree ? latest.Tree : latest.Sha256;
        return now is null || now == pinned.Pin.Hex ? null : new Change(script.DisplayName, pinned.Pin.Hex, now, latest.Unsigned);
    }

    private static string ToText(List<Change> outdated)
    {
        var length = Stdout.IsTerminal ? ShortDigest : Posix.Sha256.HexLength;
        return Table.Of(
            ["SCRIPT", "PINNED", "NOW"], outdated.Select(one => new[] { one.Script, one.Pinned[..length], one.Now[..length] }));
    }

    private static string ToJson(List<Change> outdated) => Json.Array(outdated, static (writer, one) =>
    {
        writer.WriteString("script", Messages.Printable(one.Script));
        writer.WriteString("pinned", one.Pinned);
        writer.WriteString("now", one.Now);
    });

    private sealed record Pinned(Pin Pin, ResolvedScript Script);

    /// <param name="Unsigned">Why the new version would not be run; null if it would.</param>
    private sealed record Change(string Script, string Pinned, string Now, RunException? Unsigned);
}
