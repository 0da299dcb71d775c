using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>Other programs that do a part of the work: diff(1) and the pager. They get the signals as the caller had set them.</summary>
internal static unsafe class ChildProcesses
{
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
    /// <returns>Its status, 128 and the signal's number if one ended it; the error if it could not be started.</returns>
    public static Result<int> Run(string file, IReadOnlyList<string> arguments, SafeFileHandle? input, SafeFileHandle? output)
    {
        int[] numbers = [Signals.Interrupt, Signals.Quit, Signals.ChildEnded];
        var before = stackalloc byte[numbers.Length * OpaqueSize];
        for (var i = 0; i < numbers.Length; i++)
        {
            _ = NativeMethods.sigaction(numbers[i], null, before + (i * OpaqueSize));
        }

        // What the caller had ignored stays ignored for the program too, except for SIGCHLD: nobody could wait then.
        var givenBack = stackalloc byte[OpaqueSize];
        _ = NativeMethods.sigemptyset(givenBack);
        foreach (var key in (ReadOnlySpan<int>)[Signals.Interrupt, Signals.Quit])
        {
            if (NativeMethods.signal(key, Ignored) != Ignored)
            {
                _ = NativeMethods.sigaddset(givenBack, key);
            }
        }

        _ = NativeMethods.signal(Signals.ChildEnded, Default);
        try
        {
            var child = Spawn(file, arguments, input, output, givenBack);
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

    /// <summary>waitpid(2): the child's status as the shell would tell it, 128 and the signal's number if one ended it.</summary>
    public static int WaitForExit(int child)
    {
        const int SignalBase = 128;
        var status = 0;
        while (NativeMethods.waitpid(child, &status, 0) < 0 && NativeMethods.LastError == Errno.Interrupted)
        {
        }

        // wait(2): the low seven bits are the signal, the next byte the status.
        var signal = status & 0x7f;
        return signal == 0 ? (status >> 8) & 0xff : SignalBase + signal;
    }

    private static Result<int> Spawn(
        string file, IReadOnlyList<string> arguments, SafeFileHandle? input, SafeFileHandle? output, byte* givenBack)
    {
        const short SetDefaults = 4; // POSIX_SPAWN_SETSIGDEF
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        _ = NativeMethods.posix_spawn_file_actions_init(actions);
        _ = NativeMethods.posix_spawnattr_init(attributes);
        _ = NativeMethods.posix_spawnattr_setsigdefault(attributes, givenBack);
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
