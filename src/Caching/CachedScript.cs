using Run.Inputs;

namespace Run.Caching;

/// <summary>A script in the cache, complete and with the bytes that were fetched.</summary>
/// <param name="Path">The file. Its bytes never change: another version of the script has another path.</param>
/// <param name="Record">Its description.</param>
internal sealed record CachedScript(string Path, CacheRecord Record)
{
    /// <summary>The record's file; null if this process has just written the record.</summary>
    public Input.File? RecordFile { get; init; }

    /// <summary>
    /// Whether the server need not be asked again. A copy from the future (the clock was set back) is not fresh.
    /// </summary>
    public bool IsFresh(TimeSpan? maxAge, DateTimeOffset now)
    {
        if (maxAge is not { } limit)
        {
            return true;
        }

        var age = now - Record.Checked;
        return age >= TimeSpan.Zero && age <= limit;
    }

    /// <summary>The period in which it is fresh, in seconds since 1970: from the first (inclusive) until the second (exclusive).</summary>
    public (long From, long Until) FreshBetween(TimeSpan? maxAge) => maxAge is { } limit
        ? (Record.Checked.ToUnixTimeSeconds(), Record.Checked.ToUnixTimeSeconds() + (long)limit.TotalSeconds)
        : (long.MinValue, long.MaxValue);
}
