using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// The versions of one script that are no longer current. The one that was until now stays, for whoever found it a moment ago without a lock.
/// Those before it go once nobody runs the script. Until then they stay for a day, unless they become too many: a process that runs one may look
/// at <c>$0</c> again.
/// </summary>
internal static class VersionSweeper
{
    private const int MostKept = 16;
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(1);

    // While somebody runs the script, one that is younger is never removed: he may be about to start it.
    private static readonly TimeSpan s_alwaysKept = TimeSpan.FromMinutes(1);

    /// <summary>Removes those whose time is over. Failures are left for the next time: a fetch that succeeded does not fail for litter.</summary>
    /// <param name="directory">The directory of one URL.</param>
    /// <param name="superseded">The record until a moment ago: its version is old from now on.</param>
    /// <param name="isRunning">
    /// Whether another process holds a lock of the script. Asked after the new record is in place: whoever takes the lock later
    /// finds the new version, because he looks for it under the lock.
    /// </param>
    public static void Sweep(string directory, CacheRecord current, CacheRecord? superseded, DateTimeOffset now, Func<bool> isRunning)
    {
        var old = new List<Version>();
        foreach (var name in Files.Names(directory).Value ?? [])
        {
            var path = $"{directory}/{name}";
            if (current.Sha256.StartsWith(name, StringComparison.Ordinal) || Files.LinkStatus(path).Value is not { IsDirectory: true } status)
            {
                continue;
            }

            if (superseded is not null && superseded.Sha256.StartsWith(name, StringComparison.Ordinal))
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
        old.Sort(static (one, other) => one.Age.CompareTo(other.Age));
        for (var i = 0; i < old.Count; i++)
        {
            if (!all && old[i].Age <= s_kept && (i < MostKept || old[i].Age <= s_alwaysKept))
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
