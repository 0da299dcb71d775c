using Run.Posix;

namespace Run.Locking;

/// <summary>A lock file, and when it was last used: to a day, because a use moves its time only if it is older than that.</summary>
/// <param name="Path">The lock file.</param>
/// <param name="Record">The script that it was last locked for; null if that is not known.</param>
/// <param name="Used">When.</param>
internal sealed record LockUse(string Path, LockRecord? Record, DateTimeOffset Used)
{
    /// <summary>All lock files of this user's.</summary>
    /// <exception cref="Reporting.RunException">73: the directory, or a file in it, cannot be read.</exception>
    public static IReadOnlyList<LockUse> All(string stateDirectory)
    {
        var uses = new List<LockUse>();
        foreach (var path in LockFile.All(stateDirectory))
        {
            if (Files.LinkStatus(path).Value is { IsRegular: true } status && LockFile.Find(path) is { } file)
            {
                uses.Add(new LockUse(path, file.Record, DateTimeOffset.FromUnixTimeMilliseconds(status.Modified / 1_000_000)));
                file.Close();
            }
        }

        return uses;
    }

    /// <summary>Whether a lock file was used at that time or later. One that does not exist was not.</summary>
    public static bool IsUsed(string path, DateTimeOffset since) =>
        Files.LinkStatus(path).Value is { } status && status.Modified / 1_000_000 >= since.ToUnixTimeMilliseconds();

    /// <summary>Whether it is, or was last, the lock of the script with that key; or of one with a key that begins so.</summary>
    public bool IsOf(string key) =>
        Path.AsSpan(Path.LastIndexOf('/') + 1).StartsWith(key) || Record?.Key.StartsWith(key, StringComparison.Ordinal) == true;
}
