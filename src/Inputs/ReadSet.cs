using Run.Posix;

namespace Run.Inputs;

/// <summary>One thing that decided what a run does, as it was when it was read.</summary>
internal abstract record Input
{
    /// <param name="Value">Null if it is not set, which is not the same as empty.</param>
    internal sealed record Variable(string Name, string? Value) : Input;

    /// <param name="Stamp">Null if nothing is there.</param>
    internal sealed record File(string Path, FileStamp? Stamp) : Input;

    /// <summary>A directory of this user's own.</summary>
    /// <param name="Forbidden">The permissions that it must not give.</param>
    /// <param name="MayBeLink">Whether a symbolic link may lead to it.</param>
    internal sealed record OwnDirectory(string Path, uint Forbidden, bool MayBeLink) : Input;

    /// <summary>A directory of another user's.</summary>
    internal sealed record ForeignDirectory(string Path) : Input;

    /// <summary>A program that may be executed.</summary>
    internal sealed record Program(string Path) : Input;
}

/// <summary>
/// The one door to whatever decides: environment variables, files that are there, files that could be, directories, the clock. What is
/// read here is written down as it was, and the planner makes of each input a step of the plan, so that a plan cannot forget one.
/// Reading a variable around it is banned (BannedSymbols.txt), and a test holds the files that a run looks at against its plan.
/// </summary>
/// <param name="clock">What tells the time.</param>
internal sealed class ReadSet(TimeProvider clock)
{
    private const long Second = 1_000_000_000;
    private readonly List<Input> _inputs = [];

    /// <summary>The time, to which a plan keeps by the seconds between which it holds.</summary>
    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>When this run began, by the clock of file systems: nanoseconds since 1970.</summary>
    public long Began { get; } = FileSystem.Clock;

    /// <summary>What has been read so far, in that order.</summary>
    public IReadOnlyList<Input> Inputs => _inputs;

    /// <summary>
    /// Whether none of the files that were read can change without looking different from now on. Another change in the same tick of the clock
    /// would not show, so the last one must lie before this run began; and of another machine's files and clock nothing is certain.
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
#pragma warning disable RS0030 // This is the door.
        var value = EnvironmentVariables.Get(name);
#pragma warning restore RS0030
        Add(new Input.Variable(name, value));
        return value;
    }

    /// <summary>Notes how a file looked that was read, or that it was not there.</summary>
    /// <param name="path">Absolute, or no plan can be made of it.</param>
    public void File(string path, FileStatus? status) => Add(new Input.File(path, status?.Stamp));

    /// <summary>Notes that something was only asked whose directory this is: this user's own, or another's.</summary>
    public void Directory(string path, FileStatus status) =>
        Add(status.Owner == Processes.EffectiveUser ? new Input.OwnDirectory(path, 0, MayBeLink: true) : new Input.ForeignDirectory(path));

    public void Add(Input input)
    {
        if (!_inputs.Contains(input))
        {
            _inputs.Add(input);
        }
    }

    /// <summary>As <see cref="ShowsEveryChange"/>, of one file.</summary>
    public bool ShowsChange(Input.File file)
    {
        const long CoarsestTick = 2 * Second;
        if (file.Path is not ['/', ..])
        {
            return false;
        }

        if (file.Stamp is not { } stamp)
        {
            return true;
        }

        // There are file systems whose times are whole seconds.
        var tick = stamp.Changed % Second == 0 ? CoarsestTick : 0;
        return stamp.Changed + tick < Began && FileSystem.Of(file.Path).IsLocal;
    }
}
