using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>
/// A server on loopback that sends what the test wrote, byte for byte: answers that end early, never end, have no length, or are not HTTP.
/// It reads each connection to the end of the request's headers, sends the next answer (or the last one again), and closes the connection.
/// </summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Func<Connection, Task>[] _answers;
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly Task _accepting;
    private int _next = -1;

    private RawServer(Func<Connection, Task>[] answers)
    {
        _answers = answers;
        _listener.Start(backlog: 512);
        _accepting = Accept();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>The request line and headers of each request.</summary>
    public string[] Requests => [.. _requests];

    public static RawServer Start(params Func<Connection, Task>[] answers) => new(answers);

    /// <summary>Sends exactly this and closes.</summary>
    public static Func<Connection, Task> Says(string answer) => connection => connection.Send(answer);

    /// <summary>An ordinary answer, with a Content-Length.</summary>
    public static Func<Connection, Task> Serves(string body) => Says(
        $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {Length(body)}\r\n\r\n{body}");

    /// <summary>Announces the whole body, and closes the connection after <paramref name="sent"/> bytes of it.</summary>
    public static Func<Connection, Task> Cuts(string body, int sent) => Says(
        $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {Length(body)}\r\n\r\n{body[..sent]}");

    /// <summary>Sends this and nothing more, and keeps the connection open until the client closes it or the test ends.</summary>
    public static Func<Connection, Task> Stalls(string answer = "") => async connection =>
    {
        await connection.Send(answer);
        await connection.UntilClosed();
    };

    /// <summary>Sends this, then resets the connection (RST, not FIN).</summary>
    public static Func<Connection, Task> Resets(string answer = "") => async connection =>
    {
        await connection.Send(answer);
        connection.Reset();
    };

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private static string Length(string body) => Encoding.UTF8.GetByteCount(body).ToString(CultureInfo.InvariantCulture);

    private async Task Accept()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                open.Add(Converse(await _listener.AcceptSocketAsync(_end.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task Converse(Socket socket)
    {
        using var connection = new Connection(socket, _end.Token);
        try
        {
            var request = await connection.ReadRequest();
            if (request.Length > 0)
            {
                _requests.Enqueue(request);
                await _answers[Math.Min(Interlocked.Increment(ref _next), _answers.Length - 1)](connection);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // The client has closed the connection, or the test has ended.
        }
    }

    /// <summary>One connection, from this server's side.</summary>
    internal sealed class Connection(Socket socket, CancellationToken end) : IDisposable
    {
        public CancellationToken End => end;

        public async Task Send(string text) => await Send(OsText.ToBytes(text));

        public async Task Send(ReadOnlyMemory<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                bytes = bytes[await socket.SendAsync(bytes, end)..];
            }
        }

        public void Reset()
        {
            socket.LingerState = new LingerOption(enable: true, 0);
            socket.Close();
        }

        public async Task UntilClosed()
        {
            var buffer = new byte[256];
            while (await socket.ReceiveAsync(buffer, end) > 0)
            {
            }
        }

        internal async Task<string> ReadRequest()
        {
            var text = new StringBuilder();
            var buffer = new byte[4096];
            while (!text.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
            {
                var count = await socket.ReceiveAsync(buffer, end);
                if (count == 0)
                {
                    break;
                }

                text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }

            return text.ToString();
        }

        public void Dispose()
        {
            // An orderly end: all that was sent arrives, even if part of the request was not read.
            try
            {
                socket.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
            }

            socket.Dispose();
        }
    }
}
