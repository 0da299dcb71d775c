using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Run.Caching;
using Run.Execution;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Trust;

/// <summary>Shows what changed between two versions of a script, with diff(1).</summary>
internal static class DiffProgram
{
    public const string NoFile = "/dev/null";
    private const int Same = 0, Changed = 1;

    /// <summary>Writes the output of <c>diff -u</c> to the file.</summary>
    /// <param name="into">Null: standard output.</param>
    /// <returns>Whether there is a difference.</returns>
    /// <exception cref="RunException">73: diff failed. 126: diff cannot be started. 127: there is no diff.</exception>
    public static bool Write((string Path, string Label) before, (string Path, string Label) after, SafeFileHandle? into, ReadSet reads)
    {
        const string Program = "diff";
        var file = SearchPath.Find(Program, reads, out _)
            ?? throw new RunException(
                ExitStatus.NotFound,
                "diff(1) is not installed, so the change cannot be shown",
                "install the package diffutils, or busybox");

        // -L is --label in GNU diff. Other diffs have no long options.
        string[] arguments = [Program, "-u", "-L", before.Label, "-L", after.Label, before.Path, after.Path];
        var status = ChildProcesses.Run(file, arguments, null, into)
            .OrThrow(error => new RunException(ExitStatus.CannotStart, $"{file}: cannot be started: {error.Describe()}"));
        return status switch
        {
            Same => false,
            Changed => true,
            _ => throw new RunException(ExitStatus.CannotWrite, $"{file}: failed with status {status}"),
        };
    }

    /// <summary>The label of a copy: its URL and, in place of diff's file time, its age.</summary>
    public static string Label(CachedScript copy, DateTimeOffset now) => string.Create(
        CultureInfo.InvariantCulture, $"{Messages.Printable(copy.Record.Url)}\tcached {HumanFormat.Age(now - copy.Record.Fetched)} ago");

    /// <summary>The label of the server's version.</summary>
    public static string Label(string url) => $"{UrlText.Redacted(url)}\tnow";

    /// <summary>Shows on a terminal what <see cref="Write"/> has written.</summary>
    public static void Show(SafeFileHandle text, Action<string> say) =>
        TerminalText.Copy(most => Files.Read(text, most).OrThrow(error =>
            new RunException(ExitStatus.CannotWrite, $"the change cannot be shown: {error.Describe()}")), say);
}
