using Run.Acquisition;
using Run.Caching;
using Run.Execution;
using Run.Generated;
using Run.Inputs;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Planning;

/// <summary>
/// Records as a plan what a run has read and decided, so that the next run like it needs no runtime (native/executor.c). A plan must never
/// change what happens: it holds everything that could, and if it cannot hold something, no plan is written.
/// </summary>
/// <param name="typed">SCRIPT as it was typed.</param>
/// <param name="reads">Everything that has decided so far.</param>
/// <param name="copy">The script's cached copy; null for a local file.</param>
/// <param name="program">The program that <c>#!/usr/bin/env</c> will find; null if the script does not use env.</param>
internal sealed class Planner(
    string typed, ResolvedScript script, XdgPaths paths, Cache cache, ReadSet reads, LockRequest lockRequest, CachedScript? copy,
    Launch launch, string? program)
{
    /// <summary>
    /// Must be called right before exec, so that a run that fails has no plan. A plan that cannot be written is not an error.
    /// </summary>
    public void WriteDown()
    {
        try
        {
            AddInputs();
            if (Directory() is { } directory && CanBePlanned() && NativePlans.Find(typed, directory) is var (key, path))
            {
                // A local file is not cached and must not create the cache, so it has a plan only if the cache exists.
                if (copy is null && Files.Status(cache.Root).Value is null)
                {
                    return;
                }

                cache.Make();
                Put(path, Plan(key));
            }
        }
        catch (RunException)
        {
            // The cache cannot be created, or belongs to another user. Only a run of a local file gets here with such a cache.
        }
    }

    /// <summary>The working directory, if the meaning of SCRIPT can depend on it, else empty. The executor uses the same rule.</summary>
    private string? Directory() => typed is ['/', ..] ? "" : Files.RealPath(".").Value;

    /// <summary>Adds what the run did not read for a decision, but what must not change either.</summary>
    private void AddInputs()
    {
        reads.Add(new Input.OwnDirectory(lockRequest.StateDirectory, Permissions.OthersWrite, MayBeLink: true));
        reads.Add(new Input.OwnDirectory(lockRequest.Directory, Permissions.Others, MayBeLink: true));
        if (program is not null)
        {
            reads.Add(new Input.Program(program));
        }

        if (copy is not null)
        {
            var version = TrustedPath.Parent(copy.Path);
            reads.Add(new Input.OwnDirectory(cache.Root, Permissions.OthersWrite, MayBeLink: true));
            reads.Add(new Input.OwnDirectory(TrustedPath.Parent(version), Permissions.OthersWrite, MayBeLink: false));
            reads.Add(new Input.OwnDirectory(version, Permissions.OthersWrite, MayBeLink: false));
            if (copy.RecordFile is { } record)
            {
                reads.Add(record);
            }
        }
    }

    /// <summary>A plan names SCRIPT as it was typed, so a URL with a secret in it has none.</summary>
    private bool CanBePlanned() =>
        RecordLocks.SurviveExec
        && !script.HidesSecrets
        && !Messages.HasSpoken
        && !paths.AreMakeshift
        && IsStartedByKernel()
        && (copy is null
            ? script.Local == typed && script.Digest is null
            : copy.RecordFile is not null && copy.Record.Stamp == launch.Stamp && script.Source?.Trust is not TrustLevel.Ask)
        && reads.ShowsChange(new Input.File(copy?.Path ?? lockRequest.Identity, launch.Stamp))
        && reads.ShowsEveryChange;

    /// <summary>
    /// Whether the kernel will start the script itself next time too. The kernel finds the interpreter, except for the one that env finds.
    /// </summary>
    private bool IsStartedByKernel() =>
        launch is { ByKernel: true, Stamp: not null }
        && (launch.Shebang is not null || launch.Interpreter.Count == 0)
        && program is null or ['/', ..]
        && Files.Access(launch.Path, AccessBits.Execute) == Errno.None
        && FileSystem.Of(launch.Path).Executes;

    private byte[] Plan(byte[] key)
    {
        var (from, until) = copy is null
            ? (long.MinValue, long.MaxValue)
            : copy.FreshBetween(ScriptProvider.MaxAge(script));
        var plan = new PlanWriter(from, until, key, lockRequest);
        foreach (var input in reads.Inputs)
        {
            plan.Add(input);
        }

        if (copy is null)
        {
            plan.LocalScript(lockRequest.Identity, launch.Stamp!.Value);
        }
        else
        {
            plan.CachedScript(copy.Path, copy.Record.Stamp);
        }

        return plan.ToBytes();
    }

    /// <summary>
    /// Writes the plan to a staging file and renames it. It is not flushed, because it need not survive a power failure: its seal shows
    /// whether it is complete.
    /// </summary>
    private void Put(string path, byte[] bytes)
    {
        // SIGXFSZ, for a file that exceeds the limit, would end the run.
        var directory = $"{cache.Root}/{Cache.PlansName}";
        if (TrustedPath.Parent(path) != directory || bytes.Length > Shared.PlanMostBytes
            || ResourceLimits.FileSize is not { Succeeded: true } limit || limit.Value < bytes.Length)
        {
            return;
        }

        const int Flags = OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate;
        var staging = $"{cache.Root}/{StagingFile.DirectoryName}/{Processes.Id}-plan";
        var opened = Files.Open(staging, Flags | OpenFlags.NoFollow, Permissions.PrivateFile);
        if (CreatedParent(opened.Error, staging))
        {
            opened = Files.Open(staging, Flags | OpenFlags.NoFollow, Permissions.PrivateFile);
        }

        using var file = opened.Value;
        if (file is null)
        {
            return;
        }

        var error = Files.ChangeMode(file, Permissions.PrivateFile);
        error = error == Errno.None ? Files.Write(file, bytes) : error;
        error = error == Errno.None ? Files.Rename(staging, path) : error;
        error = CreatedParent(error, path) ? Files.Rename(staging, path) : error;
        if (error != Errno.None)
        {
            _ = Files.Remove(staging);
        }
    }

    /// <summary>Whether the file's directory was missing, and has been created.</summary>
    private static bool CreatedParent(Errno error, string path) =>
        error == Errno.NoEntry && Files.MakeDirectory(TrustedPath.Parent(path), Permissions.PrivateDirectory) == Errno.None;
}
