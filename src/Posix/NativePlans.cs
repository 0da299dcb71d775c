using System.Runtime.InteropServices;
using Run.Generated;

namespace Run.Posix;

/// <summary>The variable that gives the cache's directory.</summary>
internal enum CacheVariable
{
    None = Shared.CacheByNothing,
    RunCache = Shared.CacheByRunCache,
    XdgCacheHome = Shared.CacheByXdgCacheHome,
    Home = Shared.CacheByHome,
}

/// <summary>The native part of plans, native/plan_key.c: what the planner and the executor must agree on.</summary>
internal static unsafe partial class NativePlans
{
    /// <summary>
    /// The cache's directory as an absolute path, and the variable that gives it; <see cref="CacheVariable.None"/> and an empty path if no
    /// variable does, or if RUN_CACHE is relative.
    /// </summary>
    public static (CacheVariable By, string Path) CacheDirectory()
    {
        var path = stackalloc byte[Shared.PlanMostPathBytes];
        var by = (CacheVariable)run_cache_directory(path);
        return (by, by == CacheVariable.None ? "" : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path)));
    }

    /// <summary>
    /// A plan's key and path, as the executor will look for them; null if there can be no plan.
    /// </summary>
    /// <param name="script">SCRIPT as typed.</param>
    /// <param name="directory">The working directory; empty if SCRIPT is an absolute path.</param>
    public static (byte[] Key, string Path)? Find(string script, string directory)
    {
        Plan plan;
        fixed (byte* s = OsText.ToCString(script), d = OsText.ToCString(directory))
        {
            return run_find_plan(s, d, &plan) == 0
                ? null
                : (new ReadOnlySpan<byte>(plan.Key, (int)plan.KeyLength).ToArray(),
                    OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(plan.Path)));
        }
    }

    /// <summary>The seal of a plan: its first eight bytes must have this value.</summary>
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
    private static partial int run_cache_directory(byte* path);

    [LibraryImport("libc")]
    private static partial int run_find_plan(byte* script, byte* directory, Plan* plan);

    [LibraryImport("libc")]
    private static partial ulong run_plan_seal(byte* bytes, nuint length);
}
