using Run.Caching;
using Run.CommandLine;
using Run.Execution;
using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--clean</c>: removes cached copies; with an age, whatever has not been used for so long.</summary>
internal static class CleanCommand
{
    public static int Execute(RunContext context, Invocation invocation)
    {
        var scripts = invocation.Operands.Select(context.Resolve).ToList();
        if (scripts.Find(static s => s.Local is not null) is { } local)
        {
            throw new RunException(ExitStatus.Usage, $"{local.DisplayName}: local files are not cached");
        }

        if (!invocation.Yes && !Confirmed(scripts, invocation.Age))
        {
            return 0;
        }

        RunningScripts Running() => RunningScripts.Now(context.Paths.State);
        if (invocation.Age is { } age)
        {
            RemoveUnused(context, context.Reads.Now - age);
            return 0;
        }

        if (scripts.Count == 0)
        {
            context.Cache.RemoveAll(Running, Kept);
        }

        foreach (var script in scripts.Where(s => !context.Scripts.MayHaveCopy(s) || !context.Cache.Remove(s, Running, Kept)))
        {
            var nearest = context.Scripts.NearestCached(script);
            Messages.Note($"{script.DisplayName}: not cached", nearest is null ? null : $"did you mean {nearest}?");
        }

        return 0;
    }

    private static void Kept(string script, string why) => Messages.Note($"{script} {why}, so its copy stays");

    /// <summary>
    /// Removes what nobody has used since: cached scripts, logs, plans and lock files. What is locked is in use, however old, and so is
    /// what is being fetched. A lock file is removed only while this process alone holds the lock: whoever has it open finds that it is
    /// not current, and opens a new one.
    /// </summary>
    private static void RemoveUnused(RunContext context, DateTimeOffset since)
    {
        var (cache, state) = (context.Cache, context.Paths.State);
        var locks = LockUse.All(state);
        foreach (var (directory, use) in cache.Trees.Uses().ToList())
        {
            if (IsUnusedTree(use))
            {
                cache.Trees.RemoveUnused(directory, Running, () => IsUnusedTree(TreeCache.UseOf(directory)));
            }
        }

        var scripts = new Dictionary<string, string>();
        foreach (var copy in cache.All().Where(static copy => copy.Tree is null))
        {
            scripts[Cache.KeyOf(copy)] = copy.Record.Script;
        }

        cache.RemoveUnused([.. scripts.Keys.Where(IsUnusedCopy)], Running, IsUnusedCopy);

        foreach (var log in Old($"{context.Paths.State}/{Detach.LogsName}", since))
        {
            var its = Detach.KeyOfLog(log) is { } key ? locks.Where(one => one.IsOf(key)) : [];
            _ = LockFile.WhileAlone(its.Select(static one => one.Path), () => _ = Files.Remove(log));
        }

        context.Cache.RemovePlans(since);

        foreach (var one in locks.Where(one => one.Used < since))
        {
            _ = LockFile.WhileAlone([one.Path], () => _ = LockUse.IsUsed(one.Path, since) ? Errno.None : Files.Remove(one.Path));
        }

        RunningScripts Running() => RunningScripts.Now(state);

        bool IsUnusedTree(TreeCache.TreeUse use) => use.Checked < since && use.Locks.All(key => !IsLockUsed(key, one => one.IsOf(key)));

        bool IsUnusedCopy(string key) => cache.IsUnchanged(key, since)
            && !IsLockUsed(key, one => one.IsOf(key) || one.Record?.Script == scripts[key]);

        // As it is now: the lock may have been taken, or its file made, since the list was.
        bool IsLockUsed(string key, Func<LockUse, bool> isIts) =>
            locks.Where(isIts).Select(static one => one.Path).Append(LockRequest.PathOf(state, key))
                .Any(path => LockUse.IsUsed(path, since));
    }

    /// <summary>The files of a directory that were last written before that time.</summary>
    private static IEnumerable<string> Old(string directory, DateTimeOffset since) =>
        (Files.Names(directory).Value ?? []).Select(name => $"{directory}/{name}").Where(path =>
            Files.LinkStatus(path).Value is { IsRegular: true } status && status.Modified / 1_000_000 < since.ToUnixTimeMilliseconds());

    private static bool Confirmed(List<ResolvedScript> scripts, TimeSpan? age)
    {
        var canAsk = Descriptors.IsTerminal(Descriptors.Input) && Descriptors.IsTerminal(Descriptors.Error);
        using var terminal = canAsk ? Terminal.TryOpen() : null;
        if (terminal is null)
        {
            throw new RunException(
                ExitStatus.Usage, "--clean asks first, and there is no terminal to ask on", "use --clean --yes to remove without asking");
        }

        var what = age is { } unused ? $"what has not been used for {HumanFormat.Age(unused)}"
            : scripts.Count == 0 ? "all cached scripts" : string.Join(", ", scripts.Select(static s => s.DisplayName));
        return terminal.Confirm($"run: remove {Messages.Printable(what)}?");
    }
}
