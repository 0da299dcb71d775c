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
/// <param name="words">The command line up to SCRIPT, as it was typed.</param>
/// <param name="reads">What has decided so far.</param>
/// <param name="copy">The script's copy; null for a local file.</param>
/// <param name="program">The program that <c>#!/usr/bin/env</c> will find, if the script names one.</param>
internal sealed class Planner(
    IReadOnlyList<string> words, ResolvedScript script, XdgPaths paths, Cache cache, ReadSet reads, LockRequest lockRequest,
    CachedScript? copy, Launch launch, string? program)
{
    /// <summary>Whether the network is not to be touched: then a copy is never too old.</summary>
    public required bool Offline { get; init; }

    /// <summary>The local file that was typed as SCRIPT, when it was read, if it starts <c>run</c>; else null.</summary>
    public required FileStamp? TypedFile { get; init; }

    /// <summary>Whether there is a lock: without one a note has said so, or <c>--quiet</c> has kept it back.</summary>
    public required bool HasLock { get; init; }

    /// <summary>Whether a run that finds the lock held ends at once, says nothing and is a success: <c>-q -E 0</c>.</summary>
    public required bool RefusalIsSilent { get; init; }

    private string Typed => words[^1];

    /// <summary>The local file that was typed stands for another script.</summary>
    private bool IsStub => TypedFile is not null && script.Local != Typed;

    /// <summary>Whether what was typed is the path of a local file, for the executor.</summary>
    private bool IsPathTyped => Typed is ['/', ..] or ['.', '/', ..] or ['.', '.', '/', ..];

    /// <summary>To be called right before exec, so that what has failed has no plan. Nothing fails for want of one.</summary>
    public void WriteDown()
    {
        try
        {
            AddInputs();
            if (Directory() is { } directory && CanBePlanned() && NativePlans.Find(words, directory) is var (key, path))
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
        catch (RunException e) when (copy is null || e.Status == ExitStatus.CannotWrite)
        {
            // The cache cannot be written. Or it belongs to another user; a local file does not need it.
        }
    }

    /// <summary>
    /// From where SCRIPT was called, as far as that can decide what it means; the executor finds the same. An absolute path means the same
    /// everywhere, but what the file stands for may not: the search for run.pins begins here.
    /// </summary>
    private string? Directory() => Typed is ['/', ..] && !IsStub ? "" : Files.RealPath(".").Value;

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
            var version = copy.Tree?.Version ?? TrustedPath.Parent(copy.Path);
            reads.Add(new Input.OwnDirectory(cache.Root, Permissions.OthersWrite, MayBeLink: true));
            if (copy.Tree is { } tree)
            {
                var trees = TrustedPath.Parent(TrustedPath.Parent(version));
                reads.Add(new Input.OwnDirectory(trees, Permissions.OthersWrite, MayBeLink: false));
                reads.Add(new Input.OwnDirectory(tree.Root, Permissions.OthersWrite, MayBeLink: false));
            }

            reads.Add(new Input.OwnDirectory(TrustedPath.Parent(version), Permissions.OthersWrite, MayBeLink: false));
            reads.Add(new Input.OwnDirectory(version, Permissions.OthersWrite, MayBeLink: false));
            reads.Add(new Input.OwnDirectory($"{cache.Root}/{Cache.PlansName}", Permissions.OthersWrite, MayBeLink: false));
            if (copy.RecordFile is { } record)
            {
                reads.Add(record);
            }
        }
    }

    /// <summary>A plan names SCRIPT as it was typed, so a URL with a secret in it has none.</summary>
    private bool CanBePlanned() =>
        RecordLocks.SurviveExec
        && HasLock
        && !script.HidesSecrets
        && !Messages.HasSpoken
        && !paths.AreMakeshift
        && (launch.BySecondLine ? IsStartedBySecondLine() : IsStartedByKernel())
        && (copy is null
            ? script.Digest is null && (script.Local == Typed ? TypedFile is null || TypedFile == launch.Stamp : IsFileOfDirectory())
            : copy.RecordFile is not null && copy.Record.Stamp == launch.Stamp && script.Source?.Trust is not TrustLevel.Ask
                && IsPathTyped == IsStub)
        && (!IsStub || (StubPath() is { } stub && reads.ShowsChange(new Input.File(stub, TypedFile))))
        && reads.ShowsChange(new Input.File(copy?.Path ?? lockRequest.Identity, launch.Stamp))
        && (copy?.Tree is not { } tree || (tree.StampsFile is { } stamps && reads.ShowsChange(stamps)))
        && reads.ShowsEveryChange;

    /// <summary>Where the file that was typed and stands for another script really is.</summary>
    private string? StubPath() => Files.RealPath(Typed).Value;

    /// <summary>
    /// Whether the script is the file of a source that is a directory, and has the name that was typed: the executor starts no file that
    /// nobody has named, whatever a plan says.
    /// </summary>
    private bool IsFileOfDirectory()
    {
        var rest = Typed[(Typed.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return !IsPathTyped && !IsStub && rest.Length > 0 && script is { Source.IsDirectory: true, Local: ['/', ..] path }
            && path.LastIndexOf($"/{rest}", StringComparison.Ordinal) is >= 0 and var at
            && !path.AsSpan(at + 1 + rest.Length).Contains('/');
    }

    /// <summary>The executor starts the interpreter by its path, with the script's.</summary>
    private bool IsStartedBySecondLine() =>
        launch is { Stamp: not null, Shebang.Interpreter: ['/', ..] } && program is null or ['/', ..];

    /// <summary>
    /// Whether the kernel will start the script itself, next time as well: it looks after the interpreter, but for the one that env looks
    /// for.
    /// </summary>
    private bool IsStartedByKernel() =>
        launch is { ByKernel: true, Stamp: not null }
        && (launch.Shebang is not null || launch.Interpreter.Count == 0)
        && program is null or ['/', ..]
        && launch.MayBeExecuted;

    private byte[] Plan(byte[] key)
    {
        var (from, until) = copy is null || Offline
            ? (long.MinValue, long.MaxValue)
            : copy.FreshBetween(ScriptProvider.MaxAge(script));
        var plan = new PlanWriter(from, until, key, lockRequest, RefusalIsSilent);
        foreach (var input in reads.Inputs)
        {
            plan.Add(input);
        }

        if (IsStub)
        {
            plan.Stub(StubPath()!, TypedFile!.Value);
        }

        if (copy?.Tree is { } tree)
        {
            plan.Tree(tree.StampsFile!.Path, tree.StampsFile.Stamp!.Value, tree.Stamps.Boot);
        }

        if (copy is not null)
        {
            plan.CachedScript(copy.Path, copy.Record.Stamp);
        }
        else if (script.Local == Typed)
        {
            plan.LocalScript(lockRequest.Identity, launch.Stamp!.Value);
        }
        else
        {
            plan.DirectoryScript(script.Local!, lockRequest.Identity, launch.Stamp!.Value);
        }

        if (launch.BySecondLine)
        {
            plan.SecondLine(launch.Shebang!.Interpreter, launch.Shebang.Argument ?? "");
        }

        return plan.ToBytes();
    }

    /// <summary>
    /// Puts the plan in its place, whole. It need not outlive a loss of power, and is not flushed: what it says of itself shows whether it
    /// is whole.
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

        // Only in directories that are this user's alone. If there is something else in their place, there is no plan.
        var tmp = $"{cache.Root}/{Cache.StagingName}";
        foreach (var place in (ReadOnlySpan<string>)[directory, tmp])
        {
            if (Files.LinkStatus(place).Value is { } status
                && ((!status.IsDirectory && status.Owner == Processes.EffectiveUser)
                    || TrustedPath.Check(place, status) is { IsDirectory: false }))
            {
                return;
            }
        }

        const int Flags = OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate;
        var staging = $"{tmp}/{Processes.Id}-plan";
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
