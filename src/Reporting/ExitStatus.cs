namespace Run.Reporting;

/// <summary>
/// The exit statuses of <c>run</c> itself. The script's status never passes through here, because by then <c>run</c> has become the script.
/// The numbers are those of sysexits.h; 126, 127 and 130 are the shell's.
/// </summary>
internal enum ExitStatus
{
    Ok = 0,

    /// <summary>The command line is wrong, SCRIPT included.</summary>
    Usage = 64,

    /// <summary>The bytes are not those that were asked for: another digest, truncated, empty, too many, a web page.</summary>
    Data = 65,

    /// <summary>The network or the server failed, or <c>--offline</c> was given and the script is not cached.</summary>
    Unavailable = 69,

    /// <summary>A bug in this program, or out of memory: EX_SOFTWARE. Users should never see it.</summary>
    Internal = 70,

    /// <summary>The cache, the lock or the output cannot be written.</summary>
    CannotWrite = 73,

    /// <summary>Already running, or the wait has timed out; <c>--conflict-exit-code</c> changes it.</summary>
    AlreadyRunning = 75,

    /// <summary>Refused: not trusted, not pinned, unsafe permissions, plain http, a certificate, 401, 403.</summary>
    Refused = 77,

    /// <summary>run.conf or run.pins has a mistake.</summary>
    Configuration = 78,

    /// <summary>The script or its interpreter exists but cannot be started.</summary>
    CannotStart = 126,

    /// <summary>No such script, or no such interpreter.</summary>
    NotFound = 127,

    /// <summary>Interrupted before the script began.</summary>
    Interrupted = 130,
}
