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
    private const string Name = "diff";
    private const int Same = 0, Changed = 1, ChunkSize = 64 << 10;

    /// <summary>Writes the output of <c>diff -u</c> to the file.</summary>
    /// <returns>Whether there is a difference.</returns>
    /// <exception cref="RunException">73: diff failed. 126: diff cannot be started. 127: there is no diff.</exception>
    public static bool Write((string Path, string Label) before, (string Path, string Label) after, SafeFileHandle into, ReadSet reads) =>
        // -L is --label in GNU diff. Other diffs have no long options.
        Run(["-u", "-L", before.Label, "-L", after.Label, before.Path, after.Path], into, reads)
            ?? throw new RunException(ExitStatus.CannotWrite, $"{Name} failed");

    /// <summary>
    /// Writes what differs between two trees: first what no contents show, such as modes and links, then the output of <c>diff -ru</c> for
    /// the regular files, with <c>a/</c> and <c>b/</c> before the paths, as git does.
    /// </summary>
    /// <param name="cacheRoot">Where the output is staged.</param>
    /// <inheritdoc cref="Write"/>
    public static bool WriteTrees(TreeChange change, string cacheRoot, SafeFileHandle into, ReadSet reads)
    {
        if (change.Lines.Count > 0)
        {
            Put(OsText.ToBytes(string.Concat(change.Lines.Select(static line => $"{line}\n"))), into);
        }

        if (change.Contents.Count > 0)
        {
            WriteContents(change, cacheRoot, bytes => Put(bytes, into), reads);
        }

        return change.Lines.Count + change.Contents.Count > 0;
    }

    /// <summary>
    /// diff(1) sees two flat directories with links to the files that differ. So it does not see what it would follow, quote or describe in
    /// words of its own: links, odd names, a file in the place of a directory.
    /// </summary>
    private static void WriteContents(TreeChange change, string cacheRoot, Action<byte[]> write, ReadSet reads)
    {
        using var staging = Cache.StageDirectory(cacheRoot);
        var (from, to) = ($"{staging.Path}/{DiffText.Old}", $"{staging.Path}/{DiffText.New}");
        using (var directory = Files.Open(staging.Path, OpenFlags.Directory).OrThrow(CannotStage))
        {
            // Through these two the targets of all the others are short, and the file system keeps short ones in the inode.
            const string OldTree = "o", NewTree = "n";
            Require(change.OldRoot is null ? Errno.None : FilesAt.MakeLink(directory, OldTree, change.OldRoot));
            Require(FilesAt.MakeLink(directory, NewTree, change.NewRoot));
            Require(FilesAt.MakeDirectory(directory, DiffText.Old, Permissions.PrivateDirectory));
            Require(FilesAt.MakeDirectory(directory, DiffText.New, Permissions.PrivateDirectory));
            for (var i = 0; i < change.Contents.Count; i++)
            {
                var (path, isInOld, isInNew) = change.Contents[i];
                var name = DiffText.Name(i);
                Require(isInOld ? FilesAt.MakeLink(directory, $"{DiffText.Old}/{name}", $"../{OldTree}/{path}") : Errno.None);
                Require(isInNew ? FilesAt.MakeLink(directory, $"{DiffText.New}/{name}", $"../{NewTree}/{path}") : Errno.None);
            }
        }

        using var raw = Cache.Stage(cacheRoot);
        _ = Run(["-ruN", from, to], raw.Handle, reads) ?? throw new RunException(ExitStatus.CannotWrite, $"{Name} failed");
        using var text = raw.Reopen();
        DiffText.Rename(text, staging.Path, change.Contents, write);

        static void Require(Errno error) => _ = error == Errno.None ? error : throw CannotStage(error);

        static RunException CannotStage(Errno error) =>
            new(ExitStatus.CannotWrite, $"the change cannot be shown: {error.Describe()}");
    }

    private static void Put(byte[] text, SafeFileHandle into)
    {
        if (Files.Write(into, text) is var error && error != Errno.None)
        {
            throw new RunException(ExitStatus.CannotWrite, $"the change cannot be written: {error.Describe()}");
        }
    }

    /// <summary>Whether there is a difference; null if diff failed.</summary>
    private static bool? Run(string[] arguments, SafeFileHandle into, ReadSet reads)
    {
        var file = SearchPath.Find(Name, reads, out _)
            ?? throw new RunException(
                ExitStatus.NotFound,
                "diff(1) is not installed, so the change cannot be shown",
                "install the package diffutils, or busybox");
        var status = ChildProcesses.Run(file, [Name, .. arguments], null, into)
            .OrThrow(error => new RunException(ExitStatus.CannotStart, $"{file}: cannot be started: {error.Describe()}"));
        return status switch
        {
            Same => false,
            Changed => true,
            _ => null,
        };
    }

    /// <summary>The label of a copy: its URL and, in place of diff's file time, its age.</summary>
    public static string Label(CachedScript copy, DateTimeOffset now) => string.Create(
        CultureInfo.InvariantCulture, $"{Messages.Printable(copy.Record.Url)}\tcached {HumanFormat.Age(now - copy.Record.Fetched)} ago");

    /// <summary>The label of the server's version.</summary>
    public static string Label(string url) => $"{UrlText.Redacted(url)}\tnow";

    /// <summary>Shows on a terminal what <see cref="Write"/> has written.</summary>
    /// <param name="colour">Whether its lines are coloured.</param>
    public static void Show(SafeFileHandle text, Action<string> say, bool colour = false) =>
        TerminalText.Copy(most => Read(text, most), say, colour ? Coloured : TerminalText.Line);

    /// <summary>Copies what <see cref="Write"/> has written, byte for byte.</summary>
    public static void Copy(SafeFileHandle text, Action<byte[]> write)
    {
        while (Read(text, ChunkSize) is { Length: > 0 } chunk)
        {
            write(chunk);
        }
    }

    private static byte[] Read(SafeFileHandle text, int most) => Files.Read(text, most).OrThrow(static error =>
        new RunException(ExitStatus.CannotWrite, $"the change cannot be shown: {error.Describe()}"));

    private static string Coloured(string line)
    {
        var code = line switch
        {
            ['-', '-', '-', ' ', ..] or ['+', '+', '+', ' ', ..] => "1",
            ['@', '@', ..] => "36",
            ['-', ..] => "31",
            ['+', ..] => "32",
            _ => null,
        };
        return code is null ? TerminalText.Line(line) : $"\e[{code}m{TerminalText.Line(line)}\e[m";
    }
}
