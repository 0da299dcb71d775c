using System.Net;
using System.Net.Sockets;

namespace Run.Http;

/// <summary>
/// Connects to the first of a host's addresses that answers (RFC 8305, "Happy Eyeballs"). IPv6 and IPv4 addresses are tried alternately,
/// each with a short head start over the next, so that a broken IPv6 costs a quarter of a second and not a minute.
/// </summary>
internal static class Connector
{
    public static async Task<Socket> ConnectAsync(string host, int port, CancellationToken stop)
    {
        var addresses = Alternating(await Dns.GetHostAddressesAsync(host, stop).ConfigureAwait(false));
        using var race = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var running = new List<Task<Socket>>();
        SocketException? failure = null;
        for (var next = 0; ;)
        {
            if (next < addresses.Count)
            {
                running.Add(OpenAsync(addresses[next++], port, race.Token));
            }
            else if (running.Count == 0)
            {
                throw failure ?? new SocketException((int)SocketError.HostNotFound);
            }

            var turn = Task.Delay(next < addresses.Count ? Limits.HeadStart : Timeout.InfiniteTimeSpan, race.Token);
            var first = await Task.WhenAny([.. running, turn]).ConfigureAwait(false);
            stop.ThrowIfCancellationRequested();
            if (first is not Task<Socket> finished)
            {
                continue;
            }

            running.Remove(finished);
            try
            {
                var socket = await finished.ConfigureAwait(false);
                await race.CancelAsync().ConfigureAwait(false);
                running.ForEach(Drop);
                return socket;
            }
            catch (SocketException e)
            {
                // The system prefers the first address, so its failure is the one to report.
                failure ??= e;
            }
        }
    }

    private static async Task<Socket> OpenAsync(IPAddress address, int port, CancellationToken stop)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), stop).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Both address families alternately, beginning with the one that the system prefers, and in the system's order within each family.
    /// </summary>
    private static List<IPAddress> Alternating(IPAddress[] addresses)
    {
        var preferred = addresses.Where(a => a.AddressFamily == addresses[0].AddressFamily).ToArray();
        var others = addresses.Where(a => a.AddressFamily != addresses[0].AddressFamily).ToArray();
        var alternating = new List<IPAddress>(addresses.Length);
        for (var i = 0; i < Math.Max(preferred.Length, others.Length); i++)
        {
            alternating.AddRange(preferred.Skip(i).Take(1));
            alternating.AddRange(others.Skip(i).Take(1));
        }

        return alternating;
    }

    /// <summary>Closes a connection that lost the race but may still be established.</summary>
    private static void Drop(Task<Socket> loser) => loser.ContinueWith(
        static task =>
        {
            if (task.IsCompletedSuccessfully)
            {
                task.Result.Dispose();
            }
            else
            {
                _ = task.Exception;
            }
        },
        TaskScheduler.Default);
}
