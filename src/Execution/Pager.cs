using Microsoft.Win32.SafeHandles;
using Run.Inputs;
using Run.Posix;

namespace Run.Execution;

/// <summary>The program that shows a long text on a terminal.</summary>
internal static class Pager
{
    /// <summary>
    /// Shows the text with <c>$PAGER</c>, else less, which exits by itself if one screen is enough, else more. False if there is none.
    /// </summary>
    /// <param name="output">The terminal; null for standard output.</param>
    public static bool Show(SafeFileHandle text, SafeFileHandle? output, ReadSet reads)
    {
        const string Shell = "sh";
        const int CommandNotFound = 127;
        var pager = reads.Variable("PAGER") is { Length: > 0 } chosen ? chosen
            : SearchPath.Find("less", reads, out _) is not null ? "less -FX"
            : SearchPath.Find("more", reads, out _) is not null ? "more"
            : null;
        return pager is not null && SearchPath.Find(Shell, reads, out _) is { } shell
            && ChildProcesses.Run(shell, [Shell, "-c", pager], text, output) is { Succeeded: true, Value: not CommandNotFound };
    }
}
