using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Locking;

/// <summary>
/// A session on the PostgreSQL server of a place, and what is asked there. Locks are the advisory locks of the session: its end, for
/// whatever reason, releases them.
/// </summary>
internal sealed class PlaceSession : IDisposable
{
    private const string LockTimedOut = "55P03";

    /// <summary>How long one address may take, unless the URL says it, and how long an answer may take that needs no waiting.</summary>
    private const int ConnectSeconds = 10, AnswerSeconds = 15;

    /// <summary>How long all addresses together may take, unless the URL says how long one of them may.</summary>
    private static readonly TimeSpan s_longestConnect = TimeSpan.FromSeconds(25);

    // How much longer than lock_timeout the answer may take.
    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(5);

    /// <summary>
    /// What the URL may override. A connection that is cut is noticed here after 14 seconds at most, and by the server, with the settings
    /// below, after 20 to 25. So the script is told before another machine can begin.
    /// </summary>
    private static readonly (string Name, string Value)[] s_settings =
    [
        ("keepalives_idle", "5"), ("keepalives_interval", "3"), ("keepalives_count", "3"),
        ("connect_timeout", ConnectSeconds.ToString(CultureInfo.InvariantCulture)),
    ];

    /// <summary>
    /// What the session is given on the server, of what the server knows. No time limit may end it. A killed process that has waited leaves
    /// the queue when the server looks after it, which not every system can. The names are qualified, because a database may have functions
    /// of others under the same ones.
    /// </summary>
    private const string SetUp = """
        SELECT pg_catalog.set_config(s.name, v.value, false)
        FROM (VALUES ('idle_session_timeout', '0'), ('statement_timeout', '0'), ('lock_timeout', '0'), ('transaction_timeout', '0'),
            ('idle_in_transaction_session_timeout', '0'), ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'),
            ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '20000'), ('client_connection_check_interval', '5000')) v(name, value)
        JOIN pg_catalog.pg_settings s ON s.name = v.name
        WHERE s.name <> 'client_connection_check_interval' OR pg_catalog.version() LIKE '%linux%';
        """;

    private const string InThisDatabase =
        "l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted"
        + " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";

    private readonly LockPlace _place;
    private readonly List<(string Name, string Value)> _settings;
    private readonly List<string> _secrets = [];
    private LibPq _connection;

    private PlaceSession(LockPlace place, List<(string Name, string Value)> settings) =>
        (_place, _settings, _connection) = (place, settings, Start(settings));

    /// <summary>Whether the connection is gone. What was locked is free then, or soon will be.</summary>
    public bool IsLost => !_connection.IsOk;

    public int Socket => _connection.Socket;

    /// <summary>Opens a session.</summary>
    /// <exception cref="RunException">69: no server, or it refuses. 73: there is no libpq. 78: the URL is wrong.</exception>
    public static PlaceSession Open(LockPlace place, PlaceHolder self)
    {
        if (!LibPq.IsThere)
        {
            throw new RunException(
                ExitStatus.CannotWrite, $"{place.Name}: locks there need libpq.so.5, which is not installed (package libpq5, or libpq)");
        }

        if (LibPq.Check(place.Url) is { } mistake)
        {
            throw Wrong(place, "its URL", mistake);
        }

        Signals.HandleInterrupts();
        var settings = new List<(string Name, string Value)>(s_settings);
        if (LibPq.Version >= 120000)
        {
            settings.Add(("tcp_user_timeout", "12000"));
        }

        // Of several hosts only the primary will do: a lock on a standby is another lock.
        settings.Add(("target_session_attrs", LibPq.Version >= 140000 ? "primary" : "read-write"));
        settings.Add(("dbname", place.Url));
        settings.Add(("application_name", self.ApplicationName));
        var session = new PlaceSession(place, settings);
        try
        {
            session.Connect();
            _ = session.Ask(SetUp);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The key of a lock: the first 64 bits of the SHA-256 of <c>run</c>, a NUL, and what is locked.</summary>
    public static long KeyOf(string what) => BinaryPrimitives.ReadInt64BigEndian(
        Convert.FromHexString(Sha256.HexOf([.. "run\0"u8, .. OsText.ToBytes(what)])[..(2 * sizeof(long))]));

    /// <summary>Takes the lock if it is free.</summary>
    /// <exception cref="RunException">69: the connection is lost, or the server is a standby.</exception>
    public bool TryLock(long key)
    {
        // A standby has locks of its own, which the primary's sessions do not see.
        var row = Ask(Invariant(
            $"SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_try_advisory_lock('{key}'::bigint) END"));
        return row is [["t" or "f"]] ? row[0][0] == "t" : throw Failure("the server is a standby, and its locks are not the primary's");
    }

    /// <summary>Waits for the lock, in the server's queue.</summary>
    /// <returns>Whether it was taken in time; null if the connection is lost.</returns>
    /// <exception cref="RunException">69: the server refuses.</exception>
    public bool? Lock(long key, TimeSpan timeout)
    {
        // 0 would be no limit. In the server the time starts a little later.
        var milliseconds = Math.Max((int)Math.Ceiling(timeout.TotalMilliseconds), 1);
        var answer = Send(
            Invariant($"""
                SELECT pg_catalog.set_config('lock_timeout', '{milliseconds}', false);
                SELECT pg_catalog.pg_advisory_lock('{key}'::bigint)
                """),
            timeout + s_late);
        return answer is { Error: null } ? true
            : IsLost || answer is null ? null
            : answer.State == LockTimedOut ? false
            : throw Failure(Words(answer.Error));
    }

    /// <summary>
    /// Checks that the lock which was taken is this session's, and stays so: a pooler between here and the server may hand each statement,
    /// or each transaction, to another session.
    /// </summary>
    /// <exception cref="RunException">69.</exception>
    public void Verify(long key, PlaceHolder self)
    {
        var own = Own(key);
        if (own.Session == _connection.BackendProcess.ToString(CultureInfo.InvariantCulture))
        {
            return;
        }

        // A pooler. If it hands out the server's sessions by turns, it gives a second one of ours this one's, or this one another.
        using var other = Open(_place, self);
        var answer = other.Send("BEGIN; SELECT pg_catalog.pg_backend_pid()", TimeSpan.FromSeconds(2));
        if (answer is { Error: not null } || answer?.Rows is [[var session]] && session == own.Session || Own(key) != own)
        {
            throw Pooled();
        }
    }

    /// <summary>Who holds the lock; null if nobody does, or the server does not say who.</summary>
    public PlaceHolder? Holder(long key) => Holders(Of(key)).FirstOrDefault();

    /// <summary>All holders of locks there that are scripts of <c>run</c>, sorted by machine and PID.</summary>
    public IReadOnlyList<PlaceHolder> Holders() =>
        Holders("true").OrderBy(static one => one.Host, StringComparer.Ordinal).ThenBy(static one => one.ProcessId).ToList();

    /// <summary>Takes what has arrived.</summary>
    /// <exception cref="RunException">69: the connection is lost.</exception>
    public void Check()
    {
        if (!_connection.Consume())
        {
            throw Failure(Words(_connection.Error));
        }
    }

    public RunException Failure(string why) => new(ExitStatus.Unavailable, $"{_place.Name}: {why}");

    public void Dispose() => _connection.Dispose();

    /// <summary>The session that holds the lock, and what this connection's statements run in; they must be the same.</summary>
    private (string Session, string Locked) Own(long key)
    {
        var rows = Ask(Invariant(
            $"SELECT pg_catalog.pg_backend_pid(), l.pid FROM pg_catalog.pg_locks l WHERE {InThisDatabase} AND {Of(key)}"));
        return rows is [[var session, var locked]] && session == locked ? (session, locked) : throw Pooled();
    }

    private RunException Pooled() => Failure(
        "the lock does not stay with this connection: a pooler in transaction or statement mode, or a server without advisory locks");

    private static string Of(long key) =>
        Invariant($"l.classid = '{(uint)(key >>> 32)}'::oid AND l.objid = '{(uint)key}'::oid");

    private IEnumerable<PlaceHolder> Holders(string which)
    {
        // An idle session has changed its state when it got the lock. Of sessions of another role that is hidden.
        var rows = Ask($"""
            SELECT a.application_name, CAST(extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change) AS bigint)
            FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
            WHERE {InThisDatabase} AND {which}
            """);
        foreach (var row in rows)
        {
            if (PlaceHolder.Parse(row[0]) is { } holder)
            {
                yield return holder with
                {
                    Seconds = long.TryParse(row[1], CultureInfo.InvariantCulture, out var seconds) ? Math.Max(seconds, 0) : null,
                };
            }
        }
    }

    /// <summary>Goes on until the connection is open.</summary>
    private void Connect()
    {
        var seconds = _connection.Settings.FirstOrDefault(static setting => setting.Name == "connect_timeout")?.Value;
        var limit = int.TryParse(seconds, CultureInfo.InvariantCulture, out var given) && given > 0 ? given : ConnectSeconds;
        _secrets.AddRange(_connection.Settings.Where(static setting => setting.IsSecret).Select(static setting => setting.Value));
        var (socket, clock, timedOut) = (-1, Stopwatch.StartNew(), false);
        var all = Stopwatch.StartNew();
        var (hosts, silent, before) = (PlaceHosts.Of(_connection.Settings), (PlaceHosts?)null, "");
        var next = LibPq.Progress.Writing;
        while (next != LibPq.Progress.Open)
        {
            if (next == LibPq.Progress.Failed)
            {
                _secrets.Add(_connection.Password);
                var words = before + Words(_connection.Error) + (timedOut ? Invariant($" (no answer within {limit} s)") : "");
                if (silent is null)
                {
                    throw IsMistake(_connection.Error)
                        ? Wrong(_place, "its URL, or a variable of libpq,", _connection.Error)
                        : Failure(words);
                }

                // To PQconnectPoll, a server that has accepted the connection and then says nothing is a failure of all hosts, unlike to
                // PQconnectdb, which would block. So the others are tried with another connection.
                hosts = silent;
                _connection.Dispose();
                _connection = Start([.. _settings, .. hosts.Settings]);
                (next, socket, timedOut, silent, before) = (LibPq.Progress.Writing, -1, false, null, words + "; ");
                continue;
            }

            silent = null;

            if (socket != _connection.Socket)
            {
                (socket, clock) = (_connection.Socket, Stopwatch.StartNew());
            }

            var left = TimeSpan.FromSeconds(limit) - clock.Elapsed;
            if (limit == ConnectSeconds && left > s_longestConnect - all.Elapsed)
            {
                left = s_longestConnect - all.Elapsed;
                if (left <= TimeSpan.Zero)
                {
                    throw Failure(Invariant($"no answer within {s_longestConnect.TotalSeconds} s"));
                }
            }

            if (socket >= 0 && (left <= TimeSpan.Zero || !Sockets.Wait(socket, next == LibPq.Progress.Writing, left)))
            {
                // libpq takes it as a failure. If it was still connecting, it goes on with the next address if there is one.
                timedOut = true;
                silent = hosts.Without(_connection.Host, _connection.Port);
                Sockets.ShutDown(socket);
                socket = -1;
            }

            next = _connection.Continue();
        }

        _secrets.Add(_connection.Password);
    }

    /// <summary>Sends a statement, and returns the rows of the answer.</summary>
    /// <exception cref="RunException">69: the server refuses, or the connection is lost.</exception>
    private IReadOnlyList<string[]> Ask(string statement)
    {
        var answer = Send(statement, TimeSpan.FromSeconds(AnswerSeconds));
        return answer is null ? throw Failure(IsLost ? Words(_connection.Error) : Invariant($"no answer within {AnswerSeconds} s"))
            : answer.Error is { } error ? throw Failure(Words(error))
            : answer.Rows;
    }

    /// <summary>Sends statements, and returns the answer to the last one, or the first error.</summary>
    /// <returns>Null if there was none in time, or the connection is lost.</returns>
    private LibPq.Answer? Send(string statements, TimeSpan? timeout)
    {
        var clock = Stopwatch.StartNew();
        LibPq.Answer? last = null;
        if (!_connection.Send(statements))
        {
            return null;
        }

        while (true)
        {
            while (_connection.IsBusy)
            {
                var left = timeout - clock.Elapsed;
                if (left < TimeSpan.Zero || !Sockets.Wait(_connection.Socket, toWrite: false, left) || !_connection.Consume())
                {
                    return null;
                }
            }

            if (_connection.NextResult() is not { } answer)
            {
                return IsLost ? null : last;
            }

            last = last?.Error is null ? answer : last;
        }
    }

    /// <summary>The words of libpq or the server in one line, without its own hints and without a password.</summary>
    private string Words(string error)
    {
        var lines = error.Split('\n').Where(static line => line.Length > 0 && line[0] is not ('\t' or ' '))
            .Select(static line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.', '\r'));
        var words = string.Join("; ", lines.Distinct());
        foreach (var secret in _secrets.Append(_place.Url).Where(static secret => secret.Length > 0))
        {
            words = words.Replace(secret, "***", StringComparison.Ordinal);
        }

        return words.Length > 0 ? words : "the connection is lost";
    }

    private static LibPq Start(List<(string Name, string Value)> settings) =>
        LibPq.Start(settings) ?? throw new RunException(ExitStatus.Internal, "not enough memory");

    /// <summary>Whether libpq speaks of a setting, and not a server of something else. It quotes the value.</summary>
    private static bool IsMistake(string error) =>
        error.StartsWith("invalid ", StringComparison.Ordinal) || error.StartsWith("could not match ", StringComparison.Ordinal)
        || (error.Contains("invalid integer value \"", StringComparison.Ordinal)
            && error.Contains("\" for connection option \"", StringComparison.Ordinal));

    private static RunException Wrong(LockPlace place, string what, string mistake) =>
        place.At.Mistake($"{place.Name}: {what} is wrong: {WithoutQuotes(mistake)}");

    /// <summary>What libpq says of a URL that it does not understand. It quotes parts of it, among which may be a password.</summary>
    private static string WithoutQuotes(string mistake)
    {
        mistake = mistake[Math.Max(mistake.IndexOf("invalid integer", StringComparison.Ordinal), 0)..];
        var first = mistake.IndexOf('"', StringComparison.Ordinal);
        return (first < 0 ? mistake : mistake[..first]).Split('\n')[0].Trim().TrimEnd(':', '.');
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
