using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>Descriptors as numbers: the standard streams, lock files, pipes.</summary>
internal static unsafe class Descriptors
{
    public const int Input = 0, Output = 1, Error = 2;

    // fcntl.h.
    private const int DuplicateFrom = 0, GetDescriptorFlags = 1, SetDescriptorFlags = 2, GetStatusFlags = 3, DuplicateCloseOnExec = 1030;
    private const int DescriptorCloseOnExec = 1, AccessMask = 3;

    /// <summary>The descriptor as a number. The handle must outlive its use.</summary>
    public static int Number(SafeFileHandle file) => (int)file.DangerousGetHandle();

    public static bool IsTerminal(int descriptor) => NativeMethods.isatty(descriptor) == 1;

    /// <summary>tcflush(3): discards what was typed at the terminal and has not been read.</summary>
    public static Errno DiscardInput(int descriptor)
    {
        const int InputQueue = 0; // TCIFLUSH
        return NativeMethods.tcflush(descriptor, InputQueue) == 0 ? Errno.None : NativeMethods.LastError;
    }

    /// <summary>ioctl_tty(2), TIOCGWINSZ: the width of the terminal in columns; null if it is not one, or does not know.</summary>
    public static int? Columns(int descriptor)
    {
        const nuint GetWindowSize = 0x5413;
        var size = stackalloc ushort[4]; // rows, columns, and both in pixels
        return NativeMethods.ioctl(descriptor, GetWindowSize, size) == 0 && size[1] > 0 ? size[1] : null;
    }

    public static bool IsOpen(int descriptor) => NativeMethods.fcntl(descriptor, GetDescriptorFlags, 0) != -1;

    public static bool IsWritable(int descriptor) =>
        NativeMethods.fcntl(descriptor, GetStatusFlags, 0) is not -1 and var flags && (flags & AccessMask) == OpenFlags.ReadWrite;

    public static bool IsPipe(int descriptor) => Status(descriptor).Value is { IsPipe: true };

    public static Result<FileStatus> Status(int descriptor) => Files.Status(descriptor, "", NativeMethods.EmptyPath);

    /// <summary>futimens(3): sets both times of the file to now.</summary>
    public static Errno Touch(int descriptor) => NativeMethods.ErrorOf(NativeMethods.futimens(descriptor, null));

    public static void Close(int descriptor) => _ = NativeMethods.close(descriptor);

    public static Errno CloseOnExec(int descriptor) =>
        NativeMethods.ErrorOf(NativeMethods.fcntl(descriptor, SetDescriptorFlags, DescriptorCloseOnExec));

    /// <summary>
    /// F_DUPFD of fcntl(2): duplicates the descriptor to the lowest free number from <paramref name="minimum"/> on, without close-on-exec.
    /// If the descriptor limit leaves none there, it takes the highest free number.
    /// </summary>
    public static Result<int> Duplicate(int descriptor, int minimum)
    {
        var copy = NativeMethods.fcntl(descriptor, DuplicateFrom, minimum);
        if (copy >= 0)
        {
            return copy;
        }

        var limit = ResourceLimits.Descriptors;
        if (!limit.Succeeded)
        {
            return limit.Error;
        }

        for (var free = (int)Math.Min(limit.Value, int.MaxValue) - 1; free > descriptor; free--)
        {
            if (!IsOpen(free))
            {
                return DescriptorOrError(NativeMethods.fcntl(descriptor, DuplicateFrom, free));
            }
        }

        // Fails with the right error: IsOpen has overwritten that of the first attempt.
        return DescriptorOrError(NativeMethods.fcntl(descriptor, DuplicateFrom, 0));
    }

    /// <summary>Whether RLIMIT_NOFILE leaves less room than a connection needs.</summary>
    public static bool AreScarce()
    {
        const int Needed = 4;
        Span<int> copies = stackalloc int[Needed];
        var count = 0;
        var error = Errno.None;
        while (count < Needed && error == Errno.None)
        {
            var copy = Keep(Error);
            error = copy.Error;
            if (copy.Succeeded)
            {
                copies[count++] = copy.Value;
            }
        }

        foreach (var copy in copies[..count])
        {
            Close(copy);
        }

        return error == Errno.TooManyOpen;
    }

    /// <summary>F_DUPFD_CLOEXEC of fcntl(2): duplicates the descriptor, close-on-exec and above the standard streams.</summary>
    public static Result<int> Keep(int descriptor) => DescriptorOrError(NativeMethods.fcntl(descriptor, DuplicateCloseOnExec, Error + 1));

    /// <summary>dup2(2): makes <paramref name="target"/> a duplicate of <paramref name="source"/>, without close-on-exec.</summary>
    public static Errno Redirect(int source, int target) => NativeMethods.ErrorOf(NativeMethods.dup2(source, target));

    /// <summary>pipe2(2): the read end is close-on-exec; the write end is for a child to inherit.</summary>
    public static Result<(SafeFileHandle ReadEnd, SafeFileHandle WriteEnd)> Pipe()
    {
        var ends = stackalloc int[2];
        if (NativeMethods.pipe2(ends, OpenFlags.CloseOnExec) != 0)
        {
            return NativeMethods.LastError;
        }

        var pipe = (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true));
        return NativeMethods.fcntl(ends[1], SetDescriptorFlags, 0) == 0 ? pipe : NativeMethods.LastError;
    }

    /// <summary>pipe2(2): both ends are close-on-exec. What a child is to have is duplicated for it.</summary>
    public static Result<(SafeFileHandle ReadEnd, SafeFileHandle WriteEnd)> PrivatePipe()
    {
        var ends = stackalloc int[2];
        return NativeMethods.pipe2(ends, OpenFlags.CloseOnExec) != 0
            ? NativeMethods.LastError
            : (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true));
    }

    /// <summary>poll(2): waits until there is something to read, or the end of it, or the timeout has passed.</summary>
    public static bool WaitForInput(SafeFileHandle file, TimeSpan timeout)
    {
        const short Readable = 1; // POLLIN; POLLHUP and POLLERR are always reported
        var polled = new NativeMethods.Polled { Descriptor = Number(file), Events = Readable };
        return NativeMethods.poll(&polled, 1, (int)Math.Ceiling(timeout.TotalMilliseconds)) > 0;
    }

    /// <summary>
    /// write(2) of no bytes: fails if the descriptor is closed or read-only, and on some devices if they are full. Other failures show only
    /// when there is something to write.
    /// </summary>
    public static Errno WriteNothing(int descriptor)
    {
        byte nothing;
        return NativeMethods.ErrorOf(NativeMethods.write(descriptor, &nothing, 0));
    }

    /// <summary>write(2), repeated until all bytes are written.</summary>
    public static Errno Write(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (nint total = 0; total < bytes.Length;)
            {
                var written = NativeMethods.write(descriptor, start + total, (nuint)(bytes.Length - total));
                if (written >= 0)
                {
                    total += written;
                }
                else if (NativeMethods.LastError != Errno.Interrupted)
                {
                    return NativeMethods.LastError;
                }
            }
        }

        return Errno.None;
    }

    /// <summary>pread(2): up to <paramref name="maxBytes"/> bytes from the beginning of the file.</summary>
    public static Result<byte[]> ReadStart(int descriptor, int maxBytes)
    {
        var bytes = new byte[maxBytes];
        fixed (byte* start = bytes)
        {
            var length = NativeMethods.pread(descriptor, start, (nuint)maxBytes, 0);
            return length < 0 ? NativeMethods.LastError : bytes[..(int)length];
        }
    }

    /// <summary>pwrite(2) at the beginning of the file, in one call, so that two writers' bytes do not mix.</summary>
    public static Errno WriteStart(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            var written = NativeMethods.pwrite(descriptor, start, (nuint)bytes.Length, 0);
            return written == bytes.Length ? Errno.None : written < 0 ? NativeMethods.LastError : Errno.NoSpace;
        }
    }

    private static Result<int> DescriptorOrError(int descriptor) => descriptor < 0 ? NativeMethods.LastError : descriptor;
}
