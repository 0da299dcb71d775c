namespace Run.Posix;

/// <summary>The file system that a file is on, and the clock that it takes its times from.</summary>
/// <param name="IsLocal">Whether it is this machine's alone.</param>
/// <param name="Executes">Whether it is mounted without noexec.</param>
internal readonly record struct FileSystem(bool IsLocal, bool Executes)
{
    private const int CoarseClock = 5; // CLOCK_REALTIME_COARSE
    private const long MountedNoExec = 8; // ST_NOEXEC of statvfs(3)

    // statfs(2), f_type: what others can change without this kernel, a network file system may show as it was for a while, and with the times
    // of another machine's clock.
    private static readonly long[] s_localTypes =
    [
        0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1, 0xca451a4e, 0x858458f6, 0x73717368, 0xe0f5e1e2,
    ];

    /// <summary>Nanoseconds since 1970 by the clock that file systems take their times from, which runs ahead tick by tick.</summary>
    public static unsafe long Clock
    {
        get
        {
            NativeMethods.TimeSpec now;
            return NativeMethods.clock_gettime(CoarseClock, &now) == 0 ? (now.Seconds * 1_000_000_000) + now.Nanoseconds : 0;
        }
    }

    /// <summary>statfs(2); the default, which promises nothing, if it fails.</summary>
    public static unsafe FileSystem Of(string path)
    {
        NativeMethods.StatFs status;
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.statfs(p, &status) != 0 ? default : new(s_localTypes.Contains(status.Type), (status.Flags & MountedNoExec) == 0);
        }
    }
}
