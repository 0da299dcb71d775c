using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>Files and directories.</summary>
internal static unsafe partial class Kernel
{
    // fcntl.h; the same on x86-64 and arm64 but for the two that are worked out below.
    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2;
    public const int Create = 0x40, Exclusive = 0x80, NoControllingTerminal = 0x100, Truncate = 0x200, Append = 0x400, NonBlock = 0x800;
    private const int CloseOnExec = 0x80000;

    private const int CurrentDirectory = -100, SymlinkNoFollow = 0x100, EffectiveAccess = 0x200, EmptyPath = 0x1000;

    private const int LockExclusive = 2, LockNonBlock = 4;

    /// <summary>Access bits of access(2).</summary>
    public const int MayExecute = 1, MayWrite = 2, MayRead = 4;

    // arm64 has its own numbers for these two (asm/fcntl.h).
    public static int NoFollow => IsArm ? 0x8000 : 0x20000;

    public static int Directory => IsArm ? 0x4000 : 0x10000;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64;

    /// <summary>open(2), always close-on-exec; null and <see cref="LastError"/> where it fails.</summary>
    public static SafeFileHandle? TryOpen(string path, int flags, uint mode = 0)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            int descriptor;
            do
            {
                descriptor = open(p, flags | CloseOnExec, mode);
            }
            while (descriptor < 0 && LastError == Errno.Interrupted);

            return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
        }
    }

    /// <summary>Reads up to <paramref name="most"/> bytes from where the file stands; null and <see cref="LastError"/> where it fails.</summary>
    /// <param name="expected">How many there probably are: what is set aside at first.</param>
    public static byte[]? TryRead(SafeFileHandle file, int most, long? expected = null)
    {
        var bytes = new byte[(int)Math.Min(most, (expected ?? most) + 1)];
        for (var length = 0; ;)
        {
            var got = ReadSome(file, bytes.AsSpan(length));
            if (got < 0)
            {
                return null;
            }

            length += got;
            if (got == 0 || length == most)
            {
                return bytes.AsSpan(0, length).ToArray();
            }

            if (length == bytes.Length)
            {
                Array.Resize(ref bytes, (int)Math.Min(most, bytes.Length * 2L));
            }
        }
    }

    private static int ReadSome(SafeFileHandle file, Span<byte> into)
    {
        fixed (byte* start = into)
        {
            nint got;
            do
            {
                got = read(Number(file), start, (nuint)into.Length);
            }
            while (got < 0 && LastError == Errno.Interrupted);

            return (int)got;
        }
    }

    /// <summary>Reads a line from a terminal, as far as it has come; null where it cannot be read.</summary>
    public static byte[]? TryReadLine(SafeFileHandle terminal)
    {
        const int LongestLine = 4096; // N_TTY_BUF_SIZE: a terminal hands over a whole line at once, and no longer ones
        var bytes = new byte[LongestLine];
        fixed (byte* start = bytes)
        {
            var got = read(Number(terminal), start, LongestLine);
            return got < 0 ? null : bytes[..(int)got];
        }
    }

    /// <summary>Writes all of it; false, and <see cref="LastError"/>, where not all could be written.</summary>
    public static bool TryWriteAll(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                var written = write(descriptor, start + done, (nuint)(bytes.Length - done));
                if (written >= 0)
                {
                    done += written;
                }
                else if (LastError != Errno.Interrupted)
                {
                    return false;
                }
            }
        }

        return true;
    }

    public static bool TryWriteAll(SafeFileHandle file, ReadOnlySpan<byte> bytes) => TryWriteAll(Number(file), bytes);

    /// <summary>fsync(2). A file system that cannot (EINVAL, as on some FUSE mounts) has nothing to flush.</summary>
    public static bool TryFlush(SafeFileHandle file) => fsync(Number(file)) == 0 || LastError is Errno.Invalid or Errno.NotSupported;

    public static FileStatus? TryStatus(SafeFileHandle file) => Status(Number(file), "", EmptyPath);

    public static FileStatus? TryStatus(string path) => Status(CurrentDirectory, path, 0);

    /// <summary>Of a symbolic link itself, not of what it points to.</summary>
    public static FileStatus? TryLinkStatus(string path) => Status(CurrentDirectory, path, SymlinkNoFollow);

    /// <summary>Whether this process, with its effective ids, may do that with the file.</summary>
    public static bool MayAccess(string path, int bits)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return faccessat(CurrentDirectory, p, bits, EffectiveAccess) == 0;
        }
    }

    public static bool TryChangeMode(string path, uint mode)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return chmod(p, mode) == 0;
        }
    }

    public static bool TryChangeMode(SafeFileHandle file, uint mode) => fchmod(Number(file), mode) == 0;

    /// <summary>mkdir(2) with that mode, whatever the umask.</summary>
    public static bool TryMakeDirectory(string path, uint mode)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return mkdir(p, mode) == 0 && chmod(p, mode) == 0;
        }
    }

    public static bool TryRename(string from, string to)
    {
        fixed (byte* f = OsText.ToCString(from), t = OsText.ToCString(to))
        {
            return rename(f, t) == 0;
        }
    }

    /// <summary>link(2): gives the file a second name, and fails with <see cref="Errno.Exists"/> where that name is taken.</summary>
    public static bool TryLink(string from, string to)
    {
        fixed (byte* f = OsText.ToCString(from), t = OsText.ToCString(to))
        {
            return link(f, t) == 0;
        }
    }

    public static bool TryRemoveFile(string path)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return unlink(p) == 0;
        }
    }

    public static bool TryRemoveDirectory(string path)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return rmdir(p) == 0;
        }
    }

    /// <summary>Sets both times of the file to now.</summary>
    public static bool TryTouch(string path)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return utimensat(CurrentDirectory, p, null, 0) == 0;
        }
    }

    /// <summary>The path without symbolic links, <c>.</c> and <c>..</c>; null and <see cref="LastError"/> where there is none.</summary>
    public static string? TryRealPath(string path)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            var real = realpath(p, null);
            if (real is null)
            {
                return null;
            }

            var text = OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(real));
            NativeMemory.Free(real);
            return text;
        }
    }

    /// <summary>The names in a directory, in no order, without <c>.</c> and <c>..</c>; none where it cannot be read.</summary>
    public static List<string> Names(string path)
    {
        const int NameOffset = 19; // dirent(3) on 64-bit Linux: 8 of d_ino, 8 of d_off, 2 of d_reclen, 1 of d_type
        var names = new List<string>();
        fixed (byte* p = OsText.ToCString(path))
        {
            var directory = opendir(p);
            if (directory == 0)
            {
                return names;
            }

            for (var entry = readdir(directory); entry is not null; entry = readdir(directory))
            {
                var name = OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + NameOffset));
                if (name is not ("." or ".."))
                {
                    names.Add(name);
                }
            }

            _ = closedir(directory);
        }

        return names;
    }

    /// <summary>
    /// flock(2), exclusive: a lock among the processes of <c>run</c> itself, gone when the descriptor is closed.
    /// With <paramref name="wait"/> it waits for as long as it takes.
    /// </summary>
    public static bool TryLockWhole(SafeFileHandle file, bool wait)
    {
        int result;
        do
        {
            result = flock(Number(file), wait ? LockExclusive : LockExclusive | LockNonBlock);
        }
        while (result != 0 && LastError == Errno.Interrupted);

        return result == 0;
    }

    /// <summary>The descriptor as a number. The handle must outlive its use.</summary>
    public static int Number(SafeFileHandle file) => (int)file.DangerousGetHandle();

    private static FileStatus? Status(int directory, string path, int flags)
    {
        const uint BasicStats = 0x7ff;
        StatX s;
        fixed (byte* p = OsText.ToCString(path))
        {
            if (statx(directory, p, flags, BasicStats, &s) != 0)
            {
                return null;
            }
        }

        return new FileStatus(
            ((ulong)s.DeviceMajor << 32) | s.DeviceMinor, s.Inode, s.Mode, s.Owner, s.Group, (long)s.Size,
            s.Modified.Nanoseconds, s.Changed.Nanoseconds);
    }

    // statx(2), and not stat: its structure is the same on every architecture and with every C library.
    [StructLayout(LayoutKind.Sequential)]
    private struct StatXTime
    {
        public long Seconds;
        public uint Fraction;
        private readonly int _reserved;

        public readonly long Nanoseconds => (Seconds * 1_000_000_000) + Fraction;
    }

    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct StatX
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

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statx(int directory, byte* path, int flags, uint mask, StatX* status);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int faccessat(int directory, byte* path, int bits, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int chmod(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fchmod(int descriptor, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdir(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int rename(byte* from, byte* to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int link(byte* from, byte* to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlink(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int rmdir(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int utimensat(int directory, byte* path, void* times, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial byte* realpath(byte* path, byte* resolved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint opendir(byte* path);

    [LibraryImport("libc", SetLastError = true)]
    private static partial byte* readdir(nint directory);

    [LibraryImport("libc")]
    private static partial int closedir(nint directory);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int descriptor, int operation);
}
