using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>Other programs that do a part of the work: diff(1) and the pager. They get the signals as the caller had set them.</summary>
internal static unsafe partial class Kernel
{
    private const int Interrupt = 2, Quit = 3, ChildEnded = 17;
    private const nint Default = 0, Ignored = 1; // SIG_DFL, SIG_IGN

    // Larger than the opaque structures of every C library: 336 bytes of attributes, 80 of actions, 152 of a sigaction, 128 of a signal set.
    private const int OpaqueSize = 512;

    /// <summary>
    /// Runs a program to its end. Meanwhile the keys that interrupt are its own business, as system(3) has it: a pager that is
    /// interrupted goes on, and must not be left alone with the terminal.
    /// </summary>
    /// <param name="file">Where it is.</param>
    /// <param name="arguments">The whole vector, the program's own name first.</param>
    /// <param name="input">Its standard input; null: that of this process.</param>
    /// <param name="output">Its standard output; null: that of this process.</param>
    /// <returns>Its status, 128 and the signal's number where one ended it; null and <see cref="LastError"/> where it could not be started.</returns>
    public static int? TryRunProgram(string file, IReadOnlyList<string> arguments, SafeFileHandle? input, SafeFileHandle? output)
    {
        int[] numbers = [Interrupt, Quit, ChildEnded];
        var before = stackalloc byte[numbers.Length * OpaqueSize];
        for (var i = 0; i < numbers.Length; i++)
        {
            _ = sigaction(numbers[i], null, before + (i * OpaqueSize));
        }

        // What the caller had ignored stays ignored for the program too. SIGCHLD alone may not be: nobody could wait then.
        var givenBack = stackalloc byte[OpaqueSize];
        _ = sigemptyset(givenBack);
        foreach (var key in (ReadOnlySpan<int>)[Interrupt, Quit])
        {
            if (signal(key, Ignored) != Ignored)
            {
                _ = sigaddset(givenBack, key);
            }
        }

        _ = signal(ChildEnded, Default);
        try
        {
            return Spawn(file, arguments, input, output, givenBack) is { } child ? WaitForExit(child) : null;
        }
        finally
        {
            for (var i = 0; i < numbers.Length; i++)
            {
                _ = sigaction(numbers[i], before + (i * OpaqueSize), null);
            }
        }
    }

    private static int? Spawn(string file, IReadOnlyList<string> arguments, SafeFileHandle? input, SafeFileHandle? output, byte* givenBack)
    {
        const int StandardInput = 0, StandardOutput = 1;
        const short SetDefaults = 4; // POSIX_SPAWN_SETSIGDEF
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        _ = posix_spawn_file_actions_init(actions);
        _ = posix_spawnattr_init(attributes);
        _ = posix_spawnattr_setsigdefault(attributes, givenBack);
        _ = posix_spawnattr_setflags(attributes, SetDefaults);
        if (input is not null)
        {
            _ = posix_spawn_file_actions_adddup2(actions, Number(input), StandardInput);
        }

        if (output is not null)
        {
            _ = posix_spawn_file_actions_adddup2(actions, Number(output), StandardOutput);
        }

        var vector = Vector(arguments);
        int child;
        int error;
        fixed (byte* f = OsText.ToCString(file))
        {
            error = posix_spawn(&child, f, actions, attributes, vector, run_environ());
        }

        Free(vector, arguments.Count);
        _ = posix_spawnattr_destroy(attributes);
        _ = posix_spawn_file_actions_destroy(actions);
        Marshal.SetLastPInvokeError(error);
        return error == 0 ? child : null;
    }

    /// <summary>Waits for the child's end. Its exit status as the shell would tell it: 128 and the signal's number where one ended it.</summary>
    public static int WaitForExit(int child)
    {
        const int SignalBase = 128;
        var status = 0;
        while (waitpid(child, &status, 0) < 0 && LastError == Errno.Interrupted)
        {
        }

        // wait(2): the low seven bits are the signal, the next byte the status.
        var signal = status & 0x7f;
        return signal == 0 ? (status >> 8) & 0xff : SignalBase + signal;
    }

    [LibraryImport("libc")]
    private static partial int posix_spawn(int* child, byte* file, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(byte* actions, int descriptor, int number);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(byte* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(byte* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(byte* attributes);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int child, int* status, int options);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);

    [LibraryImport("libc")]
    private static partial int sigaction(int number, byte* action, byte* before);

    [LibraryImport("libc")]
    private static partial int sigemptyset(byte* signals);

    [LibraryImport("libc")]
    private static partial int sigaddset(byte* signals, int number);
}
