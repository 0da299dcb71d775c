namespace Run.Reporting;

/// <summary>
/// A failure that users should see. <see cref="Program"/> catches it, prints it and returns its exit status.
/// </summary>
/// <param name="status">The exit status of the process.</param>
/// <param name="message">One lower-case sentence that names the thing, without a full stop and without the leading <c>run: </c>.</param>
/// <param name="hint">What to do about it, for a second line; null for none.</param>
internal sealed class RunException(ExitStatus status, string message, string? hint = null) : Exception(message)
{
    public ExitStatus Status { get; } = status;

    public string? Hint { get; } = hint;

    /// <summary>Whether it is a failure of the network that may have passed by the next time, whatever its status is.</summary>
    public bool MayPass { get; init; }

    /// <summary>Whether a signature is all that is wrong, and of what: such bytes may be looked at.</summary>
    public UnsignedBytes Unsigned { get; init; }
}

/// <summary>What none of its source's signers has signed.</summary>
internal enum UnsignedBytes
{
    None,
    Cached,
    Fetched,
}
