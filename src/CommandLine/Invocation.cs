using Run.Posix;

namespace Run.CommandLine;

/// <summary>What an invocation does.</summary>
internal enum CommandKind
{
    Run,
    View,
    DryRun,
    Diff,
    Fetch,
    Pin,
    Outdated,
    Ps,
    Logs,
    Stop,
    List,
    Clean,
    Init,
    Completion,
    Help,
    Version,
}

/// <summary>The parsed command line: the command, the script, and the script's own arguments.</summary>
internal sealed record Invocation
{
    public CommandKind Command { get; init; }

    /// <summary>SCRIPT and everything after it: for most commands a script and its arguments, for some a list of scripts.</summary>
    public string[] Operands { get; init; } = [];

    /// <summary>SCRIPT.</summary>
    public string Script => Operands[0];

    /// <summary>The script's own arguments, unchanged.</summary>
    public string[] Arguments => Operands[1..];

    /// <summary>The command line up to SCRIPT, as it was typed; empty if it does not show which script runs with which arguments.</summary>
    public string[] WordsToScript { get; init; } = [];

    /// <summary>
    /// Whether the next run of these words may do as this one did, without asking: the effect of each option is over before the script
    /// begins. Of the other ones <c>--interpreter</c> and <c>--on</c> start the script in a way that no plan has.
    /// </summary>
    public bool MayBePlanned =>
        Command == CommandKind.Run && !Update && !Verbose && !Detach && !Replace && Interpreter is null && On is null
        && WordsToScript.Length > 0;

    /// <summary>The local file that was typed as SCRIPT, when it was read, if it starts <c>run</c>; else null.</summary>
    public FileStamp? TypedFile { get; init; }

    /// <summary>Whether a file that starts <c>run</c> had a part in this.</summary>
    public bool IsFromFile { get; init; }

    /// <summary>The options, each as one word <c>--name</c> or <c>--name=VALUE</c>.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>The option right before SCRIPT, if it could have had a value but has none: the value may have been meant as one.</summary>
    public string? OptionWithoutValue { get; init; }

    public bool Update { get; init; }

    public bool Offline { get; init; }

    public bool Pinned { get; init; }

    /// <summary>The value of <c>--sha256</c>, in lower case.</summary>
    public string? Digest { get; init; }

    public string? Interpreter { get; init; }

    /// <summary>The value of <c>--config</c>.</summary>
    public string? Configuration { get; init; }

    /// <summary>Whether the script must be the only one running: <c>--lock</c>, and the options that imply it.</summary>
    public bool Lock { get; init; }

    /// <summary>The value of <c>--lock</c>: the name to lock instead of the script, or a place and a name.</summary>
    public string? LockName { get; init; }

    /// <summary>How long to wait for the lock; zero: do not wait; null: no limit.</summary>
    public TimeSpan? Wait { get; init; } = TimeSpan.Zero;

    public bool Replace { get; init; }

    public bool Detach { get; init; }

    /// <summary>The exit status to use instead of 75.</summary>
    public int? ConflictExitCode { get; init; }

    /// <summary>The launcher that <c>--on</c> names.</summary>
    public string? On { get; init; }

    /// <summary>The value of <c>--clean</c>.</summary>
    public TimeSpan? Age { get; init; }

    public bool Yes { get; init; }

    public bool Json { get; init; }

    public bool Quiet { get; init; }

    public bool Verbose { get; init; }

    /// <summary>The shell that <c>--completion</c> names.</summary>
    public string? Shell { get; init; }
}
