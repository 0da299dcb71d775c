namespace Run.Locking;

/// <summary>A script that runs now: one that holds a lock. The kernel is asked, so the list cannot be stale.</summary>
/// <param name="Holder">Its process, and how it holds the lock.</param>
/// <param name="Script">SCRIPT as it was typed; null where the lock file says nothing.</param>
/// <param name="Facts">Null for a process that cannot be seen from here.</param>
internal sealed record RunningScript(Holder Holder, string? Script, ProcessFacts? Facts)
{
    /// <summary>All that hold locks of this user's, by PID.</summary>
    public static IReadOnlyList<RunningScript> All(string stateDirectory)
    {
        var running = new List<RunningScript>();
        foreach (var path in LockFile.All(stateDirectory))
        {
            if (LockFile.Find(path) is { } file)
            {
                running.AddRange(file.Holders().Select(holder => new RunningScript(
                    holder, file.Record?.Script, holder.ProcessId > 0 ? ProcessFacts.Of(holder.ProcessId) : null)));
                file.Close();
            }
        }

        return [.. running.OrderBy(static one => one.Holder.ProcessId).ThenBy(static one => one.Script, StringComparer.Ordinal)];
    }
}
