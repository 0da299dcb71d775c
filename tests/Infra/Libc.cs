using System.Runtime.InteropServices;

namespace Run.Tests.Infra;

/// <summary>The few system calls that .NET does not offer.</summary>
internal static partial class Libc
{
    public const int SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGKILL = 9, SIGUSR1 = 10, SIGPIPE = 13, SIGTERM = 15, SIGCHLD = 17,
        SIGCONT = 18, SIGSTOP = 19;

    public static bool IsRoot { get; } = geteuid() == 0;

    /// <summary>kill(2). It is not an error if the process has already ended.</summary>
    public static void Signal(int pid, int number) => _ = kill(pid, number);

    public static bool IsAlive(int pid) => kill(pid, 0) == 0;

    public static void ChangeOwner(string path, int user) => Check(lchown(path, (uint)user, (uint)user), path);

    public static void MakeFifo(string path) => Check(mkfifo(path, 0x180), path);

    private static void Check(int result, string what)
    {
        if (result != 0)
        {
            throw new IOException($"{what}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial int kill(int pid, int number);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lchown(string path, uint user, uint group);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);
}
