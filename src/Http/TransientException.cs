using Run.Reporting;

namespace Run.Http;

/// <summary>A failure that another try may avoid: a dropped connection, a busy server.</summary>
/// <param name="verdict">What to report if no further try succeeds.</param>
/// <param name="after">How long the server asks to wait before the next try (Retry-After); null if it does not say.</param>
internal sealed class TransientException(RunException verdict, TimeSpan? after = null) : Exception(verdict.Message)
{
    public RunException Verdict { get; } = new(verdict.Status, verdict.Message, verdict.Hint) { MayPass = true };

    public TimeSpan? After { get; } = after;

    /// <summary>Exit status 69, as most network failures have it.</summary>
    public static TransientException Unavailable(string message, string? hint = null, TimeSpan? after = null) =>
        new(new RunException(ExitStatus.Unavailable, message, hint), after);
}
