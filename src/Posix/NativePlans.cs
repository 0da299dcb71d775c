using System.Runtime.InteropServices;
using Run.Generated;

namespace Run.Posix;

/// <summary>Which variable says where the cache is.</summary>
internal enum CacheVariable
{
    None = Shared.CacheByNothing,
    RunCache = Shared.CacheByRunCache,
    XdgCacheHome = Shared.CacheByXdgCacheHome,
    Home = Shared.CacheByHome,
}

/// <summary>The native half of plans, native/plan_key.c: what the planner and the executor have to agree on.</summary>
internal static unsafe partial class NativePlans
{
    /// <summary>
    /// The cache's directory, if a variable says it plainly, and which one does. Its path is absolute.
    /// </summary>
    public static (CacheVariable By, string Path) CacheDirectory()
    {
        var path = stackalloc byte[Shared.PlanMostPathBytes];
        var by = (CacheVariable)run_cache_directory(Processes.run_environ(), path);
        return (by, by == CacheVariable.None ? "" : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path)));
    }

    /// <summary>
    /// What a plan is for and where it is to be, as the executor will look for it; null if there can be none.
    /// </summary>
    /// <param name="words">The command line up to SCRIPT, as it was typed, without the program's own name.</param>
    /// <param name="directory">From where it was called; empty for an absolute path.</param>
    public static (byte[] Key, string Path)? Find(IReadOnlyList<string> words, string directory)
    {
        Plan plan;
        using var vector = new ArgumentVector(words);
        fixed (byte* d = OsText.ToCString(directory))
        {
            return run_find_plan(vector.Pointer, (nuint)words.Count, d, Processes.run_environ(), &plan) == 0
                ? null
                : (new ReadOnlySpan<byte>(plan.Key, (int)plan.KeyLength).ToArray(),
                    OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(plan.Path)));
        }
    }

    /// <summary>What the first eight bytes of a plan have to be.</summary>
    public static ulong Seal(ReadOnlySpan<byte> plan)
    {
        fixed (byte* bytes = plan)
        {
            return run_plan_seal(bytes, (nuint)plan.Length);
        }
    }

    // struct run_plan of native/plan_key.h.
    private struct Plan
    {
        public nuint KeyLength, CacheLength;
        public fixed byte Key[Shared.PlanMostBytes];
        public fixed byte Path[Shared.PlanMostPathBytes];
    }

    [LibraryImport("libc")]
    private static partial int run_cache_directory(byte** environment, byte* path);

    [LibraryImport("libc")]
    private static partial int run_find_plan(byte** words, nuint count, byte* directory, byte** environment, Plan* plan);

    [LibraryImport("libc")]
    private static partial ulong run_plan_seal(byte* bytes, nuint length);
}
