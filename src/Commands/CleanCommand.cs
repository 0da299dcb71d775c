using Run.CommandLine;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--clean</c>: removes cached copies.</summary>
internal static class CleanCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var scripts = invocation.Operands.Select(context.Resolve).ToList();
        if (scripts.Find(static s => s.Local is not null) is { } local)
        {
            throw new RunException(ExitStatus.Usage, $"{local.DisplayName}: local files are not cached");
        }

        if (!invocation.Yes && !Confirmed(scripts))
        {
            return 0;
        }

        RunningScripts Running() => RunningScripts.Now(context.Paths.State);
        if (scripts.Count == 0)
        {
            context.Cache.RemoveAll(Running, Kept);
        }

        // Of a pinned script, also the copy of its unpinned URL.
        foreach (var script in scripts.Where(s => !context.Cache.Remove([s.Url, s.NamedUrl], Running, Kept)))
        {
            var nearest = context.Scripts.NearestCached(script);
            Messages.Note($"{script.DisplayName}: not cached", nearest is null ? null : $"did you mean {nearest}?");
        }

        return 0;
    }

    private static void Kept(string script, string why) => Messages.Note($"{script} {why}, so its copy stays");

    private static bool Confirmed(List<ResolvedScript> scripts)
    {
        var canAsk = Descriptors.IsTerminal(Descriptors.Input) && Descriptors.IsTerminal(Descriptors.Error);
        using var terminal = canAsk ? Terminal.TryOpen() : null;
        if (terminal is null)
        {
            throw new RunException(
                ExitStatus.Usage, "--clean asks first, and there is no terminal to ask on", "use --clean --yes to remove without asking");
        }

        var what = scripts.Count == 0 ? "all cached scripts" : string.Join(", ", scripts.Select(static s => s.DisplayName));
        return terminal.Confirm($"run: remove {Messages.Printable(what)}?");
    }
}
