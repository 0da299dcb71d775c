using System.Text;
using Run.Caching;
using Run.CommandLine;

namespace Run.Acts;

/// <summary><c>--clean</c>: removes cached copies.</summary>
internal static class Clean
{
    public static int Copies(Surroundings surroundings, Invocation invocation)
    {
        var wanted = invocation.Operands.Select(surroundings.Resolve).ToList();
        if (wanted.Find(static w => w.Local is not null) is { } local)
        {
            throw new RunException(ExitStatus.Usage, $"{local.Shown}: a local file is not cached");
        }

        if (!invocation.Yes && !Confirmed(wanted))
        {
            return 0;
        }

        if (wanted.Count == 0)
        {
            surroundings.Cache.RemoveAll();
        }

        foreach (var script in wanted.Where(w => !Remove(w, surroundings.Cache)))
        {
            var nearest = Run.Copies.NearestCached(script, surroundings.Cache);
            Voice.Note($"{script.Shown}: not cached", nearest is null ? null : $"did you mean {nearest}?");
        }

        return 0;
    }

    /// <summary>The copy of a pinned script, and that of the same one without its pin.</summary>
    private static bool Remove(Wanted script, Cache cache) => cache.Remove(script.Url) | cache.Remove(script.NamedUrl);

    private static bool Confirmed(List<Wanted> wanted)
    {
        const int Input = 0, Error = 2;
        if (!Kernel.IsTerminal(Input) || !Kernel.IsTerminal(Error))
        {
            throw new RunException(ExitStatus.Usage, "--clean asks first, and there is no terminal to ask on", "--clean --yes does not ask");
        }

        var what = wanted.Count == 0 ? "all cached scripts" : string.Join(", ", wanted.Select(static w => w.Shown));
        Voice.Raw($"run: remove {Voice.Printable(what)}? [y/N] ");
        using var terminal = Kernel.TryOpen("/dev/tty", Kernel.ReadOnly | Kernel.NoControllingTerminal);
        var answer = terminal is null ? null : Kernel.TryReadLine(terminal);
        return answer is { Length: > 0 } && Encoding.UTF8.GetString(answer).Trim() is "y" or "Y" or "yes";
    }
}
