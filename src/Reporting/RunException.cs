namespace Run.Reporting;

/// <summary>
/// The one way to fail. <see cref="Program"/> is the only place that catches it, prints it and turns it into an exit status.
/// </summary>
/// <param name="status">What the process exits with.</param>
/// <param name="message">One lower-case sentence that names the thing, without a full stop and without the leading <c>run: </c>.</param>
/// <param name="hint">What to do about it, for a second line; null where there is nothing to say.</param>
internal sealed class RunException(ExitStatus status, string message, string? hint = null) : Exception(message)
{
    public ExitStatus Status { get; } = status;

    public string? Hint { get; } = hint;
}
