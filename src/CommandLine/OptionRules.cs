using Run.Naming;
using Run.Reporting;

namespace Run.CommandLine;

/// <summary>
/// Which options can be combined. Other combinations are refused with a reason, because an option that silently has no effect misleads.
/// </summary>
internal static class OptionRules
{
    /// <exception cref="RunException">64.</exception>
    public static void Check(Invocation i)
    {
        CheckOperands(i);
        Refuse(i.Yes && i.Command != CommandKind.Clean, "--yes works only with --clean");
        Refuse(
            i.Json && i.Command is not (
                CommandKind.List or CommandKind.Ps or CommandKind.DryRun or CommandKind.Fetch or CommandKind.Outdated),
            "--json works only with --list, --ps, --dry-run, --fetch or --outdated");
        Refuse(i.Age is not null && i.Operands.Length > 0, "--clean=AGE takes no SCRIPT");
        Refuse(i.Offline && i.Update, "--offline and --update cannot be combined");

        var asks = i.Command is CommandKind.Diff or CommandKind.Pin or CommandKind.Outdated;
        Refuse(i.Offline && asks, "--diff, --pin and --outdated ask the server, so they cannot be combined with --offline");
        Refuse(i.Update && asks, "--diff, --pin and --outdated always ask the server, so --update adds nothing");

        var runs = i.Command is CommandKind.Run or CommandKind.DryRun;
        Refuse(i.Lock && !runs, "--lock, --wait and --replace are for running a script");
        Refuse(i.Detach && i.Command != CommandKind.Run, "--detach is for running a script");
        Refuse(i.ConflictExitCode is not null && !runs, "--conflict-exit-code is for running a script");
        Refuse(i.Interpreter is not null && !runs, "--interpreter is for running a script");
        Refuse(i.On is not null && !runs, "--on is for running a script");
        Refuse(i.Replace && i.Wait != TimeSpan.Zero, "--replace stops the running script and does not wait for it: omit --wait");

        var looksUp = runs || TakesSeveral(i.Command) || i.Command is CommandKind.View or CommandKind.Stop;
        Refuse((i.Update || i.Digest is not null || i.Pinned) && !looksUp, "--update, --sha256 and --pinned need a SCRIPT");
        Refuse((i.Update || i.Pinned) && i.Command == CommandKind.Clean, "--update and --pinned have no effect with --clean");
        Refuse(i.Digest is not null && i.Operands.Length != 1 && TakesSeveral(i.Command), "--sha256 works only with one SCRIPT");
        Refuse(i.Digest is not null && i.Command == CommandKind.Outdated, "--sha256 has no effect with --outdated");
    }

    private static bool TakesSeveral(CommandKind command) =>
        command is CommandKind.Clean or CommandKind.Fetch or CommandKind.Pin or CommandKind.Outdated or CommandKind.Diff;

    private static void CheckOperands(Invocation i)
    {
        switch (i.Command)
        {
            case CommandKind.List:
                Refuse(i.Operands.Length > 1, "--list takes one SOURCE: or PATTERN");
                break;
            case CommandKind.Ps:
                RefuseOptions(i.Operands, "PLACE");
                Refuse(
                    i.Operands.Length > 1 || (i.Operands is [var place] && LockPlace.Split(place) is not (_, null)),
                    "--ps takes no SCRIPT", "--ps PLACE: lists those that hold a lock of that place");
                break;
            case CommandKind.Init or CommandKind.Completion:
                Refuse(i.Operands.Length > 0, $"{Name(i.Command)} takes no SCRIPT");
                break;
            case var command when TakesSeveral(command):
                RefuseOptions(i.Operands, "SCRIPT");
                break;
            default:
                Refuse(i.Operands.Length == 0, "no SCRIPT given", "see run --help");
                Refuse(
                    i.Operands.Length > 1 && (i.Command is CommandKind.View or CommandKind.Logs or CommandKind.Stop),
                    $"{Name(i.Command)} takes one SCRIPT");
                break;
        }
    }

    private static void RefuseOptions(string[] operands, string what)
    {
        var option = Array.Find(operands, static o => o.StartsWith('-'));
        Refuse(option is not null, $"{option} after a {what}: options must come before it");
    }

    // Not Enum.ToString, which starts reflection. The other commands are never named in a refusal.
    private static string Name(CommandKind command) => command switch
    {
        CommandKind.Init => "--init",
        CommandKind.Completion => "--completion",
        CommandKind.View => "--view",
        CommandKind.Logs => "--logs",
        CommandKind.Stop => "--stop",
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
