using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>This process (its ids, its arguments, execve), and other processes by PID.</summary>
internal static unsafe partial class Processes
{
    public const uint Root = 0;

    // The same numbers on every architecture. glibc has functions for them only since 2.36.
    private const nint PidfdSendSignal = 424, PidfdOpen = 434;

    /// <summary>A link to this program, which leads there even if it has been removed.</summary>
    public const string Self = "/proc/self/exe";

    private const int SetParentDeathSignal = 1;
    private const short PollIn = 1;

    /// <summary>geteuid(2).</summary>
    public static uint EffectiveUser { get; } = NativeMethods.geteuid();

    /// <summary>getpid(2).</summary>
    public static int Id { get; } = NativeMethods.getpid();

    /// <summary>uname(2): the first two numbers of the kernel's release; 0.0 if it cannot be read.</summary>
    public static Version KernelVersion { get; } = ReadKernelVersion();

    /// <summary>uname(2): the machine's name in its network.</summary>
    public static string HostName => NameField(1);

    /// <summary>The arguments without loss, and without the program's name.</summary>
    /// <param name="count">The number of arguments that Main received.</param>
    public static string[] Arguments(int count)
    {
        var vector = run_argv();
        var arguments = new string[count];
        for (var i = 0; i < count; i++)
        {
            arguments[i] = OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(vector[i + 1]));
        }

        return arguments;
    }

    /// <summary>argv[0]: what this program was started as.</summary>
    public static string Name =>
        run_argv()[0] is null ? "" : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(run_argv()[0]));

    /// <summary>The path of this program.</summary>
    public static string OwnPath => Files.LinkTarget(Self).Value is { } path && Files.Status(path).Value is { } there
        && Files.Status(Self).Value is { } self && there.IsSameFile(self) ? path : Self;

    /// <summary>
    /// execve(2) with the unchanged environment and the signals as the caller had set them. Meanwhile no thread is started
    /// (native/threads.h). It returns only on failure.
    /// </summary>
    /// <param name="file">The file that the kernel executes.</param>
    /// <param name="arguments">The whole vector, starting with the program's name.</param>
    /// <param name="environment">Another environment, for the start of this program anew.</param>
    public static Errno Execute(string file, IReadOnlyList<string> arguments, IReadOnlyList<string>? environment = null)
    {
        // Freed on failure, because another attempt may follow: an interpreter, if the kernel refuses the script itself.
        using var vector = new ArgumentVector(arguments);
        using var variables = environment is null ? null : new ArgumentVector(environment);
        fixed (byte* f = OsText.ToCString(file))
        {
            return run_execve(f, vector.Pointer, variables is null ? null : variables.Pointer);
        }
    }

    /// <summary>
    /// Starts this program again, as a child process with the same arguments, one more variable, and the signals as the caller had set
    /// them; returns the PID.
    /// </summary>
    public static Result<int> StartAgain(string variable, string value)
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

        int processId;
        fixed (byte* assignment = OsText.ToCString($"{variable}={value}"), self = "/proc/self/exe\0"u8)
        {
            extended[count] = assignment;
            extended[count + 1] = null;
            processId = run_start(self, run_argv(), extended);
        }

        NativeMemory.Free(extended);
        return processId > 0 ? processId : (Errno)(-processId);
    }

    /// <summary>
    /// Ends this process at once, from any thread. Removes the files of <see cref="Signals.RemoveOnInterrupt"/>.
    /// </summary>
    public static void Exit(int status) => run_exit(status);

    /// <summary>setsid(2): starts a new session without a terminal.</summary>
    public static Errno StartSession() => NativeMethods.ErrorOf(NativeMethods.setsid());

    /// <summary>PR_SET_PDEATHSIG of prctl(2): the signal to get when the parent ends; 0 for none. It survives execve.</summary>
    public static void SignalAtParentsEnd(int signal) => _ = NativeMethods.prctl(SetParentDeathSignal, signal, 0, 0, 0);

    /// <summary>
    /// pidfd_open(2): a descriptor for the process that has this PID now, and for no later process with the same PID;
    /// <see cref="Errno.NoProcess"/> if there is none.
    /// </summary>
    public static Result<SafeFileHandle> Open(int processId)
    {
        var descriptor = NativeMethods.syscall(PidfdOpen, processId, 0, 0, 0);
        return descriptor < 0 ? NativeMethods.LastError : new SafeFileHandle((int)descriptor, ownsHandle: true);
    }

    /// <summary>pidfd_send_signal(2).</summary>
    public static Errno Signal(SafeFileHandle process, int signal) =>
        NativeMethods.ErrorOf(NativeMethods.syscall(PidfdSendSignal, Descriptors.Number(process), signal, 0, 0));

    /// <summary>poll(2): waits until one of the processes has ended, or the timeout has passed.</summary>
    public static void WaitForEnd(IReadOnlyList<SafeFileHandle> processes, TimeSpan timeout)
    {
        var waiting = new NativeMethods.Polled[processes.Count];
        for (var i = 0; i < waiting.Length; i++)
        {
            waiting[i] = new NativeMethods.Polled { Descriptor = Descriptors.Number(processes[i]), Events = PollIn };
        }

        fixed (NativeMethods.Polled* first = waiting)
        {
            _ = NativeMethods.poll(first, (nuint)waiting.Length, (int)Math.Ceiling(timeout.TotalMilliseconds));
        }
    }

    /// <summary>getpwuid(3): the user's name, or the user id if it has no name.</summary>
    public static string UserName(uint user)
    {
        // In every C library struct passwd begins with the name.
        var entry = NativeMethods.getpwuid(user);
        return entry is null || *entry is null
            ? user.ToString(null, null)
            : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(*entry));
    }

    private static Version ReadKernelVersion()
    {
        var parts = NameField(2).Split('.', '-', '+');
        return parts.Length >= 2 && int.TryParse(parts[0], out var major) && int.TryParse(parts[1], out var minor)
            ? new Version(major, minor)
            : new Version(0, 0);
    }

    /// <summary>uname(2): six fields of 65 bytes; the second is the machine's name, the third the kernel's release.</summary>
    private static string NameField(int index)
    {
        const int FieldLength = 65;
        var names = stackalloc byte[6 * FieldLength];
        return NativeMethods.uname(names) == 0
            ? OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(names + (index * FieldLength)))
            : "";
    }

    // native/startup.c.
    [LibraryImport("libc")]
    private static partial byte** run_argv();

    [LibraryImport("libc")]
    internal static partial byte** run_environ();

    [LibraryImport("libc")]
    private static partial Errno run_execve(byte* file, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    private static partial int run_start(byte* file, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    private static partial void run_exit(int status);
}
