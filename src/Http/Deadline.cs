namespace Run.Http;

/// <summary>A point in time that is not moved by setting the clock.</summary>
internal readonly record struct Deadline(long At)
{
    public TimeSpan Left => TimeSpan.FromMilliseconds(Math.Max(0, At - Environment.TickCount64));

    public bool HasPassed => Left == TimeSpan.Zero;

    public static Deadline In(TimeSpan span) => new(Environment.TickCount64 + (long)span.TotalMilliseconds);

    /// <summary>The end of an equal share of the time that is left.</summary>
    public Deadline Share(int among) => In(Left / among);

    public TimeSpan Least(TimeSpan span) => span < Left ? span : Left;
}
