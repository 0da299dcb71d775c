using Microsoft.Win32.SafeHandles;
using Run.Caching;
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
/// <param name="Look">How it looked when it was read.</param>
internal sealed record PinsFile(string Path, string Text, PinList List, FileStamp Look)
{
    public const string Name = "run.pins";
    private const int MostBytes = 1 << 20;
    private const uint Root = 0;

    /// <summary>The file as what has decided something, with its whole path.</summary>
    public Observed Observed => new(Kernel.TryRealPath(Path[..^Name.Length] + ".") is { } directory ? $"{directory.TrimEnd('/')}/{Name}" : Path, Look);

    /// <summary>
    /// The nearest one; null where there is none. The search ends with a directory that another user owns, or that has none above it. It must
    /// end where the executor's does (native/executor.c, find_place).
    /// </summary>
    /// <exception cref="RunException">77: another user could have written it. 78: it has a mistake.</exception>
    public static PinsFile? Find()
    {
        var directory = "";
        var here = Kernel.TryStatus(".");
        while (here is { } status)
        {
            if (Read(directory + Name, status) is { } file)
            {
                return file;
            }

            directory += "../";
            var above = status.Owner == Kernel.EffectiveUser ? Kernel.TryStatus(directory) : null;
            here = above is { } next && (next.Inode, next.Device) == (status.Inode, status.Device) ? null : above;
        }

        return null;
    }

    /// <summary>
    /// Puts the pins into the nearest file, or into a new one here. However many do so at once, each finds what the others have written.
    /// </summary>
    /// <exception cref="RunException">73, 77, 78: and then the file is as it was.</exception>
    public static void Add(IReadOnlyList<Pin> pins)
    {
        var path = Find()?.Path ?? Name;

        // The directory is what all have in common who write this file, also when it is replaced, and a lock on it leaves nothing behind.
        // Where it cannot be locked (NFS) the last one wins, and still nothing is half written.
        using var directory = Kernel.TryOpen(path[..^Name.Length] + ".", Kernel.ReadOnly | Kernel.Directory);
        _ = directory is not null && Kernel.TryLockWhole(directory, wait: true);

        var before = Find();
        var text = (before?.List ?? PinList.Empty).With(pins).ToText();
        if (text != before?.Text)
        {
            // A symbolic link stays one.
            var mode = Kernel.TryStatus(path)?.Mode & Permissions.Everybody;
            AtomicFile.Replace(Kernel.TryRealPath(path) ?? path, OsText.ToBytes(text), mode ?? Permissions.PublicFile);
        }
    }

    private static PinsFile? Read(string path, FileStatus directory)
    {
        if (Kernel.TryLinkStatus(path) is not { } link)
        {
            return Kernel.LastError is Errno.NoEntry or Errno.NotDirectory or Errno.Access ? null : throw Unreadable(path, Kernel.LastError);
        }

        using var file = Kernel.TryOpen(path, Kernel.ReadOnly | Kernel.NonBlock);
        if (file is null || Kernel.TryStatus(file) is not { } status)
        {
            throw Unreadable(path, Kernel.LastError);
        }

        foreach (var part in (ReadOnlySpan<FileStatus>)[link, status])
        {
            if (part.Owner != Kernel.EffectiveUser && part.Owner != Root)
            {
                // Where everybody may leave files, as in /tmp, one that somebody has left says nothing.
                return directory.EverybodyCanWrite ? null : throw new RunException(
                    ExitStatus.Refused, $"{path}: belongs to another user (uid {part.Owner}), who would choose what this user runs",
                    "run as its owner, or make it this user's");
            }
        }

        if (status.EverybodyCanWrite)
        {
            throw new RunException(ExitStatus.Refused, $"{path}: everybody can write it, and so choose what this user runs", $"chmod o-w {path}");
        }

        if (!status.IsRegular)
        {
            throw new RunException(ExitStatus.Configuration, $"{path}: not a regular file");
        }

        var text = ReadText(path, file);
        return new PinsFile(path, text, PinList.Parse(path, text), FileStamp.Of(status));
    }

    private static string ReadText(string path, SafeFileHandle file)
    {
        var bytes = Kernel.TryRead(file, MostBytes + 1, Kernel.TryStatus(file)?.Size) ?? throw Unreadable(path, Kernel.LastError);
        return bytes.Length <= MostBytes
            ? OsText.FromBytes(bytes)
            : throw new RunException(ExitStatus.Configuration, $"{path}: larger than {MostBytes >> 20} MiB");
    }

    private static RunException Unreadable(string path, Errno error) => new(ExitStatus.Configuration, $"{path}: cannot be read: {Kernel.Describe(error)}");
}
