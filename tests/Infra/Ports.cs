using System.Net;
using System.Net.Sockets;

namespace Run.Tests.Infra;

/// <summary>TCP ports on loopback: for servers that cannot choose one themselves, and of servers that do not answer.</summary>
internal static class Ports
{
    /// <summary>A port that nobody listens on. Another process may take it at any moment.</summary>
    public static int Free()
    {
        using var listener = Silent(out var port);
        return port;
    }

    /// <summary>A server that takes connections and says nothing, until it is disposed.</summary>
    public static TcpListener Silent(out int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        port = ((IPEndPoint)listener.LocalEndpoint).Port;
        return listener;
    }

    public static bool IsOpen(int port)
    {
        using var client = new TcpClient();
        try
        {
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
