using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>Flags of open(2); the same on x86-64 and arm64, except for the two properties below.</summary>
internal static class OpenFlags
{
    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2;
    public const int Create = 0x40, Exclusive = 0x80, NoControllingTerminal = 0x100, Truncate = 0x200, Append = 0x400, NonBlock = 0x800;
    public const int CloseOnExec = 0x80000;

    // arm64 has numbers of its own for these two (asm/fcntl.h).
    public static int NoFollow => IsArm ? 0x8000 : 0x20000;

    public static int Directory => IsArm ? 0x4000 : 0x10000;

    private static bool IsArm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64;
}

/// <summary>Permission bits of access(2).</summary>
internal static class AccessBits
{
    public const int Execute = 1, Write = 2, Read = 4;
}

/// <summary>Files and directories, by path and by handle. Paths are in the encoding of <see cref="OsText"/>.</summary>
internal static unsafe class Files
{
    private const int LockExclusive = 2, LockNonBlock = 4; // flock(2)

    /// <summary>open(2), always close-on-exec.</summary>
    /// <param name="mode">The permissions of a file that is created; the umask applies.</param>
    public static Result<SafeFileHandle> Open(string path, int flags, uint mode = 0)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            while (true)
            {
                var descriptor = NativeMethods.open(p, flags | OpenFlags.CloseOnExec, mode);
                if (descriptor >= 0)
                {
                    return new SafeFileHandle(descriptor, ownsHandle: true);
                }

                if (NativeMethods.LastError != Errno.Interrupted)
                {
                    return NativeMethods.LastError;
                }
            }
        }
    }

    /// <summary>
    /// memfd_create(2): a file in memory that has no name in any directory, so nobody can exchange it. A program that inherits it opens it
    /// by <see cref="DescriptorPath"/>.
    /// </summary>
    public static Result<SafeFileHandle> InMemory(ReadOnlySpan<byte> bytes)
    {
        const uint CloseOnExec = 1; // MFD_CLOEXEC
        fixed (byte* name = OsText.ToCString("run"))
        {
            var descriptor = NativeMethods.memfd_create(name, CloseOnExec);
            if (descriptor < 0)
            {
                return NativeMethods.LastError;
            }

            var file = new SafeFileHandle(descriptor, ownsHandle: true);
            if (Write(file, bytes) is var error && error != Errno.None)
            {
                file.Dispose();
                return error;
            }

            return file;
        }
    }

    /// <summary>Where an open file can be opened once more, from its start: proc_pid_fd(5).</summary>
    public static string DescriptorPath(SafeFileHandle file) => $"/proc/self/fd/{Descriptors.Number(file)}";

    /// <summary>read(2) from the current offset, up to <paramref name="maxBytes"/> bytes or the end of the file.</summary>
    /// <param name="expected">The expected number of bytes: the initial size of the buffer.</param>
    public static Result<byte[]> Read(SafeFileHandle file, int maxBytes, long? expected = null)
    {
        var bytes = new byte[(int)Math.Min(maxBytes, (expected ?? maxBytes) + 1)];
        for (var length = 0; ;)
        {
            var read = ReadSome(file, bytes.AsSpan(length));
            if (!read.Succeeded)
            {
                return read.Error;
            }

            length += read.Value;
            if (read.Value == 0 || length == maxBytes)
            {
                return length == bytes.Length ? bytes : bytes.AsSpan(0, length).ToArray();
            }

            if (length == bytes.Length)
            {
                Array.Resize(ref bytes, (int)Math.Min(maxBytes, bytes.Length * 2L));
            }
        }
    }

    /// <summary>One read(2): the number of bytes read; 0 at the end of the file.</summary>
    public static Result<int> ReadSome(SafeFileHandle file, Span<byte> into)
    {
        fixed (byte* start = into)
        {
            while (true)
            {
                var length = NativeMethods.read(Descriptors.Number(file), start, (nuint)into.Length);
                if (length >= 0)
                {
                    return (int)length;
                }

                if (NativeMethods.LastError != Errno.Interrupted)
                {
                    return NativeMethods.LastError;
                }
            }
        }
    }

    /// <summary>pread(2): the number of bytes read from that offset; 0 at the end of the file.</summary>
    public static Result<int> ReadAt(SafeFileHandle file, Span<byte> into, long offset)
    {
        fixed (byte* start = into)
        {
            while (true)
            {
                var length = NativeMethods.pread(Descriptors.Number(file), start, (nuint)into.Length, offset);
                if (length >= 0)
                {
                    return (int)length;
                }

                if (NativeMethods.LastError != Errno.Interrupted)
                {
                    return NativeMethods.LastError;
                }
            }
        }
    }

    /// <summary>write(2), repeated until all bytes are written.</summary>
    public static Errno Write(SafeFileHandle file, ReadOnlySpan<byte> bytes) => Descriptors.Write(Descriptors.Number(file), bytes);

    /// <summary>fsync(2). A file system that does not support it (EINVAL, as on some FUSE mounts) has nothing to flush.</summary>
    public static Errno Flush(SafeFileHandle file)
    {
        var error = NativeMethods.ErrorOf(NativeMethods.fsync(Descriptors.Number(file)));
        return error is Errno.Invalid or Errno.NotSupported ? Errno.None : error;
    }

    public static Result<FileStatus> Status(SafeFileHandle file) => Status(Descriptors.Number(file), "", NativeMethods.EmptyPath);

    /// <summary>
    /// Whether the path, which must not be a symbolic link, still leads to the open file: it may have been moved or removed.
    /// </summary>
    public static bool IsAt(SafeFileHandle file, string path) =>
        Status(file).Value is { } mine && LinkStatus(path).Value is { } there && mine.IsSameFile(there);

    /// <summary>statx(2); follows a symbolic link.</summary>
    public static Result<FileStatus> Status(string path) => Status(NativeMethods.CurrentDirectory, path, 0);

    /// <summary>statx(2); the status of a symbolic link itself.</summary>
    public static Result<FileStatus> LinkStatus(string path) => Status(NativeMethods.CurrentDirectory, path, NativeMethods.SymlinkNoFollow);

    /// <summary>faccessat(2): checks these <see cref="AccessBits"/> with the effective user and group ids.</summary>
    public static Errno Access(string path, int bits)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.ErrorOf(NativeMethods.faccessat(NativeMethods.CurrentDirectory, p, bits, NativeMethods.EffectiveAccess));
        }
    }

    public static Errno ChangeMode(string path, uint mode)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.ErrorOf(NativeMethods.chmod(p, mode));
        }
    }

    public static Errno ChangeMode(SafeFileHandle file, uint mode) =>
        NativeMethods.ErrorOf(NativeMethods.fchmod(Descriptors.Number(file), mode));

    /// <summary>mkdir(2) and chmod(2): creates a directory with that mode, whatever the umask.</summary>
    public static Errno MakeDirectory(string path, uint mode)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.mkdir(p, mode) == 0 && NativeMethods.chmod(p, mode) == 0 ? Errno.None : NativeMethods.LastError;
        }
    }

    public static Errno Rename(string from, string to)
    {
        fixed (byte* f = OsText.ToCString(from), t = OsText.ToCString(to))
        {
            return NativeMethods.ErrorOf(NativeMethods.rename(f, t));
        }
    }

    /// <summary>link(2): gives the file a second name; <see cref="Errno.Exists"/> if that name is taken.</summary>
    public static Errno Link(string from, string to)
    {
        fixed (byte* f = OsText.ToCString(from), t = OsText.ToCString(to))
        {
            return NativeMethods.ErrorOf(NativeMethods.link(f, t));
        }
    }

    /// <summary>unlink(2).</summary>
    public static Errno Remove(string path)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.ErrorOf(NativeMethods.unlink(p));
        }
    }

    /// <summary>rmdir(2).</summary>
    public static Errno RemoveDirectory(string path)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.ErrorOf(NativeMethods.rmdir(p));
        }
    }

    /// <summary>utimensat(2): sets both times of the file to now.</summary>
    public static Errno Touch(string path)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.ErrorOf(NativeMethods.utimensat(NativeMethods.CurrentDirectory, p, null, 0));
        }
    }

    /// <summary>
    /// The absolute path, in which links stay as they are. The same path if it is absolute, or if the working directory is gone.
    /// </summary>
    public static string Absolute(string path) => path is ['/', ..] || RealPath(".").Value is not { } here ? path
        : $"{here.TrimEnd('/')}/{(path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path)}";

    /// <summary>realpath(3): the path without symbolic links, <c>.</c> and <c>..</c>.</summary>
    public static Result<string> RealPath(string path)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            var real = NativeMethods.realpath(p, null);
            if (real is null)
            {
                return NativeMethods.LastError;
            }

            var text = OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(real));
            NativeMemory.Free(real);
            return text;
        }
    }

    /// <summary>readlink(2): where a symbolic link leads, as it is written there.</summary>
    public static Result<string> LinkTarget(string path)
    {
        const int Room = 4096; // PATH_MAX: no target is longer
        var target = stackalloc byte[Room];
        fixed (byte* p = OsText.ToCString(path))
        {
            var length = NativeMethods.readlink(p, target, Room);
            return length < 0 ? NativeMethods.LastError : OsText.FromBytes(new ReadOnlySpan<byte>(target, (int)length));
        }
    }

    /// <summary>readdir(3): the names in a directory, in no particular order, without <c>.</c> and <c>..</c>.</summary>
    public static Result<List<string>> Names(string path)
    {
        const int NameOffset = 19; // dirent(3) on 64-bit Linux: 8 of d_ino, 8 of d_off, 2 of d_reclen, 1 of d_type
        fixed (byte* p = OsText.ToCString(path))
        {
            var directory = NativeMethods.opendir(p);
            if (directory == 0)
            {
                return NativeMethods.LastError;
            }

            var names = new List<string>();
            while (true)
            {
                var entry = NativeMethods.readdir(directory);
                if (entry is null)
                {
                    // At the end of the directory errno is zero: LibraryImport (SetLastError) clears it before each call.
                    var error = NativeMethods.LastError;
                    _ = NativeMethods.closedir(directory);
                    return error == Errno.None ? names : error;
                }

                var name = OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + NameOffset));
                if (name is not ("." or ".."))
                {
                    names.Add(name);
                }
            }
        }
    }

    /// <summary>
    /// flock(2), exclusive: a lock between processes of <c>run</c>, released when the descriptor is closed.
    /// <see cref="Errno.Again"/> if another process holds it and <paramref name="wait"/> is false.
    /// </summary>
    /// <param name="wait">Whether to wait, without a limit.</param>
    public static Errno Lock(SafeFileHandle file, bool wait)
    {
        var operation = wait ? LockExclusive : LockExclusive | LockNonBlock;
        while (true)
        {
            var error = NativeMethods.ErrorOf(NativeMethods.flock(Descriptors.Number(file), operation));
            if (error != Errno.Interrupted)
            {
                return error;
            }
        }
    }

    internal static Result<FileStatus> Status(int directory, string path, int flags)
    {
        const uint BasicStats = 0x7ff;
        NativeMethods.StatX s;
        fixed (byte* p = OsText.ToCString(path))
        {
            while (NativeMethods.statx(directory, p, flags, BasicStats, &s) != 0)
            {
                if (NativeMethods.LastError != Errno.Interrupted)
                {
                    return NativeMethods.LastError;
                }
            }
        }

        return new FileStatus(
            ((ulong)s.DeviceMajor << 32) | s.DeviceMinor, s.Inode, s.Mode, s.Owner, s.Group, (long)s.Size,
            s.Modified.Nanoseconds, s.Changed.Nanoseconds);
    }
}
