using System.Diagnostics;
using System.Globalization;
using Run.Posix;
using Run.Reporting;

namespace Run.Locking;

/// <summary>The lock of this run: shared with other runs of the script, or exclusive.</summary>
internal sealed class ScriptLock
{
    // Whether this run goes on without a lock, because none could be taken.
    private bool _isUnavailable;

    /// <summary>Whether this run has its lock.</summary>
    public bool IsTaken { get; private set; }

    /// <summary>
    /// How many times in a row this process has run the script before, each time soon after the last one and with the same words.
    /// </summary>
    public int Rounds { get; private set; }

    /// <summary>Takes the lock for this process, and so for the script that it becomes.</summary>
    /// <remarks>If no lock can be taken, a plain run prints a note and goes on without one.</remarks>
    /// <exception cref="RunException">
    /// 73: no lock can be taken. 75: another process holds it and does not release it in time. 77: the lock file is not this user's alone.
    /// </exception>
    public void Acquire(LockRequest request)
    {
        try
        {
            var asked = Stopwatch.StartNew();
            while (true)
            {
                var file = LockFile.Open(request);
                if (!file.TryLock(request.Mode, wait: false))
                {
                    Contend(file, request, asked);
                }

                if (file.IsCurrent)
                {
                    Rounds = request.Name is null ? file.Rounds(request.Words) : MarkNamed(request);
                    file.RecordHolder(request.Record);

                    IsTaken = true;
                    Messages.Step(() => $"locked {request.Path} ({(request.Mode == LockMode.Shared ? "shared" : "exclusive")})");
                    return;
                }

                file.Release();
            }
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite && request.Mode == LockMode.Shared)
        {
            _isUnavailable = true;
            Messages.Note(e.Message, "the script runs without a lock, and --lock, --ps and --stop do not see it");
        }
    }

    /// <summary>
    /// Whether another process runs the script: it holds the script's lock, or another lock (<c>--lock=NAME</c>) for it. True if that is
    /// not known, because this run has no lock, or the lock file cannot be read.
    /// </summary>
    /// <param name="ownPath">The script's own lock file: <see cref="LockRequest.OwnPath"/>.</param>
    public bool IsHeldElsewhere(string ownPath)
    {
        try
        {
            if (_isUnavailable || LockFile.Find(ownPath) is not { } file)
            {
                return _isUnavailable;
            }

            var held = file.Runners().Count > 0;
            file.Close();
            return held;
        }
        catch (RunException)
        {
            return true;
        }
    }

    /// <summary>Sets a mark in the file of the script's own lock, which is another one, so that the script is found there too.</summary>
    /// <returns>See <see cref="Rounds"/>.</returns>
    private static int MarkNamed(LockRequest request)
    {
        while (true)
        {
            var own = LockFile.Open(request with { Name = null, Mode = LockMode.Shared });
            var rounds = own.Rounds(request.Words);
            own.MarkNamed(LockMode.Shared);
            if (own.IsCurrent)
            {
                return rounds;
            }

            own.Release();
        }
    }

    /// <summary>The lock is held: stops the holders, waits for them, or fails (75). Returns with the lock.</summary>
    private static void Contend(LockFile file, LockRequest request, Stopwatch asked)
    {
        if (request.Replace)
        {
            do
            {
                HolderTermination.EndHolders(file, request.Script);
            }
            while (!file.TryLock(request.Mode, wait: false));

            return;
        }

        // Null for no limit.
        var left = request.Wait is not { } total ? (TimeSpan?)null : total > asked.Elapsed ? total - asked.Elapsed : TimeSpan.Zero;
        if (left != TimeSpan.Zero)
        {
            var limit = left is null
                ? ""
                : string.Create(CultureInfo.InvariantCulture, $" for at most {request.Wait.GetValueOrDefault().TotalSeconds} s");
            Messages.Note($"{Describe(file, request)}: waiting{limit}");
            if (Wait(file, request.Mode, left))
            {
                return;
            }
        }
        else if (file.TryLock(request.Mode, wait: false))
        {
            return;
        }

        throw new RunException(
            ExitStatus.AlreadyRunning, Describe(file, request),
            request.Mode == LockMode.Shared ? "it holds the lock exclusively; --wait waits until it has finished" : null);
    }

    /// <summary>
    /// Waits in the kernel. A limited wait uses a thread, which works because record locks belong to the process, not to the thread. So no
    /// signal is needed to end the wait, the caller's alarm(2) is left alone, and the script inherits neither a handler nor a timer.
    /// </summary>
    private static bool Wait(LockFile file, LockMode mode, TimeSpan? timeout)
    {
        Signals.HandleInterrupts();
        if (timeout is not { } limit)
        {
            return file.TryLock(mode, wait: true);
        }

        var locked = false;
        RunException? failure = null;
        var waiting = new Thread(() =>
        {
            try
            {
                locked = file.TryLock(mode, wait: true);
            }
            catch (RunException e)
            {
                failure = e;
            }
        })
        { IsBackground = true };
        waiting.Start();

        // Join truncates to whole milliseconds; rounded up, the wait is not shorter than asked for.
        var milliseconds = Math.Ceiling(limit.TotalMilliseconds);
        var ended = waiting.Join(milliseconds < int.MaxValue ? (int)milliseconds : Timeout.Infinite);
        return failure is not null ? throw failure : ended && locked;
    }

    /// <summary>The message: <c>x is already running (pid 123)</c>.</summary>
    private static string Describe(LockFile file, LockRequest request)
    {
        var holder = file.HolderAgainst(request.Mode) is { } one ? $" ({one.Name})" : "";
        return request.Name is null
            ? $"{request.Script} is already running{holder}"
            : $"{file.Record?.Script ?? request.Script} is already running{holder} and holds the lock {request.Name}";
    }
}
