using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>
/// A helper program that this process talks to while it runs; <see cref="ChildProcesses"/> has those that it only waits for. It starts with
/// the signal mask and the ignored signals of this process.
/// </summary>
internal sealed unsafe class ChildProcess : IDisposable
{
    private const nint Default = 0, Ignored = 1; // SIG_DFL, SIG_IGN

    // As in ChildProcesses: larger than these opaque structures are in any C library.
    private const int OpaqueSize = 512;

    private readonly bool _childEndedWasIgnored;
    private int? _status;

    private ChildProcess(int id, bool hasOwnSession, bool childEndedWasIgnored) =>
        (Id, HasOwnSession, _childEndedWasIgnored) = (id, hasOwnSession, childEndedWasIgnored);

    public int Id { get; }

    /// <summary>Whether it leads a session: then its process group has its PID.</summary>
    public bool HasOwnSession { get; }

    /// <summary>posix_spawn(3).</summary>
    /// <param name="file">The program's path.</param>
    /// <param name="arguments">The whole vector, starting with the program's name.</param>
    /// <param name="environment">All of its environment.</param>
    /// <param name="ownSession">Without a controlling terminal, so that nothing in it can ask the user anything.</param>
    /// <param name="inherited">Other files that it gets, at the numbers that they have here.</param>
    public static Result<ChildProcess> Start(
        string file, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, SafeFileHandle input, SafeFileHandle output,
        SafeFileHandle errors, bool ownSession, params ReadOnlySpan<SafeFileHandle> inherited)
    {
        const short OwnSession = 0x80; // POSIX_SPAWN_SETSID
        var actions = stackalloc byte[OpaqueSize];
        var attributes = stackalloc byte[OpaqueSize];
        _ = NativeMethods.posix_spawn_file_actions_init(actions);
        _ = NativeMethods.posix_spawn_file_actions_adddup2(actions, Descriptors.Number(input), Descriptors.Input);
        _ = NativeMethods.posix_spawn_file_actions_adddup2(actions, Descriptors.Number(output), Descriptors.Output);
        _ = NativeMethods.posix_spawn_file_actions_adddup2(actions, Descriptors.Number(errors), Descriptors.Error);
        foreach (var extra in inherited)
        {
            // Of a descriptor to itself, this only removes close-on-exec (POSIX.1-2024; glibc and musl do so as well).
            _ = NativeMethods.posix_spawn_file_actions_adddup2(actions, Descriptors.Number(extra), Descriptors.Number(extra));
        }

        _ = NativeMethods.posix_spawnattr_init(attributes);
        _ = NativeMethods.posix_spawnattr_setflags(attributes, ownSession ? OwnSession : (short)0);

        // If the caller ignores SIGCHLD, the kernel forgets the exit status of its children.
        // In every C library struct sigaction begins with the handler.
        var before = stackalloc byte[OpaqueSize];
        var wasIgnored = NativeMethods.sigaction(Signals.ChildEnded, null, before) == 0 && *(nint*)before == Ignored;
        if (wasIgnored)
        {
            _ = NativeMethods.signal(Signals.ChildEnded, Default);
        }

        using var argv = new ArgumentVector(arguments);
        using var envp = new ArgumentVector(environment);
        int child;
        Errno error;
        fixed (byte* f = OsText.ToCString(file))
        {
            error = (Errno)NativeMethods.posix_spawn(&child, f, actions, attributes, argv.Pointer, envp.Pointer);
        }

        _ = NativeMethods.posix_spawnattr_destroy(attributes);
        _ = NativeMethods.posix_spawn_file_actions_destroy(actions);
        var process = new ChildProcess(child, ownSession, wasIgnored);
        if (error == Errno.None)
        {
            return process;
        }

        process._status = 0;
        process.Dispose();
        return error;
    }

    /// <summary>waitpid(2) without waiting: the status as a shell reports it; null if it has not ended.</summary>
    public int? Status
    {
        get
        {
            const int NoHang = 1;
            if (_status is null)
            {
                var status = 0;
                if (NativeMethods.waitpid(Id, &status, NoHang) == Id)
                {
                    _status = ChildProcesses.ExitStatusOf(status);
                }
            }

            return _status;
        }
    }

    /// <summary>Waits until it has ended: the status as a shell reports it.</summary>
    public int Wait() => _status ??= ChildProcesses.WaitForExit(Id);

    /// <summary>As <see cref="Wait()"/>, but not longer than that: null if it has not ended by then.</summary>
    public int? Wait(TimeSpan limit)
    {
        // Linux before 5.3 has no such descriptors.
        var pause = TimeSpan.FromMilliseconds(2);
        using var process = Processes.Open(Id).Value;
        for (var clock = Stopwatch.StartNew(); Status is null && clock.Elapsed < limit;)
        {
            if (process is null)
            {
                Thread.Sleep(pause);
            }
            else
            {
                // Not a negative number, which would be no limit.
                Processes.WaitForEnd([process], TimeSpan.FromTicks(Math.Max((limit - clock.Elapsed).Ticks, 0)));
            }
        }

        return Status;
    }

    /// <summary>kill(2): sends a signal to it or, if it has a session of its own, to its process group.</summary>
    public void Signal(int number)
    {
        // Once it has been waited for, another process may get its PID; the group keeps its number as long as there is one of it.
        if (HasOwnSession)
        {
            _ = NativeMethods.kill(-Id, number);
        }
        else if (_status is null)
        {
            _ = NativeMethods.kill(Id, number);
        }
    }

    /// <summary>Ends it, if it has not ended yet.</summary>
    public void Dispose()
    {
        if (_status is null)
        {
            Signal(Signals.Kill);
            _ = Wait();
        }

        if (_childEndedWasIgnored)
        {
            _ = NativeMethods.signal(Signals.ChildEnded, Ignored);
        }
    }
}
