using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Locking;

/// <summary>Ends those who hold a lock, and nobody else.</summary>
internal static class HolderTermination
{
    /// <summary>How long a holder has, from SIGTERM to SIGKILL.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);

    /// <summary>How often to look again: a holder may also give the lock back and live on, which no event tells.</summary>
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(200);

    private sealed record Told(Holder Holder, SafeFileHandle Process, Stopwatch Since)
    {
        public bool Killed { get; set; }
    }

    /// <summary>
    /// Ends the runs of a script that there are: those that hold its own lock, and those that hold a lock of another name for it.
    /// Whoever takes a lock later, because he waited for it, is not meant.
    /// </summary>
    /// <exception cref="RunException">75: one cannot be ended. 77: the locks are not this user's alone.</exception>
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

    /// <summary>Ends all holders, and returns once nobody holds the lock.</summary>
    /// <exception cref="RunException">75: one cannot be ended.</exception>
    public static void EndHolders(LockFile file, string script) => End(file, script, file.Holders);

    /// <summary>Asks the holders to end, kills those that have not after the grace time, and returns once they are gone.</summary>
    private static void End(LockFile file, string script, Func<List<Holder>> find)
    {
        Signals.OnInterruptRemove(null);
        var told = new List<Told>();
        while (find() is { Count: > 0 } holders)
        {
            told.RemoveAll(one => !holders.Contains(one.Holder) && Forget(one));
            foreach (var holder in holders)
            {
                if (told.Find(one => one.Holder == holder) is not { } one)
                {
                    if (Tell(file, holder, script) is { } process)
                    {
                        told.Add(new Told(holder, process, Stopwatch.StartNew()));
                    }
                }
                else if (!one.Killed && one.Since.Elapsed >= s_grace)
                {
                    Messages.Note($"{script} ({holder.Name}) has not ended within {s_grace.TotalSeconds} s of SIGTERM: SIGKILL");
                    one.Killed = true;
                    Signal(file, holder, one.Process, Signals.Kill, script);
                }
            }

            Processes.WaitForEnd(told.ConvertAll(one => one.Process), s_step);
        }

        told.ForEach(one => Forget(one));
    }

    private static SafeFileHandle? Tell(LockFile file, Holder holder, string script)
    {
        if (holder.ProcessId == 0 || holder.ProcessId == Processes.Id)
        {
            throw new RunException(ExitStatus.AlreadyRunning, $"{script} is already running ({holder.Name}), and cannot be ended from here");
        }

        var opened = Processes.Open(holder.ProcessId);
        if (opened.Value is not { } process)
        {
            return opened.Error == Errno.NoProcess ? null : throw CannotEnd(holder, script, opened.Error);
        }

        Messages.Step(() => $"SIGTERM to {holder.Name}");
        Signal(file, holder, process, Signals.Terminate, script);
        return process;
    }

    /// <summary>
    /// The process was opened, and only then is asked whether it holds the lock: if the one that was found has ended since, and
    /// another been given its PID, that other one does not.
    /// </summary>
    private static void Signal(LockFile file, Holder holder, SafeFileHandle process, int signal, string script)
    {
        var error = file.IsHeldBy(holder) ? Processes.Signal(process, signal) : Errno.None;
        if (error is not (Errno.None or Errno.NoProcess))
        {
            throw CannotEnd(holder, script, error);
        }
    }

    private static bool Forget(Told one)
    {
        one.Process.Dispose();
        return true;
    }

    private static RunException CannotEnd(Holder holder, string script, Errno error) =>
        new(ExitStatus.AlreadyRunning, $"{script} is already running ({holder.Name}), and cannot be ended: {error.Describe()}");
}
