using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>
/// The C library's functions and structures, as in their manual pages. They are linked (DirectPInvoke in Run.csproj), not looked up at run
/// time. Only this directory calls them; the methods around the calls say what they mean.
/// </summary>
internal static unsafe partial class NativeMethods
{
    // fcntl.h: AT_FDCWD, and the flags of the *at calls.
    public const int CurrentDirectory = -100, SymlinkNoFollow = 0x100, EffectiveAccess = 0x200, EmptyPath = 0x1000;

    /// <summary>errno(3) of this thread's last call with SetLastError.</summary>
    public static Errno LastError => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>The error of a call that returned <paramref name="result"/>; a call that failed returns -1.</summary>
    public static Errno ErrorOf(nint result) => result == -1 ? LastError : Errno.None;

    // statx(2) instead of stat(2), because its structure is the same on every architecture and in every C library.
    [StructLayout(LayoutKind.Sequential)]
    public struct StatXTime
    {
        public long Seconds;
        public uint Fraction;
        private readonly int _reserved;

        public readonly long Nanoseconds => (Seconds * 1_000_000_000) + Fraction;
    }

    [StructLayout(LayoutKind.Sequential, Size = 256)]
    public struct StatX
    {
        public uint Mask, BlockSize;
        public ulong Attributes;
        public uint Links, Owner, Group;
        public ushort Mode;
        private readonly ushort _reserved;
        public ulong Inode, Size, Blocks, AttributesMask;
        public StatXTime Accessed, Born, Changed, Modified;
        public uint SpecialMajor, SpecialMinor, DeviceMajor, DeviceMinor;
    }

    // statfs(2) on 64-bit Linux.
    [StructLayout(LayoutKind.Sequential, Size = 120)]
    public struct StatFs
    {
        public long Type, BlockSize;
        public ulong Blocks, BlocksFree, BlocksAvailable, Files, FilesFree, Id;
        public long NameLength, FragmentSize, Flags;
    }

    // struct flock of fcntl(2) on 64-bit Linux.
    [StructLayout(LayoutKind.Sequential)]
    public struct RecordLock
    {
        public short Mode;
        public short Whence;
        public long Start;
        public long Length;
        public int ProcessId;
    }

    // poll(2).
    [StructLayout(LayoutKind.Sequential)]
    public struct Polled
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    // clock_gettime(2).
    public struct TimeSpec
    {
        public long Seconds, Nanoseconds;
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int memfd_create(byte* name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int openat(int directory, byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pread(int descriptor, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pwrite(int descriptor, byte* bytes, nuint count, long offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int statx(int directory, byte* path, int flags, uint mask, StatX* status);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int statfs(byte* path, StatFs* status);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int faccessat(int directory, byte* path, int bits, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int chmod(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchmod(int descriptor, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mkdir(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mkdirat(int directory, byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int symlinkat(byte* target, int directory, byte* path);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchmodat(int directory, byte* path, uint mode, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int rename(byte* from, byte* to);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int link(byte* from, byte* to);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unlink(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int rmdir(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int utimensat(int directory, byte* path, void* times, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int futimens(int descriptor, void* times);

    [LibraryImport("libc", SetLastError = true)]
    public static partial byte* realpath(byte* path, byte* resolved);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint readlink(byte* path, byte* target, nuint room);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint opendir(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    public static partial byte* readdir(nint directory);

    [LibraryImport("libc")]
    public static partial int closedir(nint directory);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int flock(int descriptor, int operation);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int descriptor, int command, RecordLock* range);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int descriptor, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getrlimit(int resource, nuint* limits);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint syscall(nint number, nint first, nint second, nint third, nint fourth);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(Polled* polled, nuint count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsockopt(int descriptor, int level, int option, void* value, int length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int shutdown(int descriptor, int direction);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int pipe2(int* ends, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int dup2(int source, int target);

    [LibraryImport("libc")]
    public static partial int isatty(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int tcflush(int descriptor, int queue);

    [LibraryImport("libc")]
    public static partial int ioctl(int descriptor, nuint request, void* argument);

    [LibraryImport("libc")]
    public static partial byte* getenv(byte* name);

    [LibraryImport("libc")]
    public static partial int unsetenv(byte* name);

    [LibraryImport("libc")]
    public static partial uint geteuid();

    [LibraryImport("libc")]
    public static partial int getpid();

    [LibraryImport("libc")]
    public static partial byte** getpwuid(uint user);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsid();

    [LibraryImport("libc", SetLastError = true)]
    public static partial int prctl(int option, nint first, nint second, nint third, nint fourth);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int uname(byte* names);

    [LibraryImport("libc")]
    public static partial int clock_gettime(int clock, TimeSpec* time);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int waitpid(int child, int* status, int options);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int kill(int process, int number);

    // posix_spawn(3) and its helpers return an error number and do not set errno.
    [LibraryImport("libc")]
    public static partial int posix_spawn(
        int* child, byte* file, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_adddup2(byte* actions, int descriptor, int number);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport("libc")]
    public static partial nint signal(int number, nint handler);

    [LibraryImport("libc")]
    public static partial int sigaction(int number, byte* action, byte* before);

    [LibraryImport("libc")]
    public static partial int sigemptyset(byte* signals);

    [LibraryImport("libc")]
    public static partial int sigaddset(byte* signals, int number);
}
