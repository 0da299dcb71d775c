namespace Run.CommandLine;

/// <summary>Which options make sense together. What does not is refused with a reason: an option that is silently without effect misleads.</summary>
internal static class Combinations
{
    /// <exception cref="RunException">64.</exception>
    public static void Check(Invocation i)
    {
        CheckOperands(i);
        Refuse(i.Yes && i.Act != Act.Clean, "--yes goes with --clean alone");
        Refuse(i.Json && i.Act is not (Act.List or Act.Ps or Act.DryRun), "--json goes with --list, --ps or --dry-run");
        Refuse(i.Offline && i.Update, "--offline and --update exclude each other");
        Refuse(i.Offline && (i.Act is Act.Diff or Act.Pin), "--offline leaves no server to ask");
        Refuse(i.Update && (i.Act is Act.Diff or Act.Pin), "--diff and --pin ask the server anyway, so --update adds nothing");

        var runs = i.Act is Act.Run or Act.DryRun;
        Refuse(i.Lock && !runs, "--lock, --wait and --replace are for running a script");
        Refuse(i.Detach && i.Act != Act.Run, "--detach is for running a script");
        Refuse(i.ConflictExitCode is not null && !runs, "--conflict-exit-code is for running a script");
        Refuse(i.Interpreter is not null && !runs, "--interpreter is for running a script");
        Refuse(i.Replace && i.Wait != TimeSpan.Zero, "--replace does not wait for the end that it brings about, so --wait adds nothing");

        var looksUp = runs || i.Act is Act.View or Act.Diff or Act.Pin or Act.Stop or Act.Clean;
        Refuse((i.Update || i.Digest is not null || i.Pinned) && !looksUp, "--update, --sha256 and --pinned go with a SCRIPT");
        Refuse(i.Digest is not null && i.Operands.Length > 1 && (i.Act is Act.Pin or Act.Clean), "--sha256 goes with one SCRIPT");
    }

    private static void CheckOperands(Invocation i)
    {
        switch (i.Act)
        {
            case Act.List or Act.Ps or Act.Init or Act.Completion:
                Refuse(i.Operands.Length > 0, $"{Name(i.Act)} takes no SCRIPT");
                break;
            case Act.Clean or Act.Pin:
                Refuse(i.Act == Act.Pin && i.Operands.Length == 0, "--pin needs a SCRIPT");
                var option = Array.Find(i.Operands, static o => o.StartsWith('-'));
                Refuse(option is not null, $"{option} after a SCRIPT: options come before");
                break;
            default:
                Refuse(i.Operands.Length == 0, "no SCRIPT", "run --help says more");
                Refuse(i.Operands.Length > 1 && (i.Act is Act.Stop or Act.Diff), $"{Name(i.Act)} takes one SCRIPT");
                break;
        }
    }

    // Not by Enum.ToString, which starts up reflection. The others are never refused by name.
    private static string Name(Act act) => act switch
    {
        Act.List => "--list",
        Act.Ps => "--ps",
        Act.Init => "--init",
        Act.Completion => "--completion",
        Act.Stop => "--stop",
        Act.Diff => "--diff",
        _ => "",
    };

    private static void Refuse(bool wrong, string why, string? hint = null)
    {
        if (wrong)
        {
            throw new RunException(ExitStatus.Usage, why, hint);
        }
    }
}
