using System.Diagnostics;
using Run.Generated;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Locking;

/// <summary>
/// An open lock file. The lock is its first byte. Far beyond the end each holder also locks a byte of its own, its mark: F_GETLK reports
/// only one conflicting lock, and with marks all holders can be found, without /proc and in any PID namespace. The file's content is a
/// <see cref="LockRecord"/>. It is never removed, because another process may be about to lock it.
/// </summary>
/// <remarks>
/// Closing any descriptor of a file releases all record locks that the process holds on it (fcntl(2)). So the descriptor gets its final
/// number before anything is locked, and nothing else in this program opens the lock file of the script that it is about to run.
/// </remarks>
internal sealed class LockFile
{
    /// <summary>The length of a lock file's name, in hexadecimal digits: half a SHA-256 is beyond any coincidence.</summary>
    public const int NameLength = Shared.LockNameLength;

    private const int ProcessIdMask = (1 << 22) - 1; // the kernel's PID_MAX_LIMIT

    private readonly string _path;
    private readonly FileStatus? _status;
    private readonly bool _inherited;
    private LockMode _mode;

    private LockFile(string path, int descriptor, FileStatus? status, bool inherited = false) =>
        (_path, Descriptor, _status, _inherited) = (path, descriptor, status, inherited);

    public int Descriptor { get; }

    /// <summary>Whether its path still leads to this file, which may have been removed before it was locked.</summary>
    public bool IsCurrent => _status is not null && Files.Status(_path).Value is { } current && current.IsSameFile(_status);

    /// <summary>The record of the last holder; null if there is none.</summary>
    public LockRecord? Record => LockRecord.FromBytes(Descriptors.ReadStart(Descriptor, LockRecord.MaxBytes).Value);

    /// <summary>Opens a lock's file, and creates it and its directory if they are not there, for the user alone.</summary>
    /// <param name="path">The lock itself, or the script's own.</param>
    /// <exception cref="RunException">73: it cannot be created or opened. 77: it is not this user's alone.</exception>
    public static LockFile Open(LockRequest request, string path)
    {
        if (!CheckDirectory(request))
        {
            TrustedPath.MakeDirectory(request.Directory);
            _ = CheckDirectory(request);
        }

        if (Inherited(path, request.Mode) is { } inherited)
        {
            return inherited;
        }

        // An exclusive lock needs a writable descriptor. A shared one does not, so plain runs work with a read-only home.
        var opened = Files.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, Permissions.PrivateFile);
        if (request.Mode == LockMode.Shared && opened.Error is Errno.ReadOnly or Errno.Access or Errno.Perm)
        {
            opened = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow);
        }

        using var first = opened.OrThrow(error => Unavailable(request.Directory, error));
        var status = TrustedPath.Check(path, Files.Status(first));
        if (status is not null && (status.Mode & Permissions.Everybody) != Permissions.PrivateFile)
        {
            // A user who can read it could hold it shared, and so block this user's exclusive runs.
            _ = Files.ChangeMode(first, Permissions.PrivateFile);
        }

        var descriptor = Descriptors.Duplicate(Descriptors.Number(first), Shared.LeastDescriptor);
        return new LockFile(path, descriptor.OrThrow(error => Unavailable(request.Directory, error)), status);
    }

    /// <summary>The paths of all lock files.</summary>
    /// <exception cref="RunException">73: the directory cannot be read.</exception>
    public static IEnumerable<string> All(string stateDirectory)
    {
        var directory = LockRequest.DirectoryIn(stateDirectory);
        var names = Files.Names(directory).OrAbsent(error => Unreadable(directory, error)) ?? [];
        return names.Where(static name => name.Length == NameLength && CharChecks.AreLowerHex(name))
            .Select(name => $"{directory}/{name}");
    }

    /// <summary>Opens an existing lock file, to see who holds it; null if it does not exist.</summary>
    /// <exception cref="RunException">73: it cannot be opened.</exception>
    public static LockFile? Find(string path)
    {
        if (Inherited(path, LockMode.Shared) is { } inherited)
        {
            return inherited;
        }

        using var first = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow).OrAbsent(error => Unreadable(path, error));
        if (first is null)
        {
            return null;
        }

        var descriptor = Descriptors.Duplicate(Descriptors.Number(first), Shared.LeastDescriptor);
        return new LockFile(path, descriptor.OrThrow(error => Unreadable(path, error)), null);
    }

    /// <summary>Takes the lock; false if another process holds it and <paramref name="wait"/> is false.</summary>
    /// <exception cref="RunException">73: the file system has no locks. 75: waiting would be a deadlock.</exception>
    public bool TryLock(LockMode mode, bool wait)
    {
        if (_inherited && mode == LockMode.Shared && RecordLocks.HoldsExclusively(Descriptor, Shared.LockByte, 1))
        {
            // A script that holds the lock exclusively has started itself again with exec: it keeps the exclusive lock.
            _mode = LockMode.Exclusive;
            return true;
        }

        _mode = mode;
        return RecordLocks.Lock(Descriptor, mode, Shared.LockByte, 1, wait) switch
        {
            Errno.None => true,
            Errno.Again or Errno.Access => false,
            Errno.Deadlock => throw new RunException(
                ExitStatus.AlreadyRunning, "deadlock: the lock's holder is waiting for a lock that this process holds"),
            var error => throw Unavailable(TrustedPath.Parent(_path), error),
        };
    }

    /// <summary>Writes the holder's record and sets its mark. Call it after the lock was taken.</summary>
    public void RecordHolder(LockRecord record)
    {
        // First the record, then the mark, so that a process that finds the mark reads the right record. If the disk is full, the lock
        // still works; only the script's name is not known.
        var bytes = record.ToBytes();
        if (!Descriptors.ReadStart(Descriptor, bytes.Length).Value.AsSpan().SequenceEqual(bytes))
        {
            _ = Descriptors.WriteStart(Descriptor, bytes);
        }

        Mark(Shared.FirstMark, long.MaxValue, _mode);
    }

    /// <summary>Leaves a mark in a script's own lock file: it runs under the lock of another name, and its own one is free.</summary>
    public void MarkNamed(LockMode mode) => Mark(Shared.FirstNamedMark, Shared.FirstMark - 1, mode);

    /// <summary>Somebody who stands in the way of a lock of that mode; null if nobody does.</summary>
    public Holder? HolderAgainst(LockMode mode) => RecordLocks.Conflict(Descriptor, mode, Shared.LockByte, 1).Value is { } held
        ? Holders().FirstOrDefault(holder => mode == LockMode.Exclusive || holder.Mode == LockMode.Exclusive) ?? ToHolder(held)
        : null;

    /// <summary>All other processes that hold the lock now.</summary>
    /// <exception cref="RunException">73: F_GETLK failed.</exception>
    public List<Holder> Holders()
    {
        var holders = Marks(Shared.FirstMark, long.MaxValue);

        // A process that has just taken the lock has no mark yet.
        if (Conflict(Shared.LockByte, Shared.LockByte) is { } held && !holders.Exists(holder => holder.Mode == held.Mode))
        {
            holders.Add(ToHolder(held));
        }

        return holders;
    }

    /// <summary>Everybody else who runs the script whose own lock this is, also under the lock of another name.</summary>
    /// <exception cref="RunException">73: the kernel does not tell.</exception>
    public List<Holder> Runners() => [.. Holders(), .. Marks(Shared.FirstNamedMark, Shared.FirstMark - 1)];

    /// <summary>Whether that process holds the lock at this moment.</summary>
    /// <exception cref="RunException">73: the kernel does not tell.</exception>
    public bool IsHeldBy(Holder holder) =>
        Conflict(holder.Position, holder.Position) is { } range && ToHolder(range).ProcessId == holder.ProcessId;

    /// <summary>Closes the descriptor, unless it is inherited: this process may hold a lock through it.</summary>
    public void Close()
    {
        if (!_inherited)
        {
            Descriptors.Close(Descriptor);
        }
    }

    /// <summary>Refuses a lock directory that another user owns or can write. A missing one is fine.</summary>
    /// <returns>Whether it exists.</returns>
    /// <exception cref="RunException">73: it cannot be checked. 77: another user owns it or can write it.</exception>
    public static bool CheckDirectory(LockRequest request)
    {
        // Both may be symbolic links, as long as their targets are this user's alone.
        _ = TrustedPath.CheckTarget(request.StateDirectory);
        var status = TrustedPath.CheckTarget(request.Directory);
        if (status is not null && (status.Mode & Permissions.Others) != 0)
        {
            _ = Files.ChangeMode(request.Directory, Permissions.PrivateDirectory);
        }

        return status is not null;
    }

    /// <summary>
    /// The descriptor of this file that this process has inherited from a run, through exec or as its child. After exec this process holds
    /// the lock: closing another descriptor of the file would release it, and another process could take it.
    /// </summary>
    private static LockFile? Inherited(string path, LockMode mode)
    {
        if (!RecordLocks.SurviveExec || !Descriptors.IsOpen(Shared.LeastDescriptor) || Files.Status(path).Value is not { } expected)
        {
            return null;
        }

        for (var descriptor = Shared.LeastDescriptor; Descriptors.IsOpen(descriptor); descriptor++)
        {
            if (Descriptors.Status(descriptor).Value is { } found && found.IsSameFile(expected)
                && (mode == LockMode.Shared || Descriptors.IsWritable(descriptor)))
            {
                return new LockFile(path, descriptor, TrustedPath.Check(path, found), inherited: true);
            }
        }

        return null;
    }

    private static RunException Unavailable(string directory, Errno error) =>
        new(ExitStatus.CannotWrite, $"cannot take a lock in {directory}: {error.Describe()}");

    private static RunException Unreadable(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be read: {error.Describe()}");

    /// <summary>Makes this process's mark in that range, in place of one that it has inherited.</summary>
    private void Mark(long first, long last, LockMode mode)
    {
        if (_inherited)
        {
            _ = RecordLocks.Unlock(Descriptor, first, Length(first, last));
        }

        var moment = Stopwatch.GetTimestamp() & ((1L << Shared.PidShift) - 1);
        _ = RecordLocks.Lock(Descriptor, mode, first | ((long)Processes.Id << Shared.PidShift) | moment, 1, wait: false);
    }

    /// <summary>Whose marks there are in that range.</summary>
    private List<Holder> Marks(long first, long last)
    {
        var holders = new List<Holder>();
        var ranges = new Stack<(long First, long Last)>([(first, last)]);
        while (ranges.TryPop(out var range))
        {
            if (range.First > range.Last || Conflict(range.First, range.Last) is not { } found)
            {
                continue;
            }

            holders.Add(ToHolder(found));
            ranges.Push((range.First, found.Start - 1));
            if (found.Last < range.Last)
            {
                ranges.Push((found.Last + 1, range.Last));
            }
        }

        return holders;
    }

    /// <summary>As fcntl(2) has it: 0 is to the end of all files.</summary>
    private static long Length(long first, long last) => last == long.MaxValue ? 0 : last - first + 1;

    /// <param name="last">Itself included.</param>
    private HeldRange? Conflict(long first, long last)
    {
        var found = RecordLocks.Conflict(Descriptor, LockMode.Exclusive, first, Length(first, last));
        return found.Error == Errno.None ? found.Value : throw Unavailable(TrustedPath.Parent(_path), found.Error);
    }

    private static Holder ToHolder(HeldRange range)
    {
        // For an OFD lock the kernel reports -1 as the PID, so the position of the mark contains it.
        var processId = range.ProcessId;
        if (processId == -1 && range.Start >= Shared.FirstNamedMark)
        {
            var creator = (int)(range.Start >> Shared.PidShift) & ProcessIdMask;
            processId = ProcessFacts.HasLock(creator, range.Start) ? creator : 0;
        }

        return new Holder(Math.Max(processId, 0), range.Mode, range.Start);
    }
}
