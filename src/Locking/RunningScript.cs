namespace Run.Locking;

/// <summary>A running script: one that holds a lock. The kernel reports the locks, so the list cannot be stale.</summary>
/// <param name="Holder">Its process, and how it holds the lock.</param>
/// <param name="Script">SCRIPT as typed; null if the lock file has no record.</param>
/// <param name="Facts">Null for a process that is not visible from here.</param>
internal sealed record RunningScript(Holder Holder, string? Script, ProcessFacts? Facts)
{
    /// <summary>All holders of this user's locks, sorted by PID.</summary>
    /// <exception cref="Reporting.RunException">73: the locks cannot be read.</exception>
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

        return running.OrderBy(static one => one.Holder.ProcessId).ThenBy(static one => one.Script, StringComparer.Ordinal).ToList();
    }
}
