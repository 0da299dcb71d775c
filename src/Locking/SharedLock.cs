using System.Diagnostics;
using System.Globalization;
using Run.Generated;
using Run.Posix;
using Run.Reporting;

namespace Run.Locking;

/// <summary>
/// A lock that several machines share. It belongs to a connection to a PostgreSQL server, whose socket the script inherits: the script
/// holds the lock until the connection ends, which is when the script does.
/// </summary>
internal sealed class SharedLock
{
    /// <summary>How long the server may be away while this run waits, and how often it is tried.</summary>
    private static readonly TimeSpan s_longestAbsence = TimeSpan.FromSeconds(60), s_retry = TimeSpan.FromSeconds(1);

    /// <summary>How long the server may take to notice that a script of this machine has just ended.</summary>
    private static readonly TimeSpan s_leaving = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long one statement waits. While it does, the server keeps the rows of the whole database that were deleted since (VACUUM).
    /// </summary>
    private static readonly TimeSpan s_turn = TimeSpan.FromMinutes(1);

    private readonly PlaceSession _session;

    private SharedLock(PlaceSession session) => _session = session;

    /// <summary>Takes the lock of the request's place.</summary>
    /// <param name="asked">Runs since the lock on this machine was asked for: both share the time to wait.</param>
    /// <exception cref="RunException">
    /// 69: the server cannot be reached, refuses, or does not keep the lock. 73: there is no libpq. 75: another process holds it and does
    /// not release it in time.
    /// </exception>
    public static SharedLock Take(LockRequest request, Stopwatch asked)
    {
        var self = PlaceHolder.Self(request.Script);
        var key = PlaceSession.KeyOf(request.Name ?? request.Identity);
        var place = request.Place!;
        var session = PlaceSession.Open(place, self);
        try
        {
            if (!session.TryLock(key))
            {
                session = Contend(session, request, self, key, asked);
            }

            session.Verify(key, self);
        }
        catch
        {
            session.Dispose();
            throw;
        }

        Messages.Step(() => $"locked {request.SharedName}");
        return new SharedLock(session);
    }

    /// <summary>
    /// Leaves the connection to the script, which gets SIGTERM when it ends. To be called right before exec: the script must not begin if
    /// the lock is lost already.
    /// </summary>
    /// <exception cref="RunException">69: the connection is lost. 73: it cannot be handed on.</exception>
    public void HandOver()
    {
        _session.Check();
        var descriptor = Descriptors.Duplicate(_session.Socket, Shared.LeastDescriptor).OrThrow(CannotKeep);
        if (Sockets.SignalAtEnd(descriptor, Signals.Terminate) is not Errno.None and var error)
        {
            throw CannotKeep(error);
        }

        // What ends it from now on sends the signal.
        if (!Sockets.IsConnected(descriptor))
        {
            throw _session.Failure("the connection was lost before the script began");
        }
    }

    private static RunException CannotKeep(Errno error) =>
        new(ExitStatus.CannotWrite, $"the connection that holds the lock cannot be kept: {error.Describe()}");

    /// <summary>The lock is held: waits for it, or fails (75). Returns the session that has the lock.</summary>
    private static PlaceSession Contend(PlaceSession session, LockRequest request, PlaceHolder self, long key, Stopwatch asked)
    {
        var holder = session.Holder(key);
        if (holder?.IsOn(self) == true && ProcessFacts.EffectiveUser(holder.ProcessId) is null && session.Lock(key, s_leaving) == true)
        {
            return session;
        }

        if (request.Wait == TimeSpan.Zero)
        {
            throw Refusal(holder, request);
        }

        // The names alone do not show it: in containers, many machines have the same one, and every script the same PID.
        if (holder?.IsSelf(self) == true && Sockets.AnySignalsAtEnd(Shared.LeastDescriptor))
        {
            throw new RunException(
                ExitStatus.AlreadyRunning, $"deadlock: {request.SharedName} is held by this process, for the script that it was before");
        }

        var limit = request.Wait is { } total ? string.Create(CultureInfo.InvariantCulture, $" for at most {total.TotalSeconds} s") : "";
        Messages.Note($"{Describe(holder, request)}: waiting{limit}");
        while (true)
        {
            var left = Left(request, asked);
            switch (left == TimeSpan.Zero ? session.TryLock(key) : session.Lock(key, left is null || left > s_turn ? s_turn : left.Value))
            {
                case true:
                    return session;
                case false when Left(request, asked) == TimeSpan.Zero:
                    throw Refusal(session.Holder(key), request);
                case false:
                    break;
                default:
                    session.Dispose();
                    session = Reopen(request, self, asked);
                    break;
            }
        }
    }

    /// <summary>Opens a session again that was lost while it waited: the server may be starting again.</summary>
    private static PlaceSession Reopen(LockRequest request, PlaceHolder self, Stopwatch asked)
    {
        Messages.Step(() => $"{request.Place!.Name}: the connection was lost, opening it again");
        for (var lost = Stopwatch.StartNew(); ; Thread.Sleep(s_retry))
        {
            try
            {
                return PlaceSession.Open(request.Place!, self);
            }
            catch (RunException e) when (e.Status == ExitStatus.Unavailable
                && lost.Elapsed < s_longestAbsence && Left(request, asked) != TimeSpan.Zero)
            {
                Messages.Step(() => e.Message);
            }
        }
    }

    /// <summary>Null for no limit.</summary>
    private static TimeSpan? Left(LockRequest request, Stopwatch asked) =>
        request.Wait is not { } total ? null : total > asked.Elapsed ? total - asked.Elapsed : TimeSpan.Zero;

    private static RunException Refusal(PlaceHolder? holder, LockRequest request) =>
        new(ExitStatus.AlreadyRunning, Describe(holder, request));

    /// <summary>The message: <c>x is already running on web2 (pid 812)</c>.</summary>
    private static string Describe(PlaceHolder? holder, LockRequest request)
    {
        // The holder of a script's own lock is that script, and its name there may be cut.
        var script = request.Name is null ? request.Script : holder?.Script;
        var named = request.Name is null ? "" : $" and holds the lock {request.SharedName}";
        return script is null ? $"{request.SharedName} is held by another session"
            : holder is null ? $"{script} is already running (the server does not say where)"
            : $"{script} is already running on {holder.Host} (pid {holder.ProcessId.ToString(CultureInfo.InvariantCulture)}){named}";
    }
}
