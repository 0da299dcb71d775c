using System.Net;
using System.Net.Sockets;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>Hosts with several addresses.</summary>
public sealed class ConnectionTests
{
    private const string Both =
        "printf '%s\\n' '::1 both.test' '127.0.0.1 both.test' >\"$HOME/hosts\"; mount --bind \"$HOME/hosts\" /etc/hosts";

    [RootFact]
    public async Task IPv6_that_refuses_does_not_keep_IPv4_from_answering()
    {
        await using var world = await World.Serving(("/x", Script));
        world.Conf($"sources:\n  default:\n    url: http://both.test:{world.Server.Port}/%s\n    plain-http: allow\n");
        await world.Run("x").InMountNamespace(Both).Succeeds("ran\n");
    }

    [RootFact]
    public async Task IPv6_that_swallows_everything_costs_a_moment()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "it needs IPv6 on loopback");
        await using var world = await World.Serving(("/x", Script));
        world.Conf($"sources:\n  default:\n    url: http://both.test:{world.Server.Port}/%s\n    plain-http: allow\n");

        // A listener whose queue is full does not answer a SYN.
        using var hole = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        hole.Bind(new IPEndPoint(IPAddress.IPv6Loopback, world.Server.Port));
        hole.Listen(0);
        var fillers = new List<Socket>();
        try
        {
            Task connecting;
            do
            {
                var filler = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
                fillers.Add(filler);
                connecting = filler.ConnectAsync(IPAddress.IPv6Loopback, world.Server.Port, CancellationToken.None).AsTask();
            }
            // Nothing reports that the queue is full, but on loopback only a full queue lets a connection take this long.
            while (await Task.WhenAny(connecting, Task.Delay(300, TestContext.Current.CancellationToken)) == connecting);

            var result = await world.Run("x").InMountNamespace(Both).Succeeds("ran\n");
            result.Check(result.Time < TimeSpan.FromSeconds(8), "less than 8 seconds");
        }
        finally
        {
            fillers.ForEach(static filler => filler.Dispose());
        }
    }
}
