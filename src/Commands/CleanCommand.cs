using Run.Caching;
using Run.CommandLine;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--clean</c>: removes cached copies.</summary>
internal static class CleanCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var wanted = invocation.Operands.Select(context.Resolve).ToList();
        if (wanted.Find(static w => w.Local is not null) is { } local)
        {
            throw new RunException(ExitStatus.Usage, $"{local.DisplayName}: a local file is not cached");
        }

        if (!invocation.Yes && !Confirmed(wanted))
        {
            return 0;
        }

        if (wanted.Count == 0)
        {
            context.Cache.RemoveAll();
        }

        foreach (var script in wanted.Where(w => !Remove(w, context.Cache)))
        {
            var nearest = context.Scripts.NearestCached(script);
            Messages.Note($"{script.DisplayName}: not cached", nearest is null ? null : $"did you mean {nearest}?");
        }

        return 0;
    }

    /// <summary>The copy of a pinned script, and that of the same one without its pin.</summary>
    private static bool Remove(ResolvedScript script, Cache cache) => cache.Remove(script.Url) | cache.Remove(script.NamedUrl);

    private static bool Confirmed(List<ResolvedScript> wanted)
    {
        using var terminal = Descriptors.IsTerminal(Descriptors.Input) && Descriptors.IsTerminal(Descriptors.Error) ? Terminal.TryOpen() : null;
        if (terminal is null)
        {
            throw new RunException(ExitStatus.Usage, "--clean asks first, and there is no terminal to ask on", "--clean --yes does not ask");
        }

        var what = wanted.Count == 0 ? "all cached scripts" : string.Join(", ", wanted.Select(static w => w.DisplayName));
        return terminal.Confirm($"run: remove {Messages.Printable(what)}?");
    }
}
