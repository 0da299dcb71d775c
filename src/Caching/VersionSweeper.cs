using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// Removes old versions of one script. The version that was current until now is kept, because another process may just have found it
/// without holding a lock. Older ones are removed once no process runs the script. Until then they are kept for a day, unless there are too
/// many: a running script may read <c>$0</c> again.
/// </summary>
internal static class VersionSweeper
{
    private const int MaxKept = 16;

    /// <summary>How long an old version of a running script is kept: it may be read again.</summary>
    public static readonly TimeSpan KeepTime = TimeSpan.FromDays(1);

    // While the script is running, a younger version is never removed: a process may be about to start it.
    private static readonly TimeSpan s_minKeepTime = TimeSpan.FromMinutes(1);

    /// <summary>Removes the versions that need not be kept. Failures are ignored: the next fetch tries again.</summary>
    /// <param name="directory">The directory of one URL, or of one repository.</param>
    /// <param name="current">The names of the versions that a record describes.</param>
    /// <param name="superseded">The previous version, which is kept this time; null for none.</param>
    /// <param name="keepTime">How long an old version is kept while the script, or one of the tree's, is running.</param>
    /// <param name="isRunning">
    /// Whether another process holds a lock of the script. It is called after the new record is in place: a process that takes the lock
    /// later finds the new version, because it looks for it while holding the lock.
    /// </param>
    public static void Sweep(
        string directory, IReadOnlyCollection<string> current, string? superseded, DateTimeOffset now, TimeSpan keepTime,
        Func<bool> isRunning)
    {
        var old = new List<Version>();
        foreach (var name in Files.Names(directory).Value ?? [])
        {
            var path = $"{directory}/{name}";
            if (!Cache.IsKey(name) || current.Contains(name) || Files.LinkStatus(path).Value is not { IsDirectory: true } status)
            {
                continue;
            }

            if (name == superseded)
            {
                _ = Files.Touch(path);
                continue;
            }

            old.Add(new(path, now - DateTimeOffset.FromUnixTimeMilliseconds(status.Modified / 1_000_000)));
        }

        if (old.Count == 0)
        {
            return;
        }

        var all = !isRunning();
        old = old.OrderBy(static version => version.Age).ToList();
        for (var i = 0; i < old.Count; i++)
        {
            if (!all && old[i].Age <= keepTime && (i < MaxKept || old[i].Age <= s_minKeepTime))
            {
                continue;
            }

            try
            {
                DirectoryTree.Remove(old[i].Path);
            }
            catch (RunException)
            {
                // The next fetch tries again.
            }
        }
    }

    private sealed record Version(string Path, TimeSpan Age);
}
