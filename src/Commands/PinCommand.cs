using Run.Acquisition;
using Run.CommandLine;
using Run.Naming;
using Run.Pinning;
using Run.Reporting;
using Run.Trust;


namespace Run.Commands;

/// <summary><c>--pin</c>: records in run.pins what the scripts are now. Nothing runs.</summary>
internal static class PinCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var wanted = invocation.Operands.Select(context.Named).ToList();
        if (wanted.Find(static w => w.Local is not null) is { } local)
        {
            throw new RunException(ExitStatus.Usage, $"{local.DisplayName}: a local file has no pin", "whoever has it can see what it is; git keeps its versions");
        }

        // A file with a mistake is not going to be written, so nothing need be fetched.
        _ = PinsFile.Find(context.Reads);
        PinsFile.Add([.. wanted.DistinctBy(static w => Pin.Key(w.DisplayName)).Select(w => Now(w, context))], context.Reads);
        return 0;
    }

    /// <summary>What the script is now. To pin it is to accept it, also where its source would have asked.</summary>
    private static Pin Now(ResolvedScript named, RunContext context)
    {
        var wanted = CommitLookup.Resolve(named);
        var copy = context.Scripts.Get(wanted, update: true);
        Consent.For(wanted, context.Paths.State, context.Cache.Root, context.Reads)?.Remember(copy.Record.Sha256);
        return new Pin(wanted.DisplayName, UrlText.Redacted(wanted.Url), copy.Record.Sha256);
    }
}
