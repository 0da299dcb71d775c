using System.Net;
using System.Net.Sockets;

namespace Run.Tests.Locking.Shared;

/// <summary>A relay between one client and a server, which can also say something of its own, or end the connection.</summary>
internal sealed class Relay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly TaskCompletionSource<Socket> _client = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Relay(int port)
    {
        _listener.Start();
        _ = Task.Run(async () =>
        {
            var client = await _listener.AcceptSocketAsync();
            using var server = new TcpClient();
            await server.ConnectAsync(IPAddress.Loopback, port);
            _client.SetResult(client);
            await using var near = new NetworkStream(client);
            var far = server.GetStream();
            await Task.WhenAny(near.CopyToAsync(far), far.CopyToAsync(near));
        });
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async Task Says(byte[] bytes) => await (await _client.Task).SendAsync(bytes);

    /// <summary>Ends the connection: in order, or by a reset.</summary>
    public async Task Ends(bool reset)
    {
        var client = await _client.Task;
        if (reset)
        {
            client.LingerState = new LingerOption(true, 0);
        }
        else
        {
            client.Shutdown(SocketShutdown.Both);
        }

        client.Close();
    }

    public void Dispose() => _listener.Dispose();
}
