using Run.Generated;
using Run.Posix;

namespace Run.Execution;

/// <summary>The #! line of a script, read as the kernel reads it (execve(2), "Interpreter scripts").</summary>
/// <param name="Interpreter">The path after <c>#!</c>.</param>
/// <param name="Argument">The rest of the line as one argument, without blanks at its ends; null if there is none.</param>
/// <param name="KernelReadsIt">Whether the kernel reads the line as intended: it is short enough, and does not end in CR LF.</param>
internal sealed record Shebang(string Interpreter, string? Argument, bool KernelReadsIt)
{
    /// <summary>How many bytes of a script to read for its first line. The kernel reads fewer, and real lines are shorter.</summary>
    public const int MostBytes = Shared.FirstLinesBytes;

    private static readonly Version s_longerLines = new(5, 1);

    /// <summary>The script's #! line; null if it does not begin with <c>#!</c> and a path.</summary>
    /// <param name="start">The first <see cref="MostBytes"/> of the script, or all of it.</param>
    public static Shebang? Parse(ReadOnlySpan<byte> start)
    {
        if (!start.StartsWith("#!"u8))
        {
            return null;
        }

        var end = start.IndexOf((byte)'\n');
        var line = start[2..(end < 0 ? start.Length : end)];
        var hasReturn = line.EndsWith("\r"u8);
        line = line.TrimEnd("\r"u8).Trim(" \t"u8);
        if (line.IndexOf((byte)0) is >= 0 and var nul)
        {
            line = line[..nul].TrimEnd(" \t"u8);
        }

        if (line.IsEmpty)
        {
            return null;
        }

        var blank = line.IndexOfAny(" \t"u8);
        var interpreter = blank < 0 ? line : line[..blank];
        var argument = blank < 0 ? default : line[blank..].TrimStart(" \t"u8);
        return new Shebang(
            OsText.FromBytes(interpreter), argument.IsEmpty ? null : OsText.FromBytes(argument),
            !hasReturn && ((end < 0 ? start.Length : end) < KernelReads()));
    }

    /// <summary>
    /// The name that env(1) looks up in PATH, if the line is <c>#!/usr/bin/env NAME</c>; null for any other line.
    /// </summary>
    public string? EnvName => Argument is not null && Interpreter.EndsWith("/env", StringComparison.Ordinal)
        && Argument[0] != '-' && !Argument.Contains('=', StringComparison.Ordinal) && !Argument.Contains('/', StringComparison.Ordinal)
            ? Argument : null;

    public override string ToString() => Argument is null ? $"#!{Interpreter}" : $"#!{Interpreter} {Argument}";

    // BINPRM_BUF_SIZE, larger since Linux 5.1. A longer line is not an error: the kernel silently truncates its argument.
    private static int KernelReads() => Processes.KernelVersion >= s_longerLines ? 256 : 128;
}
