using Run.Inputs;

namespace Run.Caching;

/// <summary>A script that is in the cache, whole and with the bytes that arrived.</summary>
/// <param name="Path">The file. Its bytes never change: another version of the script has another path.</param>
/// <param name="Record">Where it came from.</param>
internal sealed record CachedScript(string Path, CacheRecord Record)
{
    /// <summary>The record's file; null if the copy was put there just now, and not found.</summary>
    public Input.File? RecordFile { get; init; }

    /// <summary>
    /// Whether the server need not be asked again. A copy from the future, as after a clock that was set back, is not fresh.
    /// </summary>
    public bool IsFresh(TimeSpan? maxAge, DateTimeOffset now)
    {
        if (maxAge is not { } most)
        {
            return true;
        }

        var age = now - Record.Checked;
        return age >= TimeSpan.Zero && age <= most;
    }

    /// <summary>When it is fresh, as seconds since 1970: from the first on, and until the second.</summary>
    public (long From, long Until) FreshBetween(TimeSpan? maxAge) => maxAge is { } most
        ? (Record.Checked.ToUnixTimeSeconds(), Record.Checked.ToUnixTimeSeconds() + (long)most.TotalSeconds)
        : (long.MinValue, long.MaxValue);
}
