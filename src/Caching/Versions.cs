namespace Run.Caching;

/// <summary>
/// The versions of one script that are no longer current. A process that found one current a moment ago may be about to start it, and
/// one that runs it may look at <c>$0</c> again: they stay for a day, unless they become too many.
/// </summary>
internal static class Versions
{
    private const int MostKept = 16;
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(1);

    // What is younger is never removed: between finding a version and starting it lie milliseconds, on the slowest machine not this.
    private static readonly TimeSpan s_alwaysKept = TimeSpan.FromMinutes(1);

    /// <summary>Removes those whose time is over. Failures are left for the next time: a fetch that succeeded does not fail for litter.</summary>
    /// <param name="directory">The directory of one URL.</param>
    /// <param name="superseded">The record until a moment ago: its version is old from now on.</param>
    public static void Sweep(string directory, CacheRecord current, CacheRecord? superseded)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var old = new List<(string Path, TimeSpan Age)>();
        foreach (var name in Kernel.Names(directory))
        {
            var path = $"{directory}/{name}";
            if (current.Sha256.StartsWith(name, StringComparison.Ordinal) || Kernel.TryLinkStatus(path) is not { IsDirectory: true } status)
            {
                continue;
            }

            if (superseded is not null && superseded.Sha256.StartsWith(name, StringComparison.Ordinal))
            {
                _ = Kernel.TryTouch(path);
                continue;
            }

            old.Add((path, TimeSpan.FromMilliseconds(now - (status.Modified / 1_000_000))));
        }

        foreach (var (path, _) in old.OrderBy(static v => v.Age).Where((v, i) => v.Age > s_kept || (i >= MostKept && v.Age > s_alwaysKept)))
        {
            try
            {
                Tree.Remove(path);
            }
            catch (RunException)
            {
            }
        }
    }
}
