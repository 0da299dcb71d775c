using Run.Caching;
using Run.CommandLine;

namespace Run.Acts;

/// <summary><c>--diff</c>: what changed between the copy and what the server has now. Nothing is accepted.</summary>
internal static class Diff
{
    private const int Same = 0, Changed = 1;

    /// <summary>For a pinned script, from what is pinned to what <c>--pin</c> would accept. Where there is no copy, all of it is new.</summary>
    public static int Script(Surroundings surroundings, Invocation invocation)
    {
        var wanted = surroundings.Resolve(invocation.Script);
        if (wanted.Local is not null)
        {
            throw new RunException(ExitStatus.Usage, $"{wanted.Shown}: a local file is not cached", "diff(1) compares files");
        }

        var copy = Copies.Find(wanted, surroundings.Cache) ?? (wanted.Pin is null ? null : Pinned(wanted, surroundings));
        using var latest = Copies.Latest(surroundings.Named(invocation.Script) with { Digest = null }, surroundings);
        var before = copy is null ? (Difference.NoFile, Difference.NoFile) : (copy.Path, Difference.Label(copy, DateTimeOffset.UtcNow));
        var after = (latest.Path, Difference.Label(wanted.NamedUrl));
        if (!Output.IsTerminal)
        {
            return Difference.Write(before, after, null) ? Changed : Same;
        }

        using var text = TemporaryFile.Create(surroundings.Cache.Root);
        var differs = Difference.Write(before, after, text.Handle);
        using var written = Kernel.TryOpen(text.Path, Kernel.ReadOnly);
        Difference.Show(written!, Output.Write);
        return differs ? Changed : Same;
    }

    /// <summary>What is pinned, where it can still be had: its digest was accepted when it was pinned.</summary>
    private static CachedScript? Pinned(Wanted wanted, Surroundings surroundings)
    {
        try
        {
            return Copies.Get(wanted, surroundings, update: false);
        }
        catch (RunException e) when (e.Status is ExitStatus.Data or ExitStatus.NotFound)
        {
            Voice.Step(() => $"{wanted.Shown}: what is pinned is not to be had any more");
            return null;
        }
    }
}
