using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>
/// Files below an open directory, which stays the same one whatever happens to its path. Modes are cut by the umask; nothing is looked at
/// beforehand.
/// </summary>
internal static unsafe class FilesAt
{
    /// <summary>openat(2), always close-on-exec.</summary>
    public static Result<SafeFileHandle> Open(SafeFileHandle directory, string path, int flags, uint mode = 0)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            while (true)
            {
                var descriptor = NativeMethods.openat(Descriptors.Number(directory), p, flags | OpenFlags.CloseOnExec, mode);
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

    /// <summary>mkdirat(2).</summary>
    public static Errno MakeDirectory(SafeFileHandle directory, string path, uint mode)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.ErrorOf(NativeMethods.mkdirat(Descriptors.Number(directory), p, mode));
        }
    }

    /// <summary>symlinkat(2): creates a symbolic link.</summary>
    public static Errno MakeLink(SafeFileHandle directory, string path, string target)
    {
        fixed (byte* p = OsText.ToCString(path), t = OsText.ToCString(target))
        {
            return NativeMethods.ErrorOf(NativeMethods.symlinkat(t, Descriptors.Number(directory), p));
        }
    }

    /// <summary>fchmodat(2); follows a symbolic link.</summary>
    public static Errno ChangeMode(SafeFileHandle directory, string path, uint mode)
    {
        fixed (byte* p = OsText.ToCString(path))
        {
            return NativeMethods.ErrorOf(NativeMethods.fchmodat(Descriptors.Number(directory), p, mode, 0));
        }
    }
}
