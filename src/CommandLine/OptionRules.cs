using Run.Reporting;

namespace Run.CommandLine;

/// <summary>Which options make sense together. What does not is refused with a reason: an option that is silently without effect misleads.</summary>
internal static class OptionRules
{
    /// <exception cref="RunException">64.</exception>
    public static void Check(Invocation i)
    {
        CheckOperands(i);
        Refuse(i.Yes && i.Command != CommandKind.Clean, "--yes goes with --clean alone");
        Refuse(i.Json && i.Command is not (CommandKind.List or CommandKind.Ps or CommandKind.DryRun), "--json goes with --list, --ps or --dry-run");
        Refuse(i.Offline && i.Update, "--offline and --update exclude each other");
        Refuse(i.Offline && (i.Command is CommandKind.Diff or CommandKind.Pin), "--offline leaves no server to ask");
        Refuse(i.Update && (i.Command is CommandKind.Diff or CommandKind.Pin), "--diff and --pin ask the server anyway, so --update adds nothing");

        var runs = i.Command is CommandKind.Run or CommandKind.DryRun;
        Refuse(i.Lock && !runs, "--lock, --wait and --replace are for running a script");
        Refuse(i.Detach && i.Command != CommandKind.Run, "--detach is for running a script");
        Refuse(i.ConflictExitCode is not null && !runs, "--conflict-exit-code is for running a script");
        Refuse(i.Interpreter is not null && !runs, "--interpreter is for running a script");
        Refuse(i.Replace && i.Wait != TimeSpan.Zero, "--replace does not wait for the end that it brings about, so --wait adds nothing");

        var looksUp = runs || i.Command is CommandKind.View or CommandKind.Diff or CommandKind.Pin or CommandKind.Stop or CommandKind.Clean;
        Refuse((i.Update || i.Digest is not null || i.Pinned) && !looksUp, "--update, --sha256 and --pinned go with a SCRIPT");
        Refuse(i.Digest is not null && i.Operands.Length > 1 && (i.Command is CommandKind.Pin or CommandKind.Clean), "--sha256 goes with one SCRIPT");
    }

    private static void CheckOperands(Invocation i)
    {
        switch (i.Command)
        {
            case CommandKind.List or CommandKind.Ps or CommandKind.Init or CommandKind.Completion:
                Refuse(i.Operands.Length > 0, $"{Name(i.Command)} takes no SCRIPT");
                break;
            case CommandKind.Clean or CommandKind.Pin:
                Refuse(i.Command == CommandKind.Pin && i.Operands.Length == 0, "--pin needs a SCRIPT");
                var option = Array.Find(i.Operands, static o => o.StartsWith('-'));
                Refuse(option is not null, $"{option} after a SCRIPT: options come before");
                break;
            default:
                Refuse(i.Operands.Length == 0, "no SCRIPT", "run --help says more");
                Refuse(i.Operands.Length > 1 && (i.Command is CommandKind.Stop or CommandKind.Diff), $"{Name(i.Command)} takes one SCRIPT");
                break;
        }
    }

    // Not by Enum.ToString, which starts up reflection. The others are never refused by name.
    private static string Name(CommandKind act) => act switch
    {
        CommandKind.List => "--list",
        CommandKind.Ps => "--ps",
        CommandKind.Init => "--init",
        CommandKind.Completion => "--completion",
        CommandKind.Stop => "--stop",
        CommandKind.Diff => "--diff",
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
