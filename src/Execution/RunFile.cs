using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Execution;

/// <summary>
/// A file whose <c>#!</c> line leads to <c>run</c>. If its second line is another <c>#!</c>, the file is the script, and that line
/// names its interpreter; else its first line that is neither empty nor a comment is the SCRIPT that it stands for.
/// </summary>
/// <param name="Options">The words between <c>run</c> and the file, as the kernel and env(1) would split them.</param>
/// <param name="Second">The second line, if it is another <c>#!</c>.</param>
/// <param name="Script">The SCRIPT that the file stands for; null if it is a script itself, or says nothing.</param>
internal sealed record RunFile(string[] Options, Shebang? Second, string? Script)
{
    private const string Program = "run";

    /// <summary>Files that are interpreters of each other may be more than this only in a circle.</summary>
    private const int MostInterpreters = 8;

    /// <summary>Programs that become, or start, the command that follows their own options.</summary>
    private static readonly string[] s_wrappers =
    [
        "chrt", "doas", "env", "flock", "ionice", "nice", "nohup", "prlimit", "setarch", "setpriv", "setsid", "stdbuf", "sudo", "taskset",
        "time", "timeout", "unshare",
    ];

    /// <summary>Null if the file does not start <c>run</c>, or cannot be read: that is reported when it is started.</summary>
    /// <exception cref="RunException">64: the line has an unmatched quote.</exception>
    public static RunFile? At(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock | OpenFlags.NoControllingTerminal).Value;
        return file is not null && Files.Status(file).Value is { IsRegular: true } status
            && Files.Read(file, Shebang.MostBytes, status.Size).Value is { } start && Of(start) is { } found
            ? found with { Status = status }
            : null;
    }

    /// <summary>The file's status when it was read by <see cref="At"/>.</summary>
    public FileStatus? Status { get; private init; }

    /// <summary>
    /// Whether this program was started as <c>run</c>. Under another name it takes files for its own that <c>run</c> does not.
    /// </summary>
    public static bool IsUsualName => Name(Processes.Name) == Program;

    /// <param name="start">The first <see cref="Shebang.MostBytes"/> of the file, or all of it.</param>
    public static RunFile? Of(ReadOnlySpan<byte> start)
    {
        if (!start.StartsWith("#!"u8) || Shebang.Parse(start) is not { } first || OptionsOf(first) is not { } options)
        {
            return null;
        }

        var end = start.IndexOf((byte)'\n');
        var rest = end < 0 ? default : start[(end + 1)..];
        return Shebang.Parse(rest) is not { } second
            ? new RunFile(options, null, rest.StartsWith("#!"u8) ? null : FirstLine(rest, isWhole: start.Length < Shebang.MostBytes))
            : OptionsOf(second) is null ? new RunFile(options, second, null)
            : new RunFile(options, null, null);
    }

    /// <summary>The failure if the file neither is a script itself nor stands for one.</summary>
    public static RunException SaysNothing(string displayName) => new(
        ExitStatus.CannotStart, $"{displayName}: starts run, but does not say what to run",
        "its second line must be the #! line of another program, or a line must name the SCRIPT that it stands for");

    /// <summary>
    /// The failure if a file starts <c>run</c>, has no other interpreter, and is none of those that may stand for another script: it was
    /// fetched, or has to have a digest of its own.
    /// </summary>
    public RunException CannotBeStarted(string displayName) => Script is null ? SaysNothing(displayName) : new RunException(
        ExitStatus.CannotStart, $"{displayName}: stands for {Script}, but only a local file without a digest can stand for another script",
        $"run {ShellWords.Join([Script])} runs that one");

    /// <summary>The words after <c>run</c> on the line; null if it leads to another program.</summary>
    private static string[]? OptionsOf(Shebang line)
    {
        if (line.Argument is not { } argument || Name(line.Interpreter) != "env" || !argument.StartsWith("-S", StringComparison.Ordinal))
        {
            return AfterRun(line.Argument is null ? [line.Interpreter] : [line.Interpreter, line.Argument]);
        }

        // env also takes NAME=VALUE before the program; the kernel's own start has set these.
        return AfterRun(ProgramOfEnv(ShellWords.Split(argument[2..])));
    }

    /// <summary>The words after <c>run</c>, if that is the program, or what <c>nice</c> and the like start; else null.</summary>
    private static string[]? AfterRun(string[] words)
    {
        var run = Array.FindIndex(words, IsRun);
        return run == 0 || (run > 0 && s_wrappers.Contains(Name(words[0]))) ? words[(run + 1)..] : null;
    }

    /// <summary>
    /// Whether the interpreter is a script that starts <c>run</c>, and its interpreter is one, and so on: in a circle, each start would
    /// only make the line longer.
    /// </summary>
    public static bool IsCircle(Shebang second)
    {
        var at = second.Interpreter;
        for (var count = 0; At(at) is { Second: { } next }; at = next.Interpreter)
        {
            if (++count == MostInterpreters)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>env(1)'s words from the program on: after its own options and the variables that it sets.</summary>
    private static string[] ProgramOfEnv(IEnumerable<string> words)
    {
        var rest = new Queue<string>(words);
        while (rest.TryPeek(out var word) && (word is ['-', ..] || word.Contains('=', StringComparison.Ordinal)))
        {
            _ = rest.Dequeue();
            if (word is "-u" or "-C" or "--unset" or "--chdir")
            {
                _ = rest.TryDequeue(out _);
            }
        }

        return [.. rest];
    }

    /// <summary>
    /// By its name, so that a wrapper of that name cannot lead in a circle; or as the program under whose name this one was started.
    /// </summary>
    private static bool IsRun(string program)
    {
        var name = Name(program);
        return name == Program
            || (name == Name(Processes.Name) && Files.Status("/proc/self/exe").Value is { } self
                && Files.Status(program.Contains('/', StringComparison.Ordinal) ? program : Processes.Name).Value is { } there
                && there.IsSameFile(self));
    }

    private static string Name(string path) => path[(path.LastIndexOf('/') + 1)..];

    /// <param name="isWhole">Whether the text is all of the file. If it is not, its last line may be cut off, and is none.</param>
    private static string? FirstLine(ReadOnlySpan<byte> text, bool isWhole)
    {
        var lines = OsText.FromBytes(text).Split('\n');
        foreach (var line in isWhole ? lines : lines[..^1])
        {
            if (line.Trim() is { Length: > 0 } trimmed && trimmed[0] != '#')
            {
                return trimmed;
            }
        }

        return null;
    }
}
