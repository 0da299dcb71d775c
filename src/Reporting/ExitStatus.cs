namespace Run.Reporting;

/// <summary>
/// What <c>run</c> itself exits with. The script's own status never passes through here: by then there is no <c>run</c> left.
/// The numbers are those of sysexits.h, and 126, 127 and 130 are the shell's.
/// </summary>
internal enum ExitStatus
{
    Ok = 0,

    /// <summary>The command line is wrong, SCRIPT included.</summary>
    Usage = 64,

    /// <summary>The bytes are not those asked for: digest, truncated, empty, too many, a web page.</summary>
    Data = 65,

    /// <summary>The network or the server failed, or <c>--offline</c> and not cached.</summary>
    Unavailable = 69,

    /// <summary>A mistake in this program, or no memory left: EX_SOFTWARE. Nobody should ever see it.</summary>
    Internal = 70,

    /// <summary>The cache, the lock or the output cannot be written.</summary>
    CannotWrite = 73,

    /// <summary>Already running, or not free in time; <c>--conflict-exit-code</c> changes it.</summary>
    AlreadyRunning = 75,

    /// <summary>Refused: not trusted, not pinned, unsafe permissions, plain http, a certificate, 401, 403.</summary>
    Refused = 77,

    /// <summary>run.conf or run.pins is wrong.</summary>
    Configuration = 78,

    /// <summary>The script or its interpreter is there but cannot be started.</summary>
    CannotStart = 126,

    /// <summary>No such script, or no such interpreter.</summary>
    NotFound = 127,

    /// <summary>Interrupted before the script began.</summary>
    Interrupted = 130,
}
