using Run.Acquisition;
using Run.CommandLine;
using Run.Naming;
using Run.Pinning;
using Run.Reporting;
using Run.Trust;

namespace Run.Commands;

/// <summary><c>--pin</c>: records the scripts as they are now in run.pins. Nothing is run.</summary>
internal static class PinCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var scripts = invocation.Operands.Select(context.Named).ToList();
        if (scripts.Find(static s => s.Local is not null) is { } local)
        {
            throw new RunException(
                ExitStatus.Usage, $"{local.DisplayName}: local files cannot be pinned", "keep its versions in git, for example");
        }

        // Read first: if run.pins has a mistake, it will not be written, and nothing need be fetched.
        _ = PinsFile.Find(context.Reads);
        PinsFile.Add([.. scripts.DistinctBy(static s => Pin.Key(s.DisplayName)).Select(s => PinOf(s, context))], context.Reads);
        return 0;
    }

    /// <summary>The pin of the script as it is now. Pinning accepts it, even if its source says <c>trust: ask</c>.</summary>
    private static Pin PinOf(ResolvedScript named, RunContext context)
    {
        var script = CommitLookup.Resolve(named);
        var copy = context.Scripts.Get(script, update: true);
        Consent.For(script, context.Paths.State, context.Cache.Root, context.Reads)?.Remember(copy.Record.Sha256);
        return new Pin(script.DisplayName, UrlText.Redacted(script.Url, script.Source?.Pattern), copy.Record.Sha256);
    }
}
