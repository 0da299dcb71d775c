using System.Net;
using System.Net.Sockets;

namespace Run.Tests.Infra;

/// <summary>TCP ports on loopback, for servers that cannot choose one themselves.</summary>
internal static class Ports
{
    /// <summary>A port that nobody listens on. Another process may take it at any moment.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
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
