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
        foreach (var path in LockFile.All(request.StateDirectory))
        {
            if (LockFile.Find(path) is not { } file)
            {
                continue;
            }

            var holders = file.Holders();
            if (path != request.Path)
            {
                // The record belongs to a holder that has set its mark, so it is read only after a mark was seen.
                holders = holders.FindAll(static holder => holder.HasMark);
                holders = holders.Count > 0 && file.Record?.Key == request.Key ? holders : [];
            }

            End(file, request.Script, all => all.FindAll(holders.Contains));
            file.Close();
        }
    }

    /// <summary>Stops all holders, and returns once the lock is free.</summary>
    /// <exception cref="RunException">75: a holder cannot be stopped.</exception>
    public static void EndHolders(LockFile file, string script) => End(file, script, static all => all);

    /// <summary>Sends the holders SIGTERM, after the grace period SIGKILL to those still running, and waits until all are gone.</summary>
    private static void End(LockFile file, string script, Func<List<Holder>, List<Holder>> choose)
    {
        Signals.HandleInterrupts();
        var signalled = new List<Signalled>();
        while (choose(file.Holders()) is { Count: > 0 } holders)
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
            return opened.Error == Errno.NoProcess ? null : throw CannotStop(holder, script, opened.Error);
        }

        Messages.Step(() => $"sending SIGTERM to {holder.Name}");
        Signal(file, holder, process, Signals.Terminate, script);
        return process;
    }

    /// <summary>
    /// Signals the process only if it holds the lock. It is checked after the process was opened: if the holder has ended since and another
    /// process has its PID, that process does not hold the lock.
    /// </summary>
    private static void Signal(LockFile file, Holder holder, SafeFileHandle process, int signal, string script)
    {
        var error = file.IsHeldBy(holder) ? Processes.Signal(process, signal) : Errno.None;
        if (error is not (Errno.None or Errno.NoProcess))
        {
            throw CannotStop(holder, script, error);
        }
    }

    private static bool Forget(Signalled one)
    {
        one.Process.Dispose();
        return true;
    }

    private static RunException CannotStop(Holder holder, string script, Errno error) =>
        new(ExitStatus.AlreadyRunning, $"{script} is already running ({holder.Name}), and cannot be stopped: {error.Describe()}");
}
