using Microsoft.Win32.SafeHandles;
using Run.Acquisition;
using Run.Caching;
using Run.CommandLine;
using Run.Naming;
using Run.Reporting;
using Run.Trust;

namespace Run.Commands;

/// <summary><c>--diff</c>: shows what changed between the copy and the server's present version. Nothing is accepted.</summary>
internal static class DiffCommand
{
    private const int Same = 0, Changed = 1;

    /// <summary>
    /// For a pinned script, the change from the pinned version to the one that <c>--pin</c> would accept. Without a copy, all of it is new.
    /// Without SCRIPT, the changes of all pinned scripts. Of several, each tree is named before its changes.
    /// </summary>
    /// <returns>As diff(1): 0 if there is no difference, 1 if there is one.</returns>
    public static int Execute(RunContext context, Invocation invocation)
    {
        var scripts = context.ScriptsOrPins(invocation)
            .Select(name => (Script: context.Resolve(name), Named: context.Named(name))).ToList();
        if (scripts.Find(static one => one.Script.Local is not null) is { Script: { } local })
        {
            throw new RunException(ExitStatus.Usage, $"{local.DisplayName}: local files are not cached", "use diff(1) to compare files");
        }

        var versions = Batch.Run(scripts, Batch.Pins, "comparing", one =>
        {
            var copy = context.Scripts.FindAny(one.Script) ?? (!one.Script.IsPinned ? null : Pinned(one.Script, context));
            return (Copy: copy, Latest: context.Scripts.Latest(one.Named with { Digest = null, TreeDigest = null }, mayBeUnsigned: true));
        });
        var differs = false;
        foreach (var (one, version) in scripts.Zip(versions).Where(static pair => pair.Second.Failure is null))
        {
            using var latest = version.Value.Latest;
            differs |= Show(version.Value.Copy, latest, one.Script, context, isNamed: scripts.Count > 1);
            NameSigners(version.Value.Copy, latest, one.Script);
        }

        return Batch.Report(versions, scripts.Select(static one => one.Script.DisplayName)) ?? (differs ? Changed : Same);
    }

    /// <summary>Says whose signature the new version has, if it is not that of the same one.</summary>
    private static void NameSigners(CachedScript? copy, Download latest, ResolvedScript script)
    {
        if (latest.Unsigned is { } unsigned)
        {
            Download.NoteUnsigned(unsigned);
        }
        else if (latest.SignedBy is { } now && now.Key != copy?.Record.SignedBy?.Key)
        {
            var before = copy is null ? ""
                : copy.Record.SignedBy is { } by ? $", and the cached copy by {by}"
                : ", and the cached copy by nobody that is known";
            Messages.Note($"{script.DisplayName}: signed by {now}{before}");
        }
    }

    /// <param name="isNamed">Whether a line with its name is before the changes of a tree; those of a single file have its URL.</param>
    private static bool Show(CachedScript? copy, Download latest, ResolvedScript script, RunContext context, bool isNamed)
    {
        if (isNamed && latest.Tree is not null && copy?.Record.Tree != latest.Tree)
        {
            Stdout.Write($"==> {Messages.Printable(script.DisplayName)} <==\n");
        }

        // Not from diff(1) to standard output: if that is full, or nobody reads it any more, its status says only that it failed.
        using var text = Cache.Stage(context.Cache.Root);
        var differs = Write(copy, latest, script, text.Handle, context);
        using var written = text.Reopen();
        if (Stdout.IsTerminal)
        {
            DiffProgram.Show(written, Stdout.Write, Messages.MayColour);
        }
        else
        {
            DiffProgram.Copy(written, static bytes => Stdout.Write(bytes));
        }

        return differs;
    }

    private static bool Write(CachedScript? copy, Download latest, ResolvedScript script, SafeFileHandle into, RunContext context)
    {
        if (latest.Listing is { } listing)
        {
            var change = TreeChange.Of(copy?.Tree is { } tree ? (tree.Root, tree.Listing) : null, (latest.Path, listing));
            return DiffProgram.WriteTrees(change, context.Cache.Root, into, context.Reads);
        }

        var before = copy is null ? (DiffProgram.NoFile, DiffProgram.NoFile) : (copy.Path, DiffProgram.Label(copy, context.Reads.Now));
        return DiffProgram.Write(before, (latest.Path, DiffProgram.Label(script.NamedUrl)), into, context.Reads);
    }

    /// <summary>The pinned version, if it is still available. It needs no consent: its digest was accepted when it was pinned.</summary>
    private static CachedScript? Pinned(ResolvedScript script, RunContext context)
    {
        try
        {
            return context.Scripts.Get(script, update: false);
        }
        catch (RunException e) when (e.Status is ExitStatus.Data or ExitStatus.NotFound)
        {
            Messages.Step(() => $"{script.DisplayName}: the pinned version is no longer available");
            return null;
        }
    }
}
