using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>What it takes to start this program once more, and to leave the terminal.</summary>
internal static unsafe partial class Kernel
{
    private const int SetDescriptorFlags = 2, DuplicateCloseOnExec = 1030, DescriptorCloseOnExec = 1;

    private const int SetParentDeathSignal = 1;

    /// <summary>A pipe: the end to read from is close-on-exec, the other is for a child to inherit. False where none can be had.</summary>
    public static bool TryPipe(out SafeFileHandle readEnd, out SafeFileHandle writeEnd)
    {
        var ends = stackalloc int[2];
        var made = pipe2(ends, CloseOnExec) == 0;
        readEnd = new SafeFileHandle(made ? ends[0] : -1, ownsHandle: true);
        writeEnd = new SafeFileHandle(made ? ends[1] : -1, ownsHandle: true);
        return made && fcntl(ends[1], SetDescriptorFlags, 0) == 0;
    }

    /// <summary>
    /// Starts this same program with the same arguments, byte for byte, and one variable more. Its PID, or 0 and the error.
    /// </summary>
    public static int TryStartAgain(string variable, string value, out Errno error)
    {
        var environment = run_environ();
        nuint count = 0;
        while (environment[count] is not null)
        {
            count++;
        }

        var extended = (byte**)NativeMemory.Alloc(count + 2, (nuint)sizeof(byte*));
        for (nuint i = 0; i < count; i++)
        {
            extended[i] = environment[i];
        }

        var processId = 0;
        fixed (byte* assignment = OsText.ToCString($"{variable}={value}"), self = "/proc/self/exe\0"u8)
        {
            extended[count] = assignment;
            extended[count + 1] = null;
            error = (Errno)posix_spawn(&processId, self, null, null, run_argv(), extended);
        }

        NativeMemory.Free(extended);
        return error == Errno.None ? processId : 0;
    }

    /// <summary>Removes the variable from the environment, the script's included.</summary>
    public static void RemoveVariable(string name)
    {
        fixed (byte* n = OsText.ToCString(name))
        {
            _ = unsetenv(n);
        }
    }

    public static bool TryCloseOnExec(int descriptor) => fcntl(descriptor, SetDescriptorFlags, DescriptorCloseOnExec) == 0;

    /// <summary>A second descriptor, close-on-exec and out of the way; -1 where there is none to be had.</summary>
    public static int TryKeep(int descriptor) => fcntl(descriptor, DuplicateCloseOnExec, 3);

    /// <summary>Makes <paramref name="target"/> stand for what <paramref name="source"/> does, and not close-on-exec.</summary>
    public static bool TryRedirect(int source, int target) => dup2(source, target) == target;

    /// <summary>A session of its own, without a terminal.</summary>
    public static bool TryStartSession() => setsid() != -1;

    /// <summary>The signal that this process gets when its parent ends; 0 for none. It would outlive execve.</summary>
    public static void SignalAtParentsEnd(int signal) => _ = prctl(SetParentDeathSignal, signal, 0, 0, 0);

    public static bool IsPipe(int descriptor) => TryStatus(descriptor) is { IsPipe: true };

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport("libc")]
    private static partial int unsetenv(byte* name);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int source, int target);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nint first, nint second, nint third, nint fourth);
}
