using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Run;

/// <summary>Files and directories.</summary>
internal static unsafe partial class Kernel
{
    // fcntl.h; the same on x86-64 and arm64 but for those three that are worked out below.
    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2;
    public const int Create = 0x40, Exclusive = 0x80, Truncate = 0x200, Append = 0x400, CloseOnExec = 0x80000, NonBlock = 0x800;

    private const int AtCurrentDirectory = -100, AtSymlinkNoFollow = 0x100, AtEffectiveAccess = 0x200, AtEmptyPath = 0x1000;

    // asm/fcntl.h of arm and arm64 has its own numbers for these two.
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

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, byte* bytes, nuint count);
}
