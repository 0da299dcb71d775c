using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Run.Posix;

/// <summary>
/// A connection to a PostgreSQL server, by libpq: <c>https://www.postgresql.org/docs/current/libpq.html</c>. The library is loaded when it
/// is first used. Nothing here blocks, but for the lookup of a host name: whoever calls waits for <see cref="Socket"/>.
/// </summary>
internal sealed unsafe class LibPq : IDisposable
{
    private const string Library = "libpq.so.5";
    private const int ConnectionOk = 0, CommandOk = 1, TuplesOk = 2, SqlState = 'C';

    private static readonly Lazy<nint> s_library = new(static () => NativeLibrary.TryLoad(Library, out var library) ? library : 0);

    private nint _connection;

    private LibPq(nint connection) => _connection = connection;

    /// <summary>What a connection that is being opened is waiting for.</summary>
    public enum Progress
    {
        Failed = 0,
        Reading = 1,
        Writing = 2,
        Open = 3,
    }

    /// <summary>Whether the library can be loaded. Check this first.</summary>
    public static bool IsThere => s_library.Value != 0;

    /// <summary>PQlibVersion: 150004 is 15.4.</summary>
    public static int Version => ((delegate* unmanaged<int>)Function("PQlibVersion"))();

    public bool IsOk => ((delegate* unmanaged<nint, int>)Function("PQstatus"))(_connection) == ConnectionOk;

    /// <summary>The socket, which may be another one for each address that is tried; negative if there is none.</summary>
    public int Socket => ((delegate* unmanaged<nint, int>)Function("PQsocket"))(_connection);

    /// <summary>PQerrorMessage: what failed last, in one or more lines.</summary>
    public string Error => Text(((delegate* unmanaged<nint, byte*>)Function("PQerrorMessage"))(_connection));

    /// <summary>PQbackendPID: the PID that the other side has given for cancelling. A pooler makes one up.</summary>
    public int BackendProcess => ((delegate* unmanaged<nint, int>)Function("PQbackendPID"))(_connection);

    /// <summary>PQisBusy: whether <see cref="NextResult"/> would block.</summary>
    public bool IsBusy => ((delegate* unmanaged<nint, int>)Function("PQisBusy"))(_connection) != 0;

    /// <summary>PQconninfo: what the connection was opened with, from the URL, the environment and the service file.</summary>
    public IReadOnlyList<Setting> Settings =>
        ToSettings(((delegate* unmanaged<nint, ConnectionOption*>)Function("PQconninfo"))(_connection));

    /// <summary>The password that was used, which may come from a file.</summary>
    public string Password => Text(((delegate* unmanaged<nint, byte*>)Function("PQpass"))(_connection));

    /// <summary>PQconninfoParse: whether the URL can be understood. If not, the message may quote any part of it.</summary>
    public static string? Check(string url)
    {
        byte* error = null;
        fixed (byte* text = OsText.ToCString(url))
        {
            var options = ((delegate* unmanaged<byte*, byte**, ConnectionOption*>)Function("PQconninfoParse"))(text, &error);
            if (options is not null)
            {
                _ = ToSettings(options);
                return null;
            }
        }

        var message = error is null ? "out of memory" : Text(error);
        ((delegate* unmanaged<byte*, void>)Function("PQfreemem"))(error);
        return message;
    }

    /// <summary>PQconnectStartParams: begins to open a connection.</summary>
    /// <param name="settings">
    /// Later ones win. A <c>dbname</c> that is a URL counts as all the settings in it. The notices of the server are ignored.
    /// </param>
    /// <returns>Null if there is no memory.</returns>
    public static LibPq? Start(IReadOnlyList<(string Name, string Value)> settings)
    {
        using var names = new ArgumentVector([.. settings.Select(static setting => setting.Name)]);
        using var values = new ArgumentVector([.. settings.Select(static setting => setting.Value)]);
        var connection = ((delegate* unmanaged<byte**, byte**, int, nint>)Function("PQconnectStartParams"))(
            names.Pointer, values.Pointer, 1);
        if (connection == 0)
        {
            return null;
        }

        // The default prints them on standard error.
        ((delegate* unmanaged<nint, delegate* unmanaged[Cdecl]<nint, nint, void>, nint, nint>)Function("PQsetNoticeProcessor"))(
            connection, &Ignore, 0);
        return new LibPq(connection);
    }

    /// <summary>PQhost: which of the hosts is being tried, as the settings call it.</summary>
    public string Host => Text(((delegate* unmanaged<nint, byte*>)Function("PQhost"))(_connection));

    /// <summary>PQport: the port that is being tried.</summary>
    public string Port => Text(((delegate* unmanaged<nint, byte*>)Function("PQport"))(_connection));

    /// <summary>PQconnectPoll. Call it when the socket is ready for what the last call has returned; at first for writing.</summary>
    public Progress Continue() => (Progress)((delegate* unmanaged<nint, int>)Function("PQconnectPoll"))(_connection);

    /// <summary>PQsendQuery: sends one or more statements.</summary>
    public bool Send(string statements)
    {
        fixed (byte* text = OsText.ToCString(statements))
        {
            return ((delegate* unmanaged<nint, byte*, int>)Function("PQsendQuery"))(_connection, text) != 0;
        }
    }

    /// <summary>PQconsumeInput: takes what has arrived.</summary>
    /// <returns>False if the connection is lost.</returns>
    public bool Consume() => ((delegate* unmanaged<nint, int>)Function("PQconsumeInput"))(_connection) != 0 && IsOk;

    /// <summary>PQgetResult: the answer to the next statement; null after the last one.</summary>
    public Answer? NextResult()
    {
        var result = ((delegate* unmanaged<nint, nint>)Function("PQgetResult"))(_connection);
        if (result == 0)
        {
            return null;
        }

        try
        {
            var status = ((delegate* unmanaged<nint, int>)Function("PQresultStatus"))(result);
            if (status is not (CommandOk or TuplesOk))
            {
                return new Answer(
                    [], Text(((delegate* unmanaged<nint, byte*>)Function("PQresultErrorMessage"))(result)),
                    Text(((delegate* unmanaged<nint, int, byte*>)Function("PQresultErrorField"))(result, SqlState)));
            }

            var rows = new string[((delegate* unmanaged<nint, int>)Function("PQntuples"))(result)][];
            var columns = ((delegate* unmanaged<nint, int>)Function("PQnfields"))(result);
            var value = (delegate* unmanaged<nint, int, int, byte*>)Function("PQgetvalue");
            for (var row = 0; row < rows.Length; row++)
            {
                rows[row] = new string[columns];
                for (var column = 0; column < columns; column++)
                {
                    rows[row][column] = Text(value(result, row, column));
                }
            }

            return new Answer(rows, null, "");
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)Function("PQclear"))(result);
        }
    }

    /// <summary>PQfinish: closes the connection.</summary>
    public void Dispose()
    {
        if (_connection != 0)
        {
            ((delegate* unmanaged<nint, void>)Function("PQfinish"))(_connection);
            _connection = 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Ignore(nint argument, nint notice)
    {
    }

    /// <summary>Reads the list, and frees it.</summary>
    private static List<Setting> ToSettings(ConnectionOption* options)
    {
        var settings = new List<Setting>();
        for (var option = options; option is not null && option->Keyword is not null; option++)
        {
            if (option->Value is not null)
            {
                var isSecret = option->Display is not null && *option->Display == (byte)'*';
                settings.Add(new Setting(Text(option->Keyword), Text(option->Value), isSecret));
            }
        }

        ((delegate* unmanaged<ConnectionOption*, void>)Function("PQconninfoFree"))(options);
        return settings;
    }

    private static string Text(byte* text) =>
        text is null ? "" : OsText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    private static nint Function(string name) => NativeLibrary.GetExport(s_library.Value, name);

    /// <summary>A setting of a connection.</summary>
    /// <param name="IsSecret">Whether it must not be shown.</param>
    public sealed record Setting(string Name, string Value, bool IsSecret);

    /// <summary>The answer to a statement.</summary>
    /// <param name="Rows">As text; NULL is the empty text.</param>
    /// <param name="Error">Null if the statement succeeded.</param>
    /// <param name="State">The SQLSTATE of the error.</param>
    public sealed record Answer(IReadOnlyList<string[]> Rows, string? Error, string State);

    // PQconninfoOption of libpq-fe.h.
    [StructLayout(LayoutKind.Sequential)]
    private struct ConnectionOption
    {
        public byte* Keyword, Variable, BuiltIn, Value, Label, Display;
        public int Size;
    }
}
