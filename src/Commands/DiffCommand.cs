using Run.Caching;
using Run.CommandLine;
using Run.Naming;
using Run.Reporting;
using Run.Trust;


namespace Run.Commands;

/// <summary><c>--diff</c>: what changed between the copy and what the server has now. Nothing is accepted.</summary>
internal static class DiffCommand
{
    private const int Same = 0, Changed = 1;

    /// <summary>For a pinned script, from what is pinned to what <c>--pin</c> would accept. Where there is no copy, all of it is new.</summary>
    public static int Execute(RunContext context, Invocation invocation)
    {
        var wanted = context.Resolve(invocation.Script);
        if (wanted.Local is not null)
        {
            throw new RunException(ExitStatus.Usage, $"{wanted.DisplayName}: a local file is not cached", "diff(1) compares files");
        }

        var copy = context.Scripts.Find(wanted) ?? (!wanted.IsPinned ? null : Pinned(wanted, context));
        using var latest = context.Scripts.Latest(context.Named(invocation.Script) with { Digest = null });
        var before = copy is null ? (DiffProgram.NoFile, DiffProgram.NoFile) : (copy.Path, DiffProgram.Label(copy, context.Reads.Now));
        var after = (latest.Path, DiffProgram.Label(wanted.NamedUrl));
        if (!Stdout.IsTerminal)
        {
            return DiffProgram.Write(before, after, null, context.Reads) ? Changed : Same;
        }

        using var text = StagingFile.Create(context.Cache.Root);
        var differs = DiffProgram.Write(before, after, text.Handle, context.Reads);
        using var written = text.Reopen();
        DiffProgram.Show(written, Stdout.Write);
        return differs ? Changed : Same;
    }

    /// <summary>What is pinned, where it can still be had: its digest was accepted when it was pinned.</summary>
    private static CachedScript? Pinned(ResolvedScript wanted, RunContext context)
    {
        try
        {
            return context.Scripts.Get(wanted, update: false);
        }
        catch (RunException e) when (e.Status is ExitStatus.Data or ExitStatus.NotFound)
        {
            Messages.Step(() => $"{wanted.DisplayName}: what is pinned is not to be had any more");
            return null;
        }
    }
}
