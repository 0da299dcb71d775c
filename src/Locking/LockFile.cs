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
/// <see cref="LockRecord"/>. It is removed only by a process that holds the lock alone; whoever has it open then finds that it
/// is not current.
/// </summary>
/// <remarks>
/// Closing any descriptor of a file releases all record locks that the process holds on it (fcntl(2)). So the descriptor gets its final
/// number before anything is locked, and nothing else in this program opens the lock file of the script that it is about to run.
/// </remarks>
internal sealed class LockFile
{
    /// <summary>The length of a lock file's name in hexadecimal digits: half a SHA-256, which is enough against collisions.</summary>
    public const int NameLength = 32;

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

    /// <summary>Opens the lock file. If it or its directory does not exist, creates them, for the user only.</summary>
    /// <exception cref="RunException">73: it cannot be created or opened. 77: it is not this user's alone.</exception>
    public static LockFile Open(LockRequest request)
    {
        var path = request.Path;
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

        if (_inherited)
        {
            _ = RecordLocks.Unlock(Descriptor, Shared.FirstMark, 0);
        }

        var moment = Stopwatch.GetTimestamp() & ((1L << Shared.PidShift) - 1);
        var mark = Shared.FirstMark | ((long)Processes.Id << Shared.PidShift) | moment;
        _ = RecordLocks.Lock(Descriptor, _mode, mark, 1, wait: false);

        const long Day = Shared.DaySeconds * 1_000_000_000L;
        if (FileSystem.Clock - _status?.Modified > Day)
        {
            _ = Descriptors.Touch(Descriptor);
        }
    }

    /// <summary>
    /// Does something while this process alone holds all these locks, so that nobody can be running, or about to run, what they are for.
    /// </summary>
    /// <returns>Whether it was done; false if one of the locks is held.</returns>
    /// <exception cref="RunException">73: a file cannot be opened.</exception>
    public static bool WhileAlone(IEnumerable<string> paths, Action action)
    {
        var files = new List<LockFile>();
        try
        {
            foreach (var path in paths)
            {
                // A lock that this process has inherited is in use: that of the script which has become this run.
                if (Inherited(path, LockMode.Shared) is not null)
                {
                    return false;
                }

                using var first = Files.Open(path, OpenFlags.ReadWrite | OpenFlags.NoFollow).OrAbsent(error => Unreadable(path, error));
                if (first is null)
                {
                    continue;
                }

                var descriptor = Descriptors.Duplicate(Descriptors.Number(first), Shared.LeastDescriptor);
                var file = new LockFile(path, descriptor.OrThrow(error => Unreadable(path, error)), Files.Status(first).Value);
                files.Add(file);
                first.Dispose();
                if (RecordLocks.Lock(file.Descriptor, LockMode.Exclusive, Shared.LockByte, 1, wait: false) != Errno.None || !file.IsCurrent)
                {
                    return false;
                }
            }

            action();
            return true;
        }
        finally
        {
            files.ForEach(static file => file.Close());
        }
    }

    /// <summary>A holder that conflicts with a lock of that mode; null if there is none.</summary>
    public Holder? HolderAgainst(LockMode mode) => RecordLocks.Conflict(Descriptor, mode, Shared.LockByte, 1).Value is { } held
        ? Holders().FirstOrDefault(holder => mode == LockMode.Exclusive || holder.Mode == LockMode.Exclusive) ?? ToHolder(held)
        : null;

    /// <summary>All other processes that hold the lock now.</summary>
    /// <exception cref="RunException">73: F_GETLK failed.</exception>
    public List<Holder> Holders()
    {
        var holders = new List<Holder>();
        var ranges = new Stack<(long First, long Last)>([(Shared.FirstMark, long.MaxValue)]);
        while (ranges.TryPop(out var range))
        {
            if (range.First > range.Last || Conflict(range.First, range.Last) is not { } found)
            {
                continue;
            }

            holders.Add(ToHolder(found));
            ranges.Push((range.First, found.Start - 1));
            if (found.Last < long.MaxValue)
            {
                ranges.Push((found.Last + 1, range.Last));
            }
        }

        // A process that has just taken the lock has no mark yet.
        if (Conflict(Shared.LockByte, Shared.LockByte) is { } held && !holders.Exists(holder => holder.Mode == held.Mode))
        {
            holders.Add(ToHolder(held));
        }

        return holders;
    }

    /// <summary>Whether that process holds the lock now.</summary>
    /// <exception cref="RunException">73: F_GETLK failed.</exception>
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

    /// <param name="last">The last byte, inclusive.</param>
    private HeldRange? Conflict(long first, long last)
    {
        var found = RecordLocks.Conflict(Descriptor, LockMode.Exclusive, first, last == long.MaxValue ? 0 : last - first + 1);
        return found.Error == Errno.None ? found.Value : throw Unavailable(TrustedPath.Parent(_path), found.Error);
    }

    private static Holder ToHolder(HeldRange range)
    {
        // For an OFD lock the kernel reports -1 as the PID, so the position of the mark contains it.
        var processId = range.ProcessId;
        if (processId == -1 && range.Start >= Shared.FirstMark)
        {
            var creator = (int)(range.Start >> Shared.PidShift) & ProcessIdMask;
            processId = ProcessFacts.HasLock(creator, range.Start) ? creator : 0;
        }

        return new Holder(Math.Max(processId, 0), range.Mode, range.Start);
    }
}
