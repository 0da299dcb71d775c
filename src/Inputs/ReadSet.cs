using Run.Posix;

namespace Run.Inputs;

/// <summary>One input that decided what a run does, as it was when it was read.</summary>
internal abstract record Input
{
    /// <summary>An environment variable.</summary>
    /// <param name="Value">Null if it is not set, which is not the same as empty.</param>
    internal sealed record Variable(string Name, string? Value) : Input;

    /// <summary>A file, or the absence of one.</summary>
    /// <param name="Stamp">Null if the file does not exist.</param>
    internal sealed record File(string Path, FileStamp? Stamp) : Input;

    /// <summary>A directory that this user owns.</summary>
    /// <param name="Forbidden">The permission bits that it must not have.</param>
    /// <param name="MayBeLink">Whether the path may be a symbolic link to it.</param>
    internal sealed record OwnDirectory(string Path, uint Forbidden, bool MayBeLink) : Input;

    /// <summary>A directory that another user owns.</summary>
    internal sealed record ForeignDirectory(string Path) : Input;

    /// <summary>A program that this user may execute.</summary>
    internal sealed record Program(string Path) : Input;
}

/// <summary>
/// Everything that decides what a run does is read through this class: environment variables, files, absent files, directories, the clock.
/// It records each input as it was, and the planner turns each into a step of the plan, so that a plan cannot miss one. Reading a variable
/// in another way is banned (BannedSymbols.txt), and a test compares the files that a run looks at with its plan.
/// </summary>
/// <param name="clock">The clock for <see cref="Now"/>.</param>
internal sealed class ReadSet(TimeProvider clock)
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private readonly List<Input> _inputs = [];

    /// <summary>The current time. A plan records it as the period in which the plan holds.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>When this run began, by the clock that file times come from: nanoseconds since 1970.</summary>
    public long Began { get; } = FileSystem.Clock;

    /// <summary>What has been read so far, in order.</summary>
    public IReadOnlyList<Input> Inputs => _inputs;

    /// <summary>
    /// Whether any later change of a file that was read changes its stamp. A second change in the same clock tick would not, so a file's
    /// last change must have happened before this run began. Nothing is certain about files that another machine can change.
    /// </summary>
    public bool ShowsEveryChange
    {
        get
        {
            foreach (var input in _inputs)
            {
                if (input is Input.File file && !ShowsChange(file))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>The variable's value; null if it is not set.</summary>
    public string? Variable(string name)
    {
#pragma warning disable RS0030 // The one allowed place.
        var value = EnvironmentVariables.Get(name);
#pragma warning restore RS0030
        Add(new Input.Variable(name, value));
        return value;
    }

    /// <summary>Records the stamp of a file that was read, or that it does not exist.</summary>
    /// <param name="path">Absolute; a relative path makes a plan impossible.</param>
    public void File(string path, FileStatus? status) => Add(new Input.File(path, status?.Stamp));

    /// <summary>Records only who owns a directory: this user or another.</summary>
    public void Directory(string path, FileStatus status) =>
        Add(status.Owner == Processes.EffectiveUser ? new Input.OwnDirectory(path, 0, MayBeLink: true) : new Input.ForeignDirectory(path));

    public void Add(Input input)
    {
        // --fetch and the like fetch several scripts at a time.
        lock (_inputs)
        {
            if (!_inputs.Contains(input))
            {
                _inputs.Add(input);
            }
        }
    }

    /// <summary>Like <see cref="ShowsEveryChange"/>, for one file.</summary>
    public bool ShowsChange(Input.File file)
    {
        const long CoarsestTick = 2 * NanosecondsPerSecond;
        if (file.Path is not ['/', ..])
        {
            return false;
        }

        if (file.Stamp is not { } stamp)
        {
            return true;
        }

        // Some file systems have times in whole seconds.
        var tick = stamp.Changed % NanosecondsPerSecond == 0 ? CoarsestTick : 0;
        return stamp.Changed + tick < Began && FileSystem.Of(file.Path).IsLocal;
    }
}
