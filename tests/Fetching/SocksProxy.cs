using System.Net;
using System.Net.Sockets;

namespace Run.Tests.Fetching;

/// <summary>How a <see cref="SocksProxy"/> ends.</summary>
public enum SocksEnd
{
    /// <summary>It says nothing more, and keeps the connection open.</summary>
    Silence,

    Reset,
    Close,

    /// <summary>It answers that the connection was refused.</summary>
    Refusal,
}

/// <summary>A proxy that speaks SOCKS 5 (RFC 1928) and never makes a connection.</summary>
internal sealed class SocksProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly bool _greets;
    private readonly SocksEnd _ending;
    private readonly Task _accepting;
    private int _connections;

    private SocksProxy(bool greets, SocksEnd end)
    {
        (_greets, _ending) = (greets, end);
        _listener.Start();
        _accepting = Accept();
    }

    public string Authority => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>How many clients have said something.</summary>
    public int Connections => _connections;

    /// <param name="greets">Whether it accepts the greeting, and ends only when it is told where to connect to.</param>
    public static SocksProxy Start(bool greets, SocksEnd end) => new(greets, end);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task Accept()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                open.Add(Converse(await _listener.AcceptSocketAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task Converse(Socket accepted)
    {
        using var client = accepted;
        var buffer = new byte[512];
        try
        {
            await client.ReceiveAsync(buffer, _stop.Token);
            Interlocked.Increment(ref _connections);
            if (_greets)
            {
                await client.SendAsync((byte[])[5, 0], _stop.Token);
                await client.ReceiveAsync(buffer, _stop.Token);
            }

            switch (_ending)
            {
                case SocksEnd.Silence:
                    await client.ReceiveAsync(buffer, _stop.Token);
                    break;
                case SocksEnd.Reset:
                    client.LingerState = new LingerOption(enable: true, 0);
                    break;
                case SocksEnd.Refusal:
                    await client.SendAsync((byte[])[5, 5, 0, 1, 0, 0, 0, 0, 0, 0], _stop.Token);
                    break;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The client has closed the connection, or the test has ended.
        }
    }
}
