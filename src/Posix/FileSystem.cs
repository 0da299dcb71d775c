namespace Run.Posix;

/// <summary>The file system that a file is on, and the clock that file times come from.</summary>
/// <param name="IsLocal">Whether only this machine can change it.</param>
/// <param name="Executes">Whether it is mounted without noexec.</param>
internal readonly record struct FileSystem(bool IsLocal, bool Executes)
{
    private const int CoarseClock = 5; // CLOCK_REALTIME_COARSE
    private const long MountedNoExec = 8; // ST_NOEXEC of statvfs(3)

    // f_type of statfs(2) for local file systems. A network file system can be changed by other machines, may show an old state for a
    // while, and may have times from another machine's clock.
    private static readonly long[] s_localTypes =
    [
        0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e, 0x858458f6, 0x73717368, 0xe0f5e1e2,
    ];

    /// <summary>clock_gettime(2): the coarse clock that file times come from, in nanoseconds since 1970; 0 if it fails.</summary>
    public static unsafe long Clock
    {
        get
        {
            NativeMethods.TimeSpec now;
            return NativeMethods.clock_gettime(CoarseClock, &now) == 0 ? (now.Seconds * 1_000_000_000) + now.Nanoseconds : 0;
        }
    }

    /// <summary>statfs(2); if it fails, the default: neither local nor executable.</summary>
    public static unsafe FileSystem Of(string path)
    {
        NativeMethods.StatFs status;
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.statfs(p, &status) != 0
                ? default
                : new(s_localTypes.Contains(status.Type), (status.Flags & MountedNoExec) == 0);
        }
    }
}
