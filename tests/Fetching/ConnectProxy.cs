using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Run.Tests.Fetching;

/// <summary>
/// A proxy that takes every CONNECT to one port of this machine, whose server thus stands in for any host. It may refuse the first ones.
/// </summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<string> _heads = new();
    private readonly int _port;
    private readonly ConcurrentQueue<int> _refusals;
    private readonly Func<Task> _hold;
    private readonly Task _accepting;

    private ConnectProxy(int port, int[] refusals, Func<Task>? hold = null)
    {
        (_port, _refusals, _hold) = (port, new(refusals), hold ?? (static () => Task.CompletedTask));
        _listener.Start();
        _accepting = Accept();
    }

    public string Authority => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>The request lines and headers of the CONNECT requests.</summary>
    public string[] Heads => [.. _heads];

    /// <param name="refusals">The statuses of the first answers.</param>
    public static ConnectProxy To(int port, params int[] refusals) => new(port, refusals);

    /// <param name="hold">What each CONNECT waits for before it is taken.</param>
    public static ConnectProxy To(int port, Func<Task> hold) => new(port, [], hold);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task Accept()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                open.Add(Tunnel(await _listener.AcceptTcpClientAsync(_end.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task Tunnel(TcpClient client)
    {
        using var near = client;
        using var far = new TcpClient();
        try
        {
            var head = new StringBuilder();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)
                && await near.GetStream().ReadAsync(one, _end.Token) == 1)
            {
                head.Append((char)one[0]);
            }

            _heads.Enqueue(head.ToString());
            if (_refusals.TryDequeue(out var status))
            {
                await near.GetStream().WriteAsync(
                    Encoding.ASCII.GetBytes($"HTTP/1.1 {status} Refused\r\nContent-Length: 0\r\n\r\n"), _end.Token);
                return;
            }

            await _hold().WaitAsync(_end.Token);
            await far.ConnectAsync(IPAddress.Loopback, _port, _end.Token);
            await near.GetStream().WriteAsync("HTTP/1.1 200 Connected\r\n\r\n"u8.ToArray(), _end.Token);
            await Task.WhenAny(
                near.GetStream().CopyToAsync(far.GetStream(), _end.Token), far.GetStream().CopyToAsync(near.GetStream(), _end.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
        {
            // One side has closed its connection.
        }
    }
}
