using Run.Reporting;

namespace Run.Http;

/// <summary>A failure that another try may not meet: a dropped connection, a server that is busy.</summary>
/// <param name="verdict">What to say when no further try helps.</param>
/// <param name="after">How long the server wants to be left alone, where it said so.</param>
internal sealed class TransientException(RunException verdict, TimeSpan? after = null) : Exception(verdict.Message)
{
    public RunException Verdict { get; } = verdict;

    public TimeSpan? After { get; } = after;

    /// <summary>Most failures of a network are status 69.</summary>
    public static TransientException Unavailable(string message, string? hint = null, TimeSpan? after = null) =>
        new(new RunException(ExitStatus.Unavailable, message, hint), after);
}
