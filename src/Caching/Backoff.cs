namespace Run.Caching;

/// <summary>Pauses between attempts to take a lock: a millisecond, then each time twice as long, up to a limit.</summary>
internal struct Backoff()
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(50);

    private TimeSpan _pause = TimeSpan.FromMilliseconds(1);

    public void Wait()
    {
        Thread.Sleep(_pause);
        _pause = _pause < s_longest ? _pause * 2 : s_longest;
    }
}
