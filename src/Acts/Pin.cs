using Run.CommandLine;
using Run.Pinning;

namespace Run.Acts;

/// <summary><c>--pin</c>: records in run.pins what the scripts are now. Nothing runs.</summary>
internal static class Pin
{
    public static int Scripts(Surroundings surroundings, Invocation invocation)
    {
        var wanted = invocation.Operands.Select(surroundings.Named).ToList();
        if (wanted.Find(static w => w.Local is not null) is { } local)
        {
            throw new RunException(ExitStatus.Usage, $"{local.Shown}: a local file has no pin", "whoever has it can see what it is; git keeps its versions");
        }

        // A file with a mistake is not going to be written, so nothing need be fetched.
        _ = PinsFile.Find();
        PinsFile.Add([.. wanted.DistinctBy(static w => Run.Pinning.Pin.Key(w.Shown)).Select(w => Now(w, surroundings))]);
        return 0;
    }

    /// <summary>What the script is now. To pin it is to accept it, also where its source would have asked.</summary>
    private static Run.Pinning.Pin Now(Wanted named, Surroundings surroundings)
    {
        var wanted = Commits.Resolve(named);
        var copy = Copies.Get(wanted, surroundings, update: true);
        Consent.For(wanted, surroundings)?.Remember(copy.Record.Sha256);
        return new Run.Pinning.Pin(wanted.Shown, UrlText.Shown(wanted.Url), copy.Record.Sha256);
    }
}
