using System.Buffers;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Execution;

/// <summary>
/// A file whose <c>#!</c> line leads to <c>run</c>. If its second line is another <c>#!</c>, the file is the script, and that line
/// names its interpreter; else its first line that is neither empty nor a comment is the SCRIPT that it stands for.
/// </summary>
/// <param name="Line">The line that leads to <c>run</c>.</param>
/// <param name="Second">The second line, if it is another <c>#!</c>.</param>
/// <param name="Script">The SCRIPT that the file stands for; null if it is a script itself, or says nothing.</param>
internal sealed record RunFile(RunLine Line, Shebang? Second, string? Script)
{
    /// <summary>How many bytes of a file are searched for the SCRIPT that it stands for: a comment may be long.</summary>
    private const int MostBytes = 64 * 1024;

    /// <summary>Files that are interpreters of each other may be more than this only in a circle.</summary>
    private const int MostInterpreters = 8;

    // What a shell or another language takes for something else than a part of a word.
    private static readonly SearchValues<char> s_inCommands = SearchValues.Create(" \t\"'`$;&|<>(){}");

    /// <summary>Null if the file does not start <c>run</c>, or cannot be read.</summary>
    public static RunFile? At(string path, ReadSet reads)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock | OpenFlags.NoControllingTerminal).Value;
        if (file is null || Files.Status(file).Value is not { IsRegular: true } status)
        {
            return null;
        }

        Span<byte> start = stackalloc byte[Shebang.MostBytes];
        if (Files.ReadAt(file, start, 0) is not { Succeeded: true, Value: var length } || Of(start[..length], reads) is not { } found)
        {
            return null;
        }

        var needsMore = found is { Second: null, Script: null } && length == Shebang.MostBytes;
        return (needsMore && Files.Read(file, MostBytes).Value is { } more ? Of(more, reads, MostBytes) ?? found : found) with
        {
            Status = status,
        };
    }

    /// <summary>The file's status when it was read by <see cref="At"/>.</summary>
    public FileStatus? Status { get; private init; }

    /// <param name="start">The first bytes of the file, or all of it.</param>
    /// <param name="most">How many bytes there are if it is not all of it.</param>
    public static RunFile? Of(ReadOnlySpan<byte> start, ReadSet reads, int most = Shebang.MostBytes)
    {
        if (!start.StartsWith("#!"u8) || Shebang.Parse(start) is not { } first || RunLine.Of(first, reads.Variable) is not { } line)
        {
            return null;
        }

        var end = start.IndexOf((byte)'\n');
        var rest = end < 0 ? default : start[(end + 1)..];
        return Shebang.Parse(rest) is not { } second
            ? new RunFile(line, null, rest.StartsWith("#!"u8) ? null : FirstLine(rest, isWhole: start.Length < most))
            : RunLine.Of(second, reads.Variable) is null ? new RunFile(line, second, null)
            : new RunFile(line, null, null);
    }

    /// <summary>
    /// What the file stands for. A line that is more likely to be a command is refused: as the name of a script, it would be asked of a
    /// source, and somebody else's script of that name would run.
    /// </summary>
    /// <exception cref="RunException">126: the file says nothing, or something that cannot be the name of a script.</exception>
    public string Target(string displayName)
    {
        if (Script is null)
        {
            throw SaysNothing(displayName);
        }

        var hint = Script.StartsWith('-') ? "options belong on its first line, as in #!/usr/bin/env -S run --lock"
            : !ScriptName.IsLocal(Script) && !ScriptName.IsUrl(Script) && Script.AsSpan().IndexOfAny(s_inCommands) >= 0
                ? "if the file is a script itself, its second line must be the #! line of its interpreter"
            : null;
        return hint is null ? Script
            : throw new RunException(ExitStatus.CannotStart, $"{displayName}: not the name of a script: {Script}", hint);
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
        ExitStatus.CannotStart, $"{displayName}: stands for {Script}, but only a local file can stand for another script",
        $"run {ShellWords.Join([Script])} runs that one");

    /// <summary>
    /// Whether the interpreter is a script that starts <c>run</c>, and its interpreter is one, and so on: in a circle, each start would
    /// only make the line longer.
    /// </summary>
    public static bool IsCircle(Shebang second, ReadSet reads)
    {
        var at = second.Interpreter;
        for (var count = 0; At(at, reads) is { Second: { } next }; at = next.Interpreter)
        {
            if (++count == MostInterpreters)
            {
                return true;
            }
        }

        return false;
    }

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
