using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Run.Caching;
using Run.Execution;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Trust;

/// <summary>What changed between two versions of a script, told by diff(1).</summary>
internal static class DiffProgram
{
    public const string NoFile = "/dev/null";
    private const int Same = 0, Changed = 1;

    /// <summary>Writes <c>diff -u</c> into the file.</summary>
    /// <param name="into">Null: standard output.</param>
    /// <returns>Whether there is a difference.</returns>
    /// <exception cref="RunException">73: diff could not do it. 127: there is no diff.</exception>
    public static bool Write((string Path, string Label) before, (string Path, string Label) after, SafeFileHandle? into, ReadSet reads)
    {
        const string Program = "diff";
        var file = SearchPath.Find(Program, reads, out _)
            ?? throw new RunException(ExitStatus.NotFound, "no diff(1) on this machine to show the change with", "install the package diffutils, or busybox");

        // -L is --label for GNU diff and for the others, which have no long options.
        string[] arguments = [Program, "-u", "-L", before.Label, "-L", after.Label, before.Path, after.Path];
        var status = ChildProcesses.Run(file, arguments, null, into)
            .OrThrow(error => new RunException(ExitStatus.CannotStart, $"{file}: cannot be started: {error.Describe()}"));
        return status switch
        {
            Same => false,
            Changed => true,
            _ => throw new RunException(ExitStatus.CannotWrite, $"{file}: ended with status {status}"),
        };
    }

    /// <summary>The label of a copy: its URL and, where diff has the time of a file, its age.</summary>
    public static string Label(CachedScript copy, DateTimeOffset now) =>
        string.Create(CultureInfo.InvariantCulture, $"{Messages.Printable(copy.Record.Url)}\tcached {HumanFormat.Age(now - copy.Record.Fetched)} ago");

    /// <summary>The label of what the server has.</summary>
    public static string Label(string url) => $"{UrlText.Redacted(url)}\tnow";

    /// <summary>
    /// Copies a text for a terminal, line by line: what would move the cursor, hide or reorder what is seen is shown as what it is. The
    /// text is the server's, and whoever is to judge it must see it all.
    /// </summary>
    public static void Show(SafeFileHandle text, Action<string> say)
    {
        const int ChunkSize = 64 << 10;
        var rest = Array.Empty<byte>();
        while (true)
        {
            var chunk = Files.Read(text, ChunkSize).Value ?? [];
            byte[] bytes = [.. rest, .. chunk];
            var whole = chunk.Length == 0 || bytes.Length > 4 * ChunkSize ? bytes.Length : bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
            say(string.Join('\n', OsText.FromBytes(bytes.AsSpan(0, whole)).Split('\n').Select(Line)));
            rest = bytes[whole..];
            if (chunk.Length == 0)
            {
                return;
            }
        }
    }

    private static string Line(string line) => string.Join('\t', line.Split('\t').Select(Messages.Printable));
}
