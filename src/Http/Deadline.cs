namespace Run.Http;

/// <summary>A point in monotonic time, which setting the clock does not change.</summary>
/// <param name="At">In milliseconds, as <see cref="Environment.TickCount64"/>.</param>
internal readonly record struct Deadline(long At)
{
    public TimeSpan Left => TimeSpan.FromMilliseconds(Math.Max(0, At - Environment.TickCount64));

    public bool HasPassed => Left == TimeSpan.Zero;

    public static Deadline In(TimeSpan span) => new(Environment.TickCount64 + (long)span.TotalMilliseconds);

    /// <summary>The end of an equal share of the remaining time.</summary>
    public Deadline Share(int among) => In(Left / among);

    public TimeSpan Least(TimeSpan span) => span < Left ? span : Left;
}
