using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>Helper programs: diff(1) and the pager. They start with the signal dispositions that the caller had set.</summary>
internal static unsafe class ChildProcesses
{
    private const nint Default = 0, Ignored = 1; // SIG_DFL, SIG_IGN

    // In bytes; larger than these opaque structures are in any C library: attributes 336, file actions 80, sigaction 152, signal set 128.
    private const int OpaqueSize = 512;

    /// <summary>
    /// Runs a program and waits for it to exit. Meanwhile this process ignores SIGINT and SIGQUIT, as system(3) does: a pager handles them
    /// itself and goes on, so this process must not exit before it.
    /// </summary>
    /// <param name="file">The program's path.</param>
    /// <param name="arguments">The whole vector, starting with the program's name.</param>
    /// <param name="input">Its standard input; null for that of this process.</param>
    /// <param name="output">Its standard output; null for that of this process.</param>
    /// <returns>Its exit status, or 128 plus the signal number if a signal ended it; the error if it could not be started.</returns>
    public static Result<int> Run(string file, IReadOnlyList<string> arguments, SafeFileHandle? input, SafeFileHandle? output)
    {
        int[] numbers = [Signals.Interrupt, Signals.Quit, Signals.ChildEnded];
        var before = stackalloc byte[numbers.Length * OpaqueSize];
        for (var i = 0; i < numbers.Length; i++)
        {
            _ = NativeMethods.sigaction(numbers[i], null, before + (i * OpaqueSize));
        }

        // What the caller had ignored stays ignored in the program too. SIGCHLD must not be ignored here, or waitpid(2) would fail.
        var defaults = stackalloc byte[OpaqueSize];
        _ = NativeMethods.sigemptyset(defaults);
        foreach (var key in (ReadOnlySpan<int>)[Signals.Interrupt, Signals.Quit])
        {
            if (NativeMethods.signal(key, Ignored) != Ignored)
            {
                _ = NativeMethods.sigaddset(defaults, key);
            }
        }

        _ = NativeMethods.signal(Signals.ChildEnded, Default);
        try
        {
            var child = Spawn(file, arguments, input, output, defaults);
            return child.Succeeded ? WaitForExit(child.Value) : child.Error;
        }
        finally
        {
            for (var i = 0; i < numbers.Length; i++)
            {
                _ = NativeMethods.sigaction(numbers[i], before + (i * OpaqueSize), null);
            }
        }
    }

    /// <summary>waitpid(2): the child's exit status as a shell reports it, 128 plus the signal number if a signal ended it.</summary>
    public static int WaitForExit(int child)
    {
        var status = 0;
        while (NativeMethods.waitpid(child, &status, 0) < 0 && NativeMethods.LastError == Errno.Interrupted)
        {
        }

        return ExitStatusOf(status);
    }

    /// <summary>What waitpid(2) reports, as a shell reports it.</summary>
    internal static int ExitStatusOf(int status)
    {
        // wait(2): the low seven bits are the signal, the next byte the status.
        const int SignalBase = 128;
        var signal = status & 0x7f;
        return signal == 0 ? (status >> 8) & 0xff : SignalBase + signal;
    }

    private static Result<int> Spawn(
        string file, IReadOnlyList<string> arguments, SafeFileHandle? input, SafeFileHandle? output, byte* defaults)
    {
        const short SetDefaults = 4; // POSIX_SPAWN_SETSIGDEF
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        _ = NativeMethods.posix_spawn_file_actions_init(actions);
        _ = NativeMethods.posix_spawnattr_init(attributes);
        _ = NativeMethods.posix_spawnattr_setsigdefault(attributes, defaults);
        _ = NativeMethods.posix_spawnattr_setflags(attributes, SetDefaults);
        if (input is not null)
        {
            _ = NativeMethods.posix_spawn_file_actions_adddup2(actions, Descriptors.Number(input), Descriptors.Input);
        }

        if (output is not null)
        {
            _ = NativeMethods.posix_spawn_file_actions_adddup2(actions, Descriptors.Number(output), Descriptors.Output);
        }

        using var vector = new ArgumentVector(arguments);
        int child;
        Errno error;
        fixed (byte* f = OsText.ToCString(file))
        {
            error = (Errno)NativeMethods.posix_spawn(&child, f, actions, attributes, vector.Pointer, Processes.run_environ());
        }

        _ = NativeMethods.posix_spawnattr_destroy(attributes);
        _ = NativeMethods.posix_spawn_file_actions_destroy(actions);
        return error == Errno.None ? child : error;
    }
}
