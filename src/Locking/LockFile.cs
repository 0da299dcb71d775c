using System.Diagnostics;
using Run.Generated;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Locking;

/// <summary>
/// The file of one lock, open. The lock is its first byte. Far behind the end each holder also locks a byte of its own, its mark:
/// F_GETLK tells of one conflicting lock only, so marks are what makes it tell them all, without /proc and in any PID namespace.
/// What the file says is who uses it: see <see cref="LockRecord"/>. It is never removed, as somebody may be about to lock it.
/// </summary>
/// <remarks>
/// Closing any descriptor of a file drops all record locks that the process holds on it. So the descriptor is moved to its
/// last place before anything is locked, and nothing else in this program opens the file that it is about to run under.
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

    /// <summary>Whether the file is still the one that others will open: it may have been removed before it was locked.</summary>
    public bool IsCurrent => _status is not null && Files.Status(_path).Value is { } there && there.IsSameFile(_status);

    /// <summary>What the last holder said of itself; null if nobody ever could.</summary>
    public LockRecord? Record => LockRecord.FromBytes(Descriptors.ReadStart(Descriptor, LockRecord.LargestSize).Value);

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

        // Exclusive locks need a writable descriptor. Shared ones do not, and so a read-only home stops no plain run.
        var opened = Files.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow, Permissions.PrivateFile);
        if (request.Mode == LockMode.Shared && opened.Error is Errno.ReadOnly or Errno.Access or Errno.Perm)
        {
            opened = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow);
        }

        using var first = opened.OrThrow(error => Unavailable(request.Directory, error));
        var status = TrustedPath.Check(path, Files.Status(first));
        if (status is not null && (status.Mode & Permissions.Everybody) != Permissions.PrivateFile)
        {
            // Who can read it can hold it shared, and so keep this user's exclusive runs away.
            _ = Files.ChangeMode(first, Permissions.PrivateFile);
        }

        var descriptor = Descriptors.Duplicate(Descriptors.Number(first), Shared.LeastDescriptor);
        return new LockFile(path, descriptor.OrThrow(error => Unavailable(request.Directory, error)), status);
    }

    /// <summary>The lock files that there are, by their paths.</summary>
    /// <exception cref="RunException">73: the directory cannot be read.</exception>
    public static IEnumerable<string> All(string stateDirectory)
    {
        var directory = LockRequest.DirectoryIn(stateDirectory);
        var names = Files.Names(directory).OrAbsent(error => Unreadable(directory, error)) ?? [];
        return names.Where(static name => name.Length == NameLength && CharChecks.AreLowerHex(name)).Select(name => $"{directory}/{name}");
    }

    /// <summary>Opens a file that exists, to see who holds it; null if it is gone.</summary>
    /// <exception cref="RunException">73: it cannot be opened.</exception>
    public static LockFile? Find(string path)
    {
        if (Inherited(path, LockMode.Shared) is { } inherited)
        {
            return inherited;
        }

        using var first = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow).OrAbsent(error => Unreadable(path, error));
        return first is null
            ? null
            : new LockFile(
                path, Descriptors.Duplicate(Descriptors.Number(first), Shared.LeastDescriptor).OrThrow(error => Unreadable(path, error)), null);
    }

    /// <summary>Takes the lock; false if somebody else holds it, which a call that waits does not return.</summary>
    /// <exception cref="RunException">73: there are no locks here. 75: to wait would be to wait for ever.</exception>
    public bool TryLock(LockMode mode, bool wait)
    {
        if (_inherited && mode == LockMode.Shared && RecordLocks.HoldsExclusively(Descriptor, Shared.LockByte, 1))
        {
            // The script has become another run of itself, through exec: it stays alone, as it was promised to be.
            _mode = LockMode.Exclusive;
            return true;
        }

        _mode = mode;
        return RecordLocks.Lock(Descriptor, mode, Shared.LockByte, 1, wait) switch
        {
            Errno.None => true,
            Errno.Again or Errno.Access => false,
            Errno.Deadlock => throw new RunException(
                ExitStatus.AlreadyRunning, "the lock would never be free: its holder waits for one that this process holds"),
            var error => throw Unavailable(TrustedPath.Parent(_path), error),
        };
    }

    /// <summary>Says who holds the lock from now on. To be called by the holder.</summary>
    public void RecordHolder(LockRecord record)
    {
        // First the record, then the mark: whoever finds the mark reads the record that goes with it. Without room for it on the
        // disk the lock is as good, and only its script's name is not known.
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

    /// <summary>Everybody else who holds the lock at this moment.</summary>
    /// <exception cref="RunException">73: the kernel does not tell.</exception>
    public List<Holder> Holders()
    {
        var holders = Marks(Shared.FirstMark, long.MaxValue);

        // One that has taken the lock this very moment has no mark yet.
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

    /// <summary>Closes it, but for a descriptor that was handed down: it may be what a lock of this process hangs on.</summary>
    public void Close()
    {
        if (!_inherited)
        {
            Descriptors.Close(Descriptor);
        }
    }

    /// <summary>Refuses a directory of locks that is not this user's alone. One that is not there is no harm.</summary>
    /// <returns>Whether it is there.</returns>
    /// <exception cref="RunException">77.</exception>
    public static bool CheckDirectory(LockRequest request)
    {
        // A link may lead to them, as long as what it leads to is this user's alone.
        _ = TrustedPath.CheckTarget(request.StateDirectory);
        var status = TrustedPath.CheckTarget(request.Directory);
        if (status is not null && (status.Mode & Permissions.Others) != 0)
        {
            _ = Files.ChangeMode(request.Directory, Permissions.PrivateDirectory);
        }

        return status is not null;
    }

    /// <summary>
    /// The descriptor of this file that was handed down by a run which this process is, or is a child of. If it is the very process,
    /// to open the file anew and close a descriptor of it would let go of the lock that it holds, and somebody else could come between.
    /// </summary>
    private static LockFile? Inherited(string path, LockMode mode)
    {
        if (!RecordLocks.SurviveExec || !Descriptors.IsOpen(Shared.LeastDescriptor) || Files.Status(path).Value is not { } there)
        {
            return null;
        }

        for (var descriptor = Shared.LeastDescriptor; Descriptors.IsOpen(descriptor); descriptor++)
        {
            if (Descriptors.Status(descriptor).Value is { } here && here.IsSameFile(there)
                && (mode == LockMode.Shared || Descriptors.IsWritable(descriptor)))
            {
                return new LockFile(path, descriptor, TrustedPath.Check(path, here), inherited: true);
            }
        }

        return null;
    }

    private static RunException Unavailable(string directory, Errno error) =>
        new(ExitStatus.CannotWrite, $"no lock can be had in {directory}: {error.Describe()}");

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
        // The lock of an open file description is nobody's by the kernel's account (-1), so the mark has its maker's PID.
        var processId = range.ProcessId;
        if (processId == -1 && range.Start >= Shared.FirstNamedMark)
        {
            var maker = (int)(range.Start >> Shared.PidShift) & ProcessIdMask;
            processId = ProcessFacts.HasLock(maker, range.Start) ? maker : 0;
        }

        return new Holder(Math.Max(processId, 0), range.Mode, range.Start);
    }
}
