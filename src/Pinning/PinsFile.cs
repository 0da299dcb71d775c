using Microsoft.Win32.SafeHandles;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Pinning;

/// <summary>
/// The file run.pins: the nearest one upward from the working directory. Its path is relative, as people say it: <c>../run.pins</c>.
/// </summary>
/// <param name="Path">Where it is.</param>
/// <param name="Text">What is in it.</param>
/// <param name="List">What that means.</param>
internal sealed record PinsFile(string Path, string Text, PinList List)
{
    public const string Name = "run.pins";
    private const int MostBytes = 1 << 20;

    /// <summary>
    /// The nearest one; null if there is none. The search ends with a directory that another user owns, or that has none above it.
    /// </summary>
    /// <param name="reads">Where the search writes down what it looked at.</param>
    /// <exception cref="RunException">77: another user could have written it. 78: it has a mistake, or cannot be read.</exception>
    public static PinsFile? Find(ReadSet reads)
    {
        // What is looked at by a relative path is written down by its absolute one; if that is not to be had, a plan is none.
        var at = Files.RealPath(".").Value ?? "";
        var relative = "";
        for (var directory = Files.Status(".").Value; directory is not null;)
        {
            reads.Directory(at, directory);
            if (Read(relative + Name, $"{at.TrimEnd('/')}/{Name}", directory, reads) is { } file)
            {
                return file;
            }

            if (directory.Owner != Processes.EffectiveUser)
            {
                return null;
            }

            relative += "../";
            at = at.Length > 0 ? TrustedPath.Parent(at) : at;
            var above = Files.Status(relative).OrAbsent(error => Unreadable(relative, error));
            directory = above is null || above.IsSameFile(directory) ? null : above;
        }

        return null;
    }

    /// <summary>
    /// Puts the pins into the nearest file, or into a new one here. However many do so at once, each finds what the others have written.
    /// </summary>
    /// <exception cref="RunException">73, 77, 78: and then the file is as it was.</exception>
    public static void Add(IReadOnlyList<Pin> pins, ReadSet reads)
    {
        var path = Find(reads)?.Path ?? Name;

        // The directory is what all have in common who write this file, also when it is replaced, and a lock on it leaves nothing behind.
        // If it cannot be locked (NFS) the last one wins, and still nothing is half written.
        using var directory = Files.Open(path[..^Name.Length] + ".", OpenFlags.ReadOnly | OpenFlags.Directory).Value;
        _ = directory is null ? Errno.None : Files.Lock(directory, wait: true);

        var before = Find(reads);
        var text = (before?.List ?? PinList.Empty).With(pins).ToText();
        if (text != before?.Text)
        {
            // A symbolic link stays one.
            var mode = Files.Status(path).Value?.Mode & Permissions.Everybody;
            AtomicFile.Replace(Files.RealPath(path).Value ?? path, OsText.ToBytes(text), mode ?? Permissions.PublicFile);
        }
    }

    /// <param name="path">As it is opened and named.</param>
    /// <param name="absolutePath">The same, as it is written down.</param>
    /// <param name="directory">What it is in.</param>
    private static PinsFile? Read(string path, string absolutePath, FileStatus directory, ReadSet reads)
    {
        if (Files.LinkStatus(path).OrAbsent(error => Unreadable(path, error)) is not { } link)
        {
            reads.File(absolutePath, null);
            return null;
        }

        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock).OrThrow(error => Unreadable(path, error));
        var status = Files.Status(file).OrThrow(error => Unreadable(path, error));
        reads.File(absolutePath, status);
        foreach (var part in (ReadOnlySpan<FileStatus>)[link, status])
        {
            if (part.Owner != Processes.EffectiveUser && part.Owner != Processes.Root)
            {
                // Where everybody may leave files, as in /tmp, one that somebody has left says nothing.
                return directory.EverybodyCanWrite ? null : throw new RunException(
                    ExitStatus.Refused, $"{path}: belongs to another user (uid {part.Owner}), who would choose what this user runs",
                    "run as its owner, or make it this user's");
            }
        }

        if (status.EverybodyCanWrite)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: everybody can write it, and so choose what this user runs", $"chmod o-w {path}");
        }

        if (!status.IsRegular)
        {
            throw new RunException(ExitStatus.Configuration, $"{path}: not a regular file");
        }

        var text = ReadText(path, file, status);
        return new PinsFile(path, text, PinList.Parse(path, text));
    }

    private static string ReadText(string path, SafeFileHandle file, FileStatus status)
    {
        var bytes = Files.Read(file, MostBytes + 1, status.Size).OrThrow(error => Unreadable(path, error));
        return bytes.Length <= MostBytes
            ? OsText.FromBytes(bytes)
            : throw new RunException(ExitStatus.Configuration, $"{path}: larger than {MostBytes >> 20} MiB");
    }

    private static RunException Unreadable(string path, Errno error) =>
        new(ExitStatus.Configuration, $"{path}: cannot be read: {error.Describe()}");
}
