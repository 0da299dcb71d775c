using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Locking;

/// <summary>Stops the processes that hold a lock, and no others.</summary>
internal static class HolderTermination
{
    /// <summary>The time from SIGTERM to SIGKILL.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);

    /// <summary>How often to check again: a holder may also release the lock and go on, which causes no event.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private sealed record Signalled(Holder Holder, SafeFileHandle Process, Stopwatch Since)
    {
        public bool Killed { get; set; }
    }

    /// <summary>
    /// Stops all current runs of a script: those that hold its own lock, and those that hold another lock (<c>--lock=NAME</c>) for it. A
    /// run that takes a lock later, because it was waiting, is not stopped.
    /// </summary>
    /// <exception cref="RunException">73: the locks cannot be read. 75: a run cannot be stopped. 77: others own or can write
    /// them.</exception>
    public static void EndScript(LockRequest request)
    {
        LockFile.CheckDirectory(request);
        if (LockFile.Find(request.OwnPath) is { } file)
        {
            var runners = file.Runners();
            End(file, request.Script, () => file.Runners().FindAll(runners.Contains));
            file.Close();
        }
    }

    /// <summary>Stops all holders, and returns once the lock is free.</summary>
    /// <exception cref="RunException">75: a holder cannot be stopped.</exception>
    public static void EndHolders(LockFile file, string script) => End(file, script, file.Holders);

    /// <summary>Sends the holders SIGTERM, after the grace period SIGKILL to those still running, and waits until all are gone.</summary>
    private static void End(LockFile file, string script, Func<List<Holder>> find)
    {
        Signals.HandleInterrupts();
        var signalled = new List<Signalled>();
        while (find() is { Count: > 0 } holders)
        {
            signalled.RemoveAll(one => !holders.Contains(one.Holder) && Forget(one));
            foreach (var holder in holders)
            {
                if (signalled.Find(one => one.Holder == holder) is not { } one)
                {
                    if (Terminate(file, holder, script) is { } process)
                    {
                        signalled.Add(new Signalled(holder, process, Stopwatch.StartNew()));
                    }
                }
                else if (!one.Killed && one.Since.Elapsed >= s_grace)
                {
                    Messages.Note($"{script} ({holder.Name}) has not ended within {s_grace.TotalSeconds} s of SIGTERM: sending SIGKILL");
                    one.Killed = true;
                    Signal(file, holder, one.Process, Signals.Kill, script);
                }
            }

            Processes.WaitForEnd(signalled.ConvertAll(one => one.Process), s_interval);
        }

        signalled.ForEach(one => Forget(one));
    }

    private static SafeFileHandle? Terminate(LockFile file, Holder holder, string script)
    {
        if (holder.ProcessId == 0 || holder.ProcessId == Processes.Id)
        {
            throw new RunException(
                ExitStatus.AlreadyRunning, $"{script} is already running ({holder.Name}), and cannot be stopped from here");
        }

        var opened = Processes.Open(holder.ProcessId);
        if (opened.Value is not { } process)
        {
            // Without a process there can be a lock only if another one shares its descriptors.
            return opened.Error == Errno.NoProcess && !file.IsHeldBy(holder)
                ? null
                : throw CannotStop(holder, script, opened.Error.Describe());
        }

        Messages.Step(() => $"sending SIGTERM to {holder.Name}");
        Signal(file, holder, process, Signals.Terminate, script);
        return process;
    }

    /// <summary>
    /// Signals the process only if it is the user's own and holds the lock. Both are checked after the process was opened: if the holder
    /// has ended since and another process has its PID, that process does not hold the lock.
    /// </summary>
    private static void Signal(LockFile file, Holder holder, SafeFileHandle process, int signal, string script)
    {
        var isSeen = file.IsSeenAt(holder);
        var user = isSeen is null ? null : ProcessFacts.EffectiveUser(holder.ProcessId);

        // Last, because the holder may have ended meanwhile, or have released the lock.
        if (!file.IsHeldBy(holder))
        {
            return;
        }

        if (isSeen is not null && user != Processes.EffectiveUser)
        {
            throw CannotStop(holder, script, $"it belongs to another user{(user is null ? "" : $" (uid {user})")}");
        }

        if (isSeen == false)
        {
            throw CannotStop(holder, script, "that process does not show that it holds the lock");
        }

        var error = Processes.Signal(process, signal);
        if (error is not (Errno.None or Errno.NoProcess))
        {
            throw CannotStop(holder, script, error.Describe());
        }
    }

    private static bool Forget(Signalled one)
    {
        one.Process.Dispose();
        return true;
    }

    private static RunException CannotStop(Holder holder, string script, string why) =>
        new(ExitStatus.AlreadyRunning, $"{script} is already running ({holder.Name}), and cannot be stopped: {why}");
}
