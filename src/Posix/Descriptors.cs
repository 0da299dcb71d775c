using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>Descriptors as numbers: standard streams, those that a lock hangs on, pipes.</summary>
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

    public static bool IsOpen(int descriptor) => NativeMethods.fcntl(descriptor, GetDescriptorFlags, 0) != -1;

    public static bool IsWritable(int descriptor) =>
        NativeMethods.fcntl(descriptor, GetStatusFlags, 0) is not -1 and var flags && (flags & AccessMask) == OpenFlags.ReadWrite;

    public static bool IsPipe(int descriptor) => Status(descriptor).Value is { IsPipe: true };

    public static Result<FileStatus> Status(int descriptor) => Files.Status(descriptor, "", NativeMethods.EmptyPath);

    public static void Close(int descriptor) => _ = NativeMethods.close(descriptor);

    public static Errno CloseOnExec(int descriptor) => NativeMethods.ErrorOf(NativeMethods.fcntl(descriptor, SetDescriptorFlags, DescriptorCloseOnExec));

    /// <summary>
    /// F_DUPFD: another descriptor of the same open file, from <paramref name="least"/> upward, and not close-on-exec; if the limit of
    /// descriptors leaves none there, the highest that is free.
    /// </summary>
    public static Result<int> Duplicate(int descriptor, int least)
    {
        var copy = NativeMethods.fcntl(descriptor, DuplicateFrom, least);
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
                return Made(NativeMethods.fcntl(descriptor, DuplicateFrom, free));
            }
        }

        // Fails, and says why: asking whether one is open has left an error of its own.
        return Made(NativeMethods.fcntl(descriptor, DuplicateFrom, 0));
    }

    /// <summary>A second descriptor of the same open file, close-on-exec and above the standard streams.</summary>
    public static Result<int> Keep(int descriptor) => Made(NativeMethods.fcntl(descriptor, DuplicateCloseOnExec, Error + 1));

    /// <summary>dup2(2): makes <paramref name="target"/> stand for what <paramref name="source"/> does, and not close-on-exec.</summary>
    public static Errno Redirect(int source, int target) => NativeMethods.ErrorOf(NativeMethods.dup2(source, target));

    /// <summary>pipe2(2): the end to read from is close-on-exec, the other is for a child to inherit.</summary>
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

    /// <summary>Writes all of it.</summary>
    public static Errno Write(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                var written = NativeMethods.write(descriptor, start + done, (nuint)(bytes.Length - done));
                if (written >= 0)
                {
                    done += written;
                }
                else if (NativeMethods.LastError != Errno.Interrupted)
                {
                    return NativeMethods.LastError;
                }
            }
        }

        return Errno.None;
    }

    /// <summary>pread(2): up to <paramref name="most"/> bytes from the beginning of the file.</summary>
    public static Result<byte[]> ReadStart(int descriptor, int most)
    {
        var bytes = new byte[most];
        fixed (byte* start = bytes)
        {
            var length = NativeMethods.pread(descriptor, start, (nuint)most, 0);
            return length < 0 ? NativeMethods.LastError : bytes[..(int)length];
        }
    }

    /// <summary>pwrite(2): the bytes at the beginning of the file, in one call, so that no reader finds half of two writers' bytes.</summary>
    public static Errno WriteStart(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            var written = NativeMethods.pwrite(descriptor, start, (nuint)bytes.Length, 0);
            return written == bytes.Length ? Errno.None : written < 0 ? NativeMethods.LastError : Errno.NoSpace;
        }
    }

    private static Result<int> Made(int descriptor) => descriptor < 0 ? NativeMethods.LastError : descriptor;
}
