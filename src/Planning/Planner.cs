using Run.Acquisition;
using Run.Caching;
using Run.Execution;
using Run.Inputs;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;


namespace Run.Planning;

/// <summary>
/// Writes down, as a plan, what a run has looked at and what came of it, so that the next one like it needs no runtime (native/executor.c).
/// A plan must never change what happens: all that could is in it, and where something cannot be put into it there is none.
/// </summary>
/// <param name="script">SCRIPT as it was typed.</param>
/// <param name="copy">The script's copy; null for a local file.</param>
/// <param name="program">The program that <c>#!/usr/bin/env</c> will find, where the script names one.</param>
internal sealed class Planner(
    string script, ResolvedScript wanted, RunContext context, LockRequest lockRequest, CachedScript? copy, Launch launch, string? program)
{
    private const long Second = 1_000_000_000;

    /// <summary>To be called right before exec, so that what has failed has no plan. Nothing fails for want of one.</summary>
    public void WriteDown()
    {
        try
        {
            if (Place() is { } place && CanBePlanned() && Kernel.PlanFor(script, place) is var (key, path))
            {
                // A local file is not cached, and makes no cache: it has a plan where there is one already.
                if (copy is null && Kernel.TryStatus(context.Cache.Root) is null)
                {
                    return;
                }

                context.Cache.Make();
                Put(path, Plan(key));
            }
        }
        catch (RunException)
        {
            // A cache that cannot be made, or that is somebody else's: only a run of a local file has come so far with one.
        }
    }

    /// <summary>From where SCRIPT was called, as far as that decides what it means; the executor finds the same (find_place).</summary>
    private string? Place() => wanted.Local is null ? context.PinsPath : wanted.Local[0] == '/' ? "" : Kernel.TryRealPath(".");

    private bool CanBePlanned() =>
        Kernel.LocksSurviveExec
        && !Messages.HasSpoken
        && !context.XdgPaths.AreMakeshift
        && IsStartedByKernel()
        && (copy is null
            ? wanted.Local == script && wanted.Digest is null
            : copy.Record.Identity == launch.Look && wanted.Source?.Trust is not TrustLevel.Ask)
        && ShowsChange(new Observed(copy?.Path ?? lockRequest.Identity, launch.Look))
        && (copy is null || (copy.Observed is { } record && ShowsChange(record)))
        && context.Observed.TrueForAll(ShowsChange);

    /// <summary>Whether the kernel will start the script itself, next time as well: it looks after the interpreter, but for the one that env looks for.</summary>
    private bool IsStartedByKernel() =>
        launch is { ByKernel: true, Look: not null }
        && (launch.Shebang is not null || launch.Interpreter.Count == 0)
        && program is null or ['/', ..]
        && Kernel.MayAccess(launch.Path, Kernel.MayExecute)
        && Kernel.FileSystemOf(launch.Path).Executes;

    /// <summary>
    /// Whether the file cannot change without looking different. Another change in the same tick of the clock would not show, so the last
    /// one must lie before this run began; and of another machine's files and clock nothing is sure.
    /// </summary>
    private bool ShowsChange(Observed file)
    {
        const long CoarsestTick = 2 * Second;
        if (file.Path[0] != '/')
        {
            return false;
        }

        if (file.Look is not { } look)
        {
            return true;
        }

        // There are file systems whose times are whole seconds.
        var tick = look.Changed % Second == 0 ? CoarsestTick : 0;
        return look.Changed + tick < context.Began && Kernel.FileSystemOf(file.Path).IsLocal;
    }

    private byte[] Plan(byte[] key)
    {
        var (from, until) = copy is null ? (long.MinValue, long.MaxValue) : copy.FreshBetween(ScriptProvider.MaxAge(wanted));
        var plan = new PlanWriter(from, until, key, lockRequest);
        context.Observed.ForEach(plan.File);
        plan.Directory(lockRequest.StateDirectory, Permissions.OthersWrite, mayBeLink: true);
        plan.Directory(lockRequest.Directory, Permissions.Others, mayBeLink: true);
        if (program is not null)
        {
            plan.Program(program);
        }

        if (copy is null)
        {
            plan.LocalScript(lockRequest.Identity, launch.Look!.Value);
        }
        else
        {
            var version = XdgPaths.Parent(copy.Path);
            plan.Directory(context.Cache.Root, Permissions.OthersWrite, mayBeLink: true);
            plan.Directory(XdgPaths.Parent(version), Permissions.OthersWrite, mayBeLink: false);
            plan.Directory(version, Permissions.OthersWrite, mayBeLink: false);
            plan.File(copy.Observed!.Value);
            plan.CachedScript(copy.Path, copy.Record.Identity);
        }

        return plan.ToBytes();
    }

    /// <summary>
    /// Puts the plan in its place, whole. It need not outlive a loss of power, and is not flushed: what it says of itself shows whether it is whole.
    /// </summary>
    private void Put(string path, byte[] bytes)
    {
        var directory = $"{context.Cache.Root}/{Cache.PlansName}";
        var temporary = $"{context.Cache.Root}/{StagingFile.DirectoryName}/{Kernel.ProcessId}-plan";
        if (XdgPaths.Parent(path) != directory || bytes.Length > Kernel.MostPlanBytes || !Kernel.MayWriteFilesOf(bytes.Length))
        {
            return;
        }

        const int Flags = Kernel.WriteOnly | Kernel.Create | Kernel.Truncate;
        using var file = Kernel.TryOpen(temporary, Flags | Kernel.NoFollow, Permissions.PrivateFile)
            ?? (Made(temporary) ? Kernel.TryOpen(temporary, Flags | Kernel.NoFollow, Permissions.PrivateFile) : null);
        if (file is not null
            && !(Kernel.TryChangeMode(file, Permissions.PrivateFile) && Kernel.TryWriteAll(file, bytes)
                && (Kernel.TryRename(temporary, path) || (Made(path) && Kernel.TryRename(temporary, path)))))
        {
            _ = Kernel.TryRemoveFile(temporary);
        }
    }

    /// <summary>Whether the file's directory was not there, and now is.</summary>
    private static bool Made(string path) => Kernel.LastError == Errno.NoEntry && Kernel.TryMakeDirectory(XdgPaths.Parent(path), Permissions.PrivateDirectory);
}
