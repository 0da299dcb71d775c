namespace Run.CommandLine;

/// <summary>The one thing that an invocation is to do.</summary>
internal enum CommandKind
{
    Run,
    View,
    DryRun,
    Diff,
    Pin,
    Ps,
    Stop,
    List,
    Clean,
    Init,
    Completion,
    Help,
    Version,
}

/// <summary>The command line, understood: what is to be done, with which script, and what belongs to the script.</summary>
internal sealed record Invocation
{
    public CommandKind Command { get; init; }

    /// <summary>SCRIPT and all after it: for most acts the script and its arguments, for some a list of scripts.</summary>
    public string[] Operands { get; init; } = [];

    /// <summary>SCRIPT.</summary>
    public string Script => Operands[0];

    /// <summary>What belongs to the script, as it came.</summary>
    public string[] Arguments => Operands[1..];

    /// <summary>The command line up to SCRIPT, as it was typed.</summary>
    public string[] WordsToScript { get; init; } = [];

    /// <summary>
    /// Whether the next run of these words may do as this one did, without asking: the effect of each option is over before the script
    /// begins. Of the other ones <c>--interpreter</c> starts the script in a way that no plan has.
    /// </summary>
    public bool MayBePlanned => Command == CommandKind.Run && !Update && !Verbose && !Detach && !Replace && Interpreter is null;

    public bool Update { get; init; }

    public bool Offline { get; init; }

    public bool Pinned { get; init; }

    /// <summary>What <c>--sha256</c> asks for, in lower case.</summary>
    public string? Digest { get; init; }

    public string? Interpreter { get; init; }

    /// <summary><c>--config</c>, else <c>RUN_CONFIG</c>.</summary>
    public string? Configuration { get; init; }

    /// <summary>Whether the script is to run alone: <c>--lock</c>, and what implies it.</summary>
    public bool Lock { get; init; }

    /// <summary>The name to lock instead of the script.</summary>
    public string? LockName { get; init; }

    /// <summary>How long to wait for the lock; zero: not at all; null: for ever.</summary>
    public TimeSpan? Wait { get; init; } = TimeSpan.Zero;

    public bool Replace { get; init; }

    public bool Detach { get; init; }

    /// <summary>The status instead of 75.</summary>
    public int? ConflictExitCode { get; init; }

    public bool Yes { get; init; }

    public bool Json { get; init; }

    public bool Quiet { get; init; }

    public bool Verbose { get; init; }

    /// <summary>The shell that <c>--completion</c> names.</summary>
    public string? Shell { get; init; }
}
