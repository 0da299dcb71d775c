using Microsoft.Win32.SafeHandles;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Pinning;

/// <summary>
/// The file run.pins: the nearest one, from the working directory upward.
/// </summary>
/// <param name="Path">Its relative path, such as <c>../run.pins</c>.</param>
/// <param name="Text">Its text.</param>
/// <param name="List">The text, parsed.</param>
internal sealed record PinsFile(string Path, string Text, PinList List)
{
    public const string Name = "run.pins";
    private const int MaxBytes = 1 << 20;

    /// <summary>
    /// The nearest file; null if there is none. The search ends after the first directory that another user owns (root aside), or
    /// at the root directory.
    /// </summary>
    /// <param name="reads">Records what the search looked at.</param>
    /// <exception cref="RunException">
    /// 77: another user can have written it. 78: it has a mistake or cannot be read, or one of the directories cannot be searched.
    /// </exception>
    public static PinsFile? Find(ReadSet reads)
    {
        // The search uses relative paths, and records absolute ones. If the working directory has none, it records a relative one, so that
        // no plan can be made.
        var at = Files.RealPath(".").Value ?? "";
        var relative = "";
        for (var directory = Files.Status(".").OrAbsent(static error => Unreadable(".", error)); directory is not null;)
        {
            reads.Directory(at, directory);
            if (Read(relative + Name, at.Length == 0 ? Name : $"{at.TrimEnd('/')}/{Name}", directory, reads) is { } file)
            {
                return file;
            }

            if (!TrustedPath.IsTrusted(directory.Owner))
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
    /// Writes the pins to the nearest file, or to a new one in the working directory. Concurrent calls do not lose each other's pins.
    /// </summary>
    /// <exception cref="RunException">73: it cannot be written. 77, 78: see <see cref="Find"/>. The file is then unchanged.</exception>
    /// <returns>What has become of the pins.</returns>
    public static WrittenPins Add(IReadOnlyList<Pin> pins, ReadSet reads)
    {
        while (true)
        {
            var path = Find(reads)?.Path ?? Name;

            // The lock is on the directory, because the file itself is replaced, and because this leaves no lock file behind. If the file
            // system has no locks (NFS), the last writer wins, and the file is still whole.
            using var directory = Files.Open(path[..^Name.Length] + ".", OpenFlags.ReadOnly | OpenFlags.Directory)
                .OrThrow(error => Unreadable(path, error));
            if (Files.Lock(directory, wait: true) is var error
                && error is not (Errno.None or Errno.NoLocks or Errno.NotSupported or Errno.NotImplemented or Errno.BadDescriptor))
            {
                throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be locked: {error.Describe()}");
            }

            var before = Find(reads);
            if ((before?.Path ?? Name) != path)
            {
                // Another process has created or removed a nearer one in the meantime.
                continue;
            }

            var text = (before?.List ?? PinList.Empty).With(pins).ToText();
            if (text != before?.Text)
            {
                // The file behind a symbolic link is replaced, not the link.
                var mode = Files.Status(path).OrAbsent(error => Unreadable(path, error))?.Mode & Permissions.Everybody;
                var target = Files.RealPath(path).OrAbsent(error => Unreadable(path, error)) ?? path;
                AtomicFile.Replace(target, OsText.ToBytes(text), mode ?? Permissions.PublicFile);
            }

            var old = pins.Select(pin => before?.List.Find(Pin.Key(pin.Script))).ToList();
            var added = old.FindAll(static pin => pin is null).Count;
            var unchanged = old.Zip(pins).Where(static pair => pair.First == pair.Second).ToList().Count;
            return new WrittenPins(path, added, pins.Count - added - unchanged, unchanged);
        }
    }

    /// <summary>Whether a file that is not this user's own can say anything in that directory, or stops the run.</summary>
    private static bool IsOwn(FileStatus directory) => TrustedPath.IsTrusted(directory.Owner) && !directory.EverybodyCanWrite;

    /// <param name="path">The path to open and to show.</param>
    /// <param name="absolutePath">The same path, to record.</param>
    /// <param name="directory">The status of its directory.</param>
    private static PinsFile? Read(string path, string absolutePath, FileStatus directory, ReadSet reads)
    {
        if (Files.LinkStatus(path).OrAbsent(error => Unreadable(path, error)) is not { } link)
        {
            reads.File(absolutePath, null);
            return null;
        }

        if (!IsOwn(directory) && (link.Owner != Processes.EffectiveUser || !link.IsRegular))
        {
            // In a directory of another user's, or one that all users can write, such as /tmp, only this user's own file counts. Whatever
            // else somebody has left there must not even stop the run. If its stamp cannot be recorded, no plan can be made.
            reads.File(link.IsRegular ? absolutePath : path, link.IsRegular ? link : null);
            return null;
        }

        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock).OrThrow(error => Unreadable(path, error));
        var status = Files.Status(file).OrThrow(error => Unreadable(path, error));
        reads.File(absolutePath, status);
        foreach (var part in (ReadOnlySpan<FileStatus>)[link, status])
        {
            if (!TrustedPath.IsTrusted(part.Owner))
            {
                throw new RunException(
                    ExitStatus.Refused, $"{path}: belongs to another user (uid {part.Owner}), who would choose what this user runs",
                    "run as its owner, or change its owner to this user");
            }
        }

        if (status.EverybodyCanWrite)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: writable by all users, who could choose what this user runs", $"chmod o-w {path}");
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
        var bytes = Files.Read(file, MaxBytes + 1, status.Size).OrThrow(error => Unreadable(path, error));
        return bytes.Length <= MaxBytes
            ? OsText.FromBytes(bytes).TrimStart('\ufeff')
            : throw new RunException(ExitStatus.Configuration, $"{path}: larger than {MaxBytes >> 20} MiB");
    }

    private static RunException Unreadable(string path, Errno error) =>
        new(ExitStatus.Configuration, $"{path}: cannot be read: {error.Describe()}");
}

/// <summary>What has been written to run.pins, and where.</summary>
/// <param name="Added">How many scripts were not pinned before.</param>
/// <param name="Moved">How many pins have another URL or digest now.</param>
/// <param name="Unchanged">How many pins are as they were.</param>
internal sealed record WrittenPins(string Path, int Added, int Moved, int Unchanged);
