using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>What plans need: their native half (native/plan_key.c), and what there is to know of clocks and file systems.</summary>
internal static unsafe partial class Kernel
{
    /// <summary>How large a plan may be.</summary>
    public const int MostPlanBytes = 8192;

    private const int MostPathBytes = 4096 + 16;
    private const int CoarseClock = 5;
    private const int LimitOfFileSize = 1;

    /// <summary>ST_NOEXEC of statvfs(3).</summary>
    private const long MountedNoExec = 8;

    // File systems of this machine alone (statfs(2)): what others can change without this kernel, it may show as it was for a while,
    // and with the times of another machine's clock.
    private static readonly long[] s_localFileSystems =
    [
        0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e, 0x858458f6, 0x73717368, 0xe0f5e1e2,
    ];

    /// <summary>Nanoseconds since 1970 by the clock that file systems take their times from. It runs ahead tick by tick.</summary>
    public static long FileClock
    {
        get
        {
            TimeSpec now;
            return clock_gettime(CoarseClock, &now) == 0 ? (now.Seconds * 1_000_000_000) + now.Nanoseconds : 0;
        }
    }

    /// <summary>Whether this process may write files as large as that. Where it may not, write(2) would end it with a signal.</summary>
    public static bool MayWriteFilesOf(int bytes)
    {
        nuint* limits = stackalloc nuint[2];
        return getrlimit(LimitOfFileSize, limits) == 0 && limits[0] >= (nuint)bytes;
    }

    /// <summary>Whether the file is on a file system of this machine alone, and what that allows to execute.</summary>
    public static (bool IsLocal, bool Executes) FileSystemOf(string path)
    {
        StatFs status;
        fixed (byte* p = OsText.ToCString(path))
        {
            return statfs(p, &status) != 0 ? default : (s_localFileSystems.Contains(status.Type), (status.Flags & MountedNoExec) == 0);
        }
    }

    /// <summary>
    /// For what a plan is and where it is to be, as the executor will look for it; null where there can be none.
    /// </summary>
    /// <param name="script">SCRIPT as it was typed.</param>
    /// <param name="place">From where it was called, as far as that matters.</param>
    public static (byte[] Key, string Path)? PlanFor(string script, string place)
    {
        NativePlan plan;
        fixed (byte* s = OsText.ToCString(script), p = OsText.ToCString(place))
        {
            return run_find_plan(s, p, &plan) == 0
                ? null
                : (new ReadOnlySpan<byte>(plan.Key, (int)plan.KeyLength).ToArray(),
                    OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(plan.Path)));
        }
    }

    /// <summary>What the first eight bytes of a plan have to be.</summary>
    public static ulong PlanSeal(ReadOnlySpan<byte> plan)
    {
        fixed (byte* bytes = plan)
        {
            return run_plan_seal(bytes, (nuint)plan.Length);
        }
    }

    private struct TimeSpec
    {
        public long Seconds, Nanoseconds;
    }

    // statfs(2) on 64-bit Linux.
    [StructLayout(LayoutKind.Sequential, Size = 120)]
    private struct StatFs
    {
        public long Type, BlockSize;
        public ulong Blocks, BlocksFree, BlocksAvailable, Files, FilesFree, Id;
        public long NameLength, FragmentSize, Flags;
    }

    // struct run_plan of native/plan.h.
    private struct NativePlan
    {
        public nuint KeyLength, CacheLength;
        public fixed byte Key[MostPlanBytes];
        public fixed byte Path[MostPathBytes];
    }

    [LibraryImport("libc")]
    private static partial int clock_gettime(int clock, TimeSpec* time);

    [LibraryImport("libc")]
    private static partial int statfs(byte* path, StatFs* status);

    [LibraryImport("libc")]
    private static partial int run_find_plan(byte* script, byte* place, NativePlan* plan);

    [LibraryImport("libc")]
    private static partial ulong run_plan_seal(byte* bytes, nuint length);
}
