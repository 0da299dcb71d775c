using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
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
/// number before anything is locked, and this class never opens a file a second time while the process may hold a lock on it: it keeps a
/// list of the files that it has opened, and finds those that the process has inherited.
/// </remarks>
internal sealed class LockFile
{
    /// <summary>The length of a lock file's name in hexadecimal digits: half a SHA-256, which is enough against collisions.</summary>
    public const int NameLength = Shared.LockNameLength;

    // Without O_NONBLOCK, open(2) would wait for the other end of a FIFO in a lock file's place.
    private static int OpenSafely => OpenFlags.NoFollow | OpenFlags.NonBlock | OpenFlags.NoControllingTerminal;

    private const int ProcessIdMask = (1 << 22) - 1; // the kernel's PID_MAX_LIMIT

    // The files that this process may hold a lock on.
    private static readonly List<LockFile> s_own = [];

    private readonly string _path;
    private readonly FileStatus _status;
    private readonly bool _inherited;
    private LockMode _mode;

    private LockFile(string path, int descriptor, FileStatus status, bool inherited = false) =>
        (_path, Descriptor, _status, _inherited) = (path, descriptor, status, inherited);

    public int Descriptor { get; }

    /// <summary>Whether its path still leads to this file, which may have been removed before it was locked.</summary>
    public bool IsCurrent => Files.Status(_path).Value is { } current && current.IsSameFile(_status);

    /// <summary>The record of the last holder; null if there is none.</summary>
    /// <exception cref="RunException">73: it cannot be read.</exception>
    public LockRecord? Record =>
        LockRecord.FromBytes(Descriptors.ReadStart(Descriptor, LockRecord.MaxBytes).OrThrow(error => Unreadable(_path, error)));

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

        var (first, status) = request.Mode == LockMode.Exclusive
            ? OpenWritable(path, request)
            : OpenReadOnly(path, request);
        using (first)
        {
            var descriptor = Descriptors.Duplicate(Descriptors.Number(first), Shared.LeastDescriptor);
            var file = new LockFile(path, descriptor.OrThrow(error => Unavailable(request.Directory, error)), status);
            s_own.Add(file);
            return file;
        }
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

    /// <summary>
    /// Opens an existing lock file, to see who holds it; null if it does not exist, or is no regular file: then nobody holds a lock on it.
    /// </summary>
    /// <exception cref="RunException">73: it cannot be opened.</exception>
    public static LockFile? Find(string path)
    {
        if ((s_own.Find(own => own._path == path) ?? Inherited(path, LockMode.Shared)) is { } known)
        {
            return known;
        }

        var first = Files.Open(path, OpenFlags.ReadOnly | OpenSafely).OrAbsent(error => Unreadable(path, error));
        if (first is null)
        {
            return null;
        }

        // Two paths may lead to one file. If this is the file of a lock that this process holds, or if that cannot be told, it stays open.
        var found = Files.Status(first);
        if (found.Value is { IsRegular: false })
        {
            first.Dispose();
            return null;
        }

        var same = s_own.Find(own => found.Value is null || own._status.IsSameFile(found.Value));
        if (same is not null)
        {
            first.SetHandleAsInvalid();
            return found.Succeeded ? same : throw Unreadable(path, found.Error);
        }

        using (first)
        {
            var descriptor = Descriptors.Duplicate(Descriptors.Number(first), Shared.LeastDescriptor);
            return new LockFile(
                path, descriptor.OrThrow(error => Unreadable(path, error)), found.OrThrow(error => Unreadable(path, error)));
        }
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
        // still works; only the script's name is not known. For a shared lock it was written when the file was opened.
        var bytes = record.ToBytes();
        if (_mode == LockMode.Exclusive && !HasRecord(Descriptor, bytes))
        {
            _ = Descriptors.WriteStart(Descriptor, bytes);
        }

        Mark(Shared.FirstMark, long.MaxValue);
    }

    /// <summary>Sets a mark in the file of the script's own lock: this process runs the script under another lock.</summary>
    public void MarkNamed(LockMode mode)
    {
        _mode = mode;
        Mark(Shared.FirstNamedMark, Shared.FirstMark - 1);
    }

    /// <summary>
    /// How many times in a row this process has taken the lock before, each time soon after the last one and with the same words: 0 if it
    /// has never held it. Call it before the mark is set.
    /// </summary>
    /// <param name="words">Some bits that tell the words apart.</param>
    public int Rounds(byte words)
    {
        const long First = 1L << 60, MostSoon = 500;
        const int ProcessShift = 38, CountShift = 32, WordsShift = 24, MostCount = (1 << (ProcessShift - CountShift)) - 1;
        if (!_inherited || !(HasOwn(Shared.FirstMark, Shared.PidShift) || HasOwn(Shared.FirstNamedMark, Shared.PidShift)))
        {
            return 0;
        }

        // As the marks, a lock whose place tells: only a process keeps it, and only as long as it lives.
        var place = First | ((long)Processes.Id << ProcessShift);
        var last = RecordLocks.Own(Descriptor, place, 1L << ProcessShift);
        var now = Environment.TickCount64 & ((1 << WordsShift) - 1);
        var count = last is { } at && (byte)(at >> WordsShift) == words && ((now - at) & ((1 << WordsShift) - 1)) <= MostSoon
            ? Math.Min((int)(at >> CountShift & MostCount) + 1, MostCount)
            : 1;
        if (last is { } old)
        {
            _ = RecordLocks.Unlock(Descriptor, old, 1);
        }

        _ = RecordLocks.Lock(
            Descriptor, LockMode.Shared, place | ((long)count << CountShift) | ((long)words << WordsShift) | now, 1, wait: false);
        return count;
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

                using var first = Files.Open(path, OpenFlags.ReadWrite | OpenSafely).OrAbsent(error => Unreadable(path, error));
                if (first is null)
                {
                    continue;
                }

                var descriptor = Descriptors.Duplicate(Descriptors.Number(first), Shared.LeastDescriptor);
                var status = Files.Status(first).OrThrow(error => Unreadable(path, error));
                var file = new LockFile(path, descriptor.OrThrow(error => Unreadable(path, error)), status);
                files.Add(file);
                first.Dispose();
                if (!status.IsRegular
                    || RecordLocks.Lock(file.Descriptor, LockMode.Exclusive, Shared.LockByte, 1, wait: false) != Errno.None
                    || !file.IsCurrent)
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
        var holders = Marks(Shared.FirstMark, long.MaxValue);

        // A process that has just taken the lock has no mark yet.
        if (Conflict(Shared.LockByte, Shared.LockByte) is { } held && !holders.Exists(holder => holder.Mode == held.Mode))
        {
            holders.Add(ToHolder(held));
        }

        return holders;
    }

    /// <summary>
    /// All other processes that run the script whose own lock this is: the holders, and those that hold another lock for it.
    /// </summary>
    /// <exception cref="RunException">73: F_GETLK failed.</exception>
    public List<Holder> Runners() => [.. Holders(), .. Marks(Shared.FirstNamedMark, Shared.FirstMark - 1)];

    /// <summary>Whether that process holds the lock now.</summary>
    /// <exception cref="RunException">73: F_GETLK failed.</exception>
    public bool IsHeldBy(Holder holder) =>
        Conflict(holder.Position, holder.Position) is { } range && ToHolder(range).ProcessId == holder.ProcessId;

    /// <summary>
    /// Whether /proc shows that this process has the file open and itself holds the lock: it is not only named by a lock that a process
    /// with the same descriptors (clone(2), CLONE_FILES) has kept. Null if there is no /proc, or not that of this PID namespace.
    /// </summary>
    public bool? IsSeenAt(Holder holder) => ProcessFacts.Holds(holder.ProcessId, _status, holder.Position);

    /// <summary>Closes the descriptor, unless this process may hold a lock through it.</summary>
    public void Close()
    {
        if (!_inherited && !s_own.Contains(this))
        {
            Descriptors.Close(Descriptor);
        }
    }

    /// <summary>Closes the descriptor, and so releases what is locked.</summary>
    public void Release()
    {
        _ = s_own.Remove(this);
        Close();
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
        if (!RecordLocks.SurviveExec)
        {
            return null;
        }

        // They follow one another, unless the limit was too low for that when they were opened.
        var limit = ResourceLimits.Descriptors;
        var isLow = !limit.Succeeded || limit.Value <= Shared.LeastDescriptor;
        var (first, last) = isLow ? (Descriptors.Error + 1, Shared.LeastDescriptor - 1) : (Shared.LeastDescriptor, int.MaxValue);
        FileStatus? expected = null;
        for (var descriptor = first; descriptor <= last; descriptor++)
        {
            if (!Descriptors.IsOpen(descriptor))
            {
                if (isLow)
                {
                    continue;
                }

                break;
            }

            expected ??= Files.Status(path).OrAbsent(error => Unreadable(path, error));
            if (expected is null)
            {
                break;
            }

            var found = Descriptors.Status(descriptor).OrThrow(error => Unreadable(path, error));
            if (found.IsSameFile(expected) && (mode == LockMode.Shared || Descriptors.IsWritable(descriptor)))
            {
                return new LockFile(path, descriptor, TrustedPath.Check(path, found) ?? found, inherited: true);
            }
        }

        return null;
    }

    /// <summary>
    /// Opens the file for an exclusive lock, which needs a writable descriptor. A missing one is created, for the user only.
    /// </summary>
    private static (SafeFileHandle File, FileStatus Status) OpenWritable(string path, LockRequest request)
    {
        const int Flags = OpenFlags.ReadWrite | OpenFlags.Create;
        return Checked(path, Files.Open(path, Flags | OpenSafely, Permissions.PrivateFile), request);
    }

    /// <summary>
    /// Opens the file for a shared lock, read-only: the script's children inherit the descriptor, and must be able neither to write to the
    /// file nor to lock it exclusively. So the record is written before. Another process may hold the lock meanwhile, but for the same
    /// script.
    /// </summary>
    private static (SafeFileHandle File, FileStatus Status) OpenReadOnly(string path, LockRequest request)
    {
        var opened = Files.Open(path, OpenFlags.ReadOnly | OpenSafely);
        if (opened.Error != Errno.NoEntry)
        {
            var found = Checked(path, opened, request);
            if (HasRecord(Descriptors.Number(found.File), request.Record.ToBytes()))
            {
                return found;
            }

            found.File.Dispose();
        }

        try
        {
            var (file, _) = OpenWritable(path, request);
            using (file)
            {
                _ = Descriptors.WriteStart(Descriptors.Number(file), request.Record.ToBytes());
            }
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite && opened.Succeeded)
        {
            // The home directory is read-only. Without the record, only the script's name is not known.
        }

        return Checked(path, Files.Open(path, OpenFlags.ReadOnly | OpenSafely), request);
    }

    /// <summary>What was opened, if it is this user's alone.</summary>
    private static (SafeFileHandle File, FileStatus Status) Checked(string path, Result<SafeFileHandle> opened, LockRequest request)
    {
        var file = opened.OrThrow(error => Unavailable(request.Directory, error));
        var found = Files.Status(file);
        var status = TrustedPath.Check(path, found) ?? throw Unavailable(request.Directory, found.Error);
        if (!status.IsRegular)
        {
            file.Dispose();
            throw new RunException(ExitStatus.CannotWrite, $"cannot take a lock: {path} is not a regular file", $"rm {path}");
        }

        if ((status.Mode & Permissions.Everybody) != Permissions.PrivateFile)
        {
            // A user who can read it could hold it shared, and so block this user's exclusive runs.
            _ = Files.ChangeMode(file, Permissions.PrivateFile);
        }

        return (file, status);
    }

    private static bool HasRecord(int descriptor, byte[] bytes) =>
        Descriptors.ReadStart(descriptor, bytes.Length).Value.AsSpan().SequenceEqual(bytes);

    private static RunException Unavailable(string directory, Errno error) =>
        new(ExitStatus.CannotWrite, $"cannot take a lock in {directory}: {error.Describe()}");

    private static RunException Unreadable(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be read: {error.Describe()}");

    /// <summary>Sets this process's mark in a range, and removes the one that it has inherited there.</summary>
    /// <param name="last">The last byte, inclusive.</param>
    private void Mark(long first, long last)
    {
        if (_inherited)
        {
            _ = RecordLocks.Unlock(Descriptor, first, Length(first, last));
        }

        var moment = Stopwatch.GetTimestamp() & ((1L << Shared.PidShift) - 1);
        _ = RecordLocks.Lock(Descriptor, _mode, first | ((long)Processes.Id << Shared.PidShift) | moment, 1, wait: false);

        // The file's mtime is the time of the last use, known to a day, so that most runs write nothing.
        const long Day = Shared.DaySeconds * 1_000_000_000L;
        if (FileSystem.Clock - _status.Modified > Day)
        {
            _ = Descriptors.Touch(Descriptor);
        }
    }

    private bool HasOwn(long first, int shift) =>
        RecordLocks.Own(Descriptor, first | ((long)Processes.Id << shift), 1L << shift) is not null;

    /// <summary>The other processes that have a mark in a range.</summary>
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

    /// <summary>As fcntl(2) counts it: 0 means up to the largest offset.</summary>
    private static long Length(long first, long last) => last == long.MaxValue ? 0 : last - first + 1;

    /// <param name="last">The last byte, inclusive.</param>
    private HeldRange? Conflict(long first, long last)
    {
        var found = RecordLocks.Conflict(Descriptor, LockMode.Exclusive, first, Length(first, last));
        return found.Error == Errno.None ? found.Value : throw Unavailable(TrustedPath.Parent(_path), found.Error);
    }

    private static Holder ToHolder(HeldRange range)
    {
        // For an OFD lock the kernel reports -1 as the PID, so the position of the mark contains it. Where run does not use such locks, a
        // child of a script has set it, and could name any PID.
        var processId = range.ProcessId;
        if (processId == -1 && range.Start >= Shared.FirstNamedMark && !RecordLocks.SurviveExec)
        {
            var creator = (int)(range.Start >> Shared.PidShift) & ProcessIdMask;
            processId = ProcessFacts.Holds(creator, null, range.Start) == true ? creator : 0;
        }

        return new Holder(Math.Max(processId, 0), range.Mode, range.Start);
    }
}
