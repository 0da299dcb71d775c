using System.Globalization;
using Run.Acquisition;
using Run.Caching;
using Run.CommandLine;
using Run.Naming;
using Run.Pinning;
using Run.Reporting;
using Run.Trust;

namespace Run.Commands;

/// <summary><c>--pin</c>: records the scripts as they are now in run.pins. Nothing is run.</summary>
internal static class PinCommand
{
    /// <summary>Without SCRIPT, moves all pins. If any fails, all failures are printed, and nothing is written.</summary>
    public static int Execute(RunContext context, Invocation invocation)
    {
        var scripts = context.ScriptsOrPins(invocation).Select(context.Named).ToList();
        if (scripts.Find(static s => s.Local is not null) is { } local)
        {
            throw new RunException(
                ExitStatus.Usage, $"{local.DisplayName}: local files cannot be pinned", "keep its versions in git, for example");
        }

        if (scripts.Count == 0)
        {
            Messages.Note($"{context.Pins!.Path}: no pins", "run --pin SCRIPT adds one");
            return 0;
        }

        // Read first: if run.pins has a mistake, it will not be written, and nothing need be fetched.
        _ = context.Pins;
        scripts = scripts.DistinctBy(static s => Pin.Key(s.DisplayName)).ToList();
        var pins = Batch.Run(scripts, Batch.Pins, "pinning", script => PinOf(script, context));
        if (Batch.Report(pins, scripts.Select(static s => s.DisplayName)) is { } status)
        {
            return status;
        }

        var written = PinsFile.Add(pins.Select(static pin => pin.Value.Pin!).ToList(), context.Reads);
        string[] parts = [Count(written.Added, "added"), Count(written.Moved, "moved"), Count(written.Unchanged, "unchanged")];
        string[] signers = [.. pins.Select(static pin => pin.Value.SignedBy?.ToString()).WhereNotNull().Distinct()];
        Messages.Note($"{written.Path}: {string.Join(", ", parts.Where(static part => part.Length > 0))}"
            + (signers.Length > 0 ? $"; signed by {string.Join(", ", signers)}" : ""));
        return 0;
    }

    private static string Count(int count, string what) => count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{count} {what}");

    /// <summary>The pin of the script as it is now. Pinning accepts it, even if its source says <c>trust: ask</c>.</summary>
    private static (Pin Pin, SignedBy? SignedBy) PinOf(ResolvedScript named, RunContext context)
    {
        var script = CommitLookup.Resolve(named);
        var copy = context.Scripts.Get(script, update: true);
        Consent.For(script, context.Paths.State, context.Cache.Root, context.Reads)?.Remember(copy.Record.Content);
        var signed = script.Source is { Signers: not null } ? copy.Record.SignedBy : null;

        // A commit whose tag alone is signed must be fetched by its tag.
        var url = script.Tree is { } tree && copy.Record.Commit is { } commit && signed is not { IsOfTag: true }
            ? (tree with { Ref = commit }).ToString()
            : script.Url;
        var pin = new Pin(
            script.DisplayName, UrlText.Redacted(url, script.Source?.Pattern), copy.Record.Tree is null ? Pin.OfBytes : Pin.OfTree,
            copy.Record.Content);
        return (pin, signed);
    }
}
