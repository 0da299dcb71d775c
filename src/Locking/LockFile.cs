using System.Diagnostics;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

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
    public const int NameLength = 32;

    /// <summary>Where the script finds the lock's descriptor: out of the way of those that scripts choose themselves.</summary>
    private const int LeastDescriptor = 100;

    private const long Gate = 0;
    private const long FirstMark = 1L << 62;
    private const int ProcessIdShift = 40;
    private const int ProcessIdMask = (1 << 22) - 1; // the kernel's PID_MAX_LIMIT

    private readonly string _path;
    private readonly FileStatus? _status;
    private readonly bool _inherited;
    private LockMode _mode;

    private LockFile(string path, int descriptor, FileStatus? status, bool inherited = false) =>
        (_path, Descriptor, _status, _inherited) = (path, descriptor, status, inherited);

    public int Descriptor { get; }

    /// <summary>Whether the file is still the one that others will open: it may have been removed before it was locked.</summary>
    public bool IsCurrent => IsSame(Kernel.TryStatus(_path), _status);

    /// <summary>Opens the lock's file, and makes it and its directory where they are not there, for the user alone.</summary>
    /// <exception cref="RunException">73: it cannot be made or opened. 77: it is not this user's alone.</exception>
    public static LockFile Open(LockRequest request)
    {
        var path = request.Path;
        if (!CheckDirectory(request))
        {
            XdgPaths.Make(request.Directory);
            _ = CheckDirectory(request);
        }

        if (Inherited(path, request.Mode) is { } inherited)
        {
            return inherited;
        }

        // Exclusive locks need a writable descriptor. Shared ones do not, and so a read-only home stops no plain run.
        using var first = Kernel.TryOpen(path, Kernel.ReadWrite | Kernel.Create | Kernel.NoFollow, Permissions.PrivateFile)
            ?? (request.Mode == LockMode.Shared && Kernel.LastError is Errno.ReadOnly or Errno.Access or Errno.Perm
                ? Kernel.TryOpen(path, Kernel.ReadOnly | Kernel.NoFollow)
                : null)
            ?? throw Unavailable(request.Directory, Kernel.LastError);

        var status = XdgPaths.Trusted(path, Kernel.TryStatus(first));
        if (status is { } s && (s.Mode & Permissions.Everybody) != Permissions.PrivateFile)
        {
            // Who can read it can hold it shared, and so keep this user's exclusive runs away.
            _ = Kernel.TryChangeMode(first, Permissions.PrivateFile);
        }

        var descriptor = Kernel.TryDuplicate(Kernel.Number(first), LeastDescriptor);
        return descriptor >= 0 ? new LockFile(path, descriptor, status) : throw Unavailable(request.Directory, Kernel.LastError);
    }

    /// <summary>Opens a file that stands, to see who holds it; null where there is none.</summary>
    public static LockFile? TryOpen(string path)
    {
        if (Inherited(path, LockMode.Shared) is { } inherited)
        {
            return inherited;
        }

        using var first = Kernel.TryOpen(path, Kernel.ReadOnly | Kernel.NoFollow);
        return first is not null && Kernel.TryDuplicate(Kernel.Number(first), LeastDescriptor) is >= 0 and var descriptor
            ? new LockFile(path, descriptor, null)
            : null;
    }

    /// <summary>Takes the lock; false where somebody else holds it, which a call that waits does not return.</summary>
    /// <exception cref="RunException">73: there are no locks here. 75: to wait would be to wait for ever.</exception>
    public bool TryLock(LockMode mode, bool wait)
    {
        if (_inherited && mode == LockMode.Shared && Kernel.HoldsExclusively(Descriptor, Gate, 1))
        {
            // The script has become another run of itself, through exec: it stays alone, as it was promised to be.
            _mode = LockMode.Exclusive;
            return true;
        }

        _mode = mode;
        return Kernel.TryLock(Descriptor, mode, Gate, 1, wait) switch
        {
            Errno.None => true,
            Errno.Again or Errno.Access => false,
            Errno.Deadlock => throw new RunException(
                ExitStatus.AlreadyRunning, "the lock would never be free: its holder waits for one that this process holds"),
            var error => throw Unavailable(_path[.._path.LastIndexOf('/')], error),
        };
    }

    /// <summary>Says who holds the lock from now on. To be called by the holder.</summary>
    public void Sign(LockRecord record)
    {
        // First the record, then the mark: whoever finds the mark reads the record that goes with it. Without room for it on the
        // disk the lock is as good, and only its script's name is not known.
        var bytes = record.ToBytes();
        if (!Kernel.ReadStart(Descriptor, bytes.Length).AsSpan().SequenceEqual(bytes))
        {
            _ = Kernel.TryWriteStart(Descriptor, bytes);
        }

        if (_inherited)
        {
            Kernel.Unlock(Descriptor, FirstMark, 0);
        }

        var moment = Stopwatch.GetTimestamp() & ((1L << ProcessIdShift) - 1);
        _ = Kernel.TryLock(Descriptor, _mode, FirstMark | ((long)Kernel.ProcessId << ProcessIdShift) | moment, 1, wait: false);
    }

    /// <summary>What the last holder said of itself; null where nobody ever could.</summary>
    public LockRecord? Record => LockRecord.FromBytes(Kernel.ReadStart(Descriptor, LockRecord.LargestSize));

    /// <summary>Somebody who stands in the way of a lock of that mode; null where nobody does.</summary>
    public Holder? HolderAgainst(LockMode mode) => Kernel.Conflict(Descriptor, mode, Gate, 1) is { } gate
        ? Holders().FirstOrDefault(holder => mode == LockMode.Exclusive || holder.Mode == LockMode.Exclusive) ?? ToHolder(gate)
        : null;

    /// <summary>Everybody else who holds the lock at this moment.</summary>
    public List<Holder> Holders()
    {
        var holders = new List<Holder>();
        var ranges = new Stack<(long First, long Last)>([(FirstMark, long.MaxValue)]);
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

        // One that has taken the lock this very moment has no mark yet.
        if (Kernel.Conflict(Descriptor, LockMode.Exclusive, Gate, 1) is { } gate && !holders.Exists(holder => holder.Mode == gate.Mode))
        {
            holders.Add(ToHolder(gate));
        }

        return holders;
    }

    /// <summary>Whether that process holds the lock at this moment.</summary>
    public bool IsHeldBy(Holder holder) =>
        Kernel.Conflict(Descriptor, LockMode.Exclusive, holder.Position, 1) is { } range && ToHolder(range).ProcessId == holder.ProcessId;

    /// <summary>Closes it, but for a descriptor that was handed down: it may be what a lock of this process hangs on.</summary>
    public void Close()
    {
        if (!_inherited)
        {
            Kernel.Close(Descriptor);
        }
    }

    /// <summary>Refuses a directory of locks that is not this user's alone. One that is not there is no harm.</summary>
    /// <returns>Whether it is there.</returns>
    /// <exception cref="RunException">77.</exception>
    public static bool CheckDirectory(LockRequest request)
    {
        // A link may lead to them, as long as what it leads to is this user's alone.
        _ = XdgPaths.Trusted(request.StateDirectory, Kernel.TryStatus(request.StateDirectory));
        var status = XdgPaths.Trusted(request.Directory, Kernel.TryStatus(request.Directory));
        if (status is { } s && (s.Mode & Permissions.Others) != 0)
        {
            _ = Kernel.TryChangeMode(request.Directory, Permissions.PrivateDirectory);
        }

        return status is not null;
    }

    /// <summary>Whether a file of that name in the directory of locks is one.</summary>
    public static bool IsName(string name) => name.Length == NameLength && CharChecks.AreLowerHex(name);

    /// <summary>
    /// The descriptor of this file that was handed down by a run which this process is, or is a child of. Where it is the very process,
    /// to open the file anew and close a descriptor of it would let go of the lock that it holds, and somebody else could come between.
    /// </summary>
    private static LockFile? Inherited(string path, LockMode mode)
    {
        if (!Kernel.LocksSurviveExec || !Kernel.IsOpen(LeastDescriptor) || Kernel.TryStatus(path) is not { } there)
        {
            return null;
        }

        for (var descriptor = LeastDescriptor; Kernel.IsOpen(descriptor); descriptor++)
        {
            if (Kernel.TryStatus(descriptor) is { } here && IsSame(here, there)
                && (mode == LockMode.Shared || Kernel.IsWritable(descriptor)))
            {
                return new LockFile(path, descriptor, XdgPaths.Trusted(path, here), inherited: true);
            }
        }

        return null;
    }

    private static bool IsSame(FileStatus? one, FileStatus? other) =>
        one is { } a && other is { } b && (a.Device, a.Inode) == (b.Device, b.Inode);

    private static RunException Unavailable(string directory, Errno error) =>
        new(ExitStatus.CannotWrite, $"no lock can be had in {directory}: {Kernel.Describe(error)}");

    private HeldRange? Conflict(long first, long last) =>
        Kernel.Conflict(Descriptor, LockMode.Exclusive, first, last == long.MaxValue ? 0 : last - first + 1);

    private static Holder ToHolder(HeldRange range)
    {
        // The lock of an open file description is nobody's by the kernel's account (-1), so the mark has its maker's PID.
        var processId = range.ProcessId;
        if (processId == -1 && range.Start >= FirstMark)
        {
            var maker = (int)(range.Start >> ProcessIdShift) & ProcessIdMask;
            processId = ProcessFacts.HasLock(maker, range.Start) ? maker : 0;
        }

        return new Holder(Math.Max(processId, 0), range.Mode, range.Start);
    }
}
