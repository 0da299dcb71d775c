using System.Diagnostics;

namespace Run.Posix;

/// <summary>Sockets as numbers: waiting for them, and the signal that a lost connection sends.</summary>
internal static unsafe class Sockets
{
    // fcntl.h, asm-generic/socket.h, poll.h.
    private const int GetStatusFlags = 3, SetStatusFlags = 4, SetOwner = 8, GetOwner = 9, SetSignal = 10, Async = 0x2000;
    private const int SocketLevel = 1, LeastReceived = 18, BothDirections = 2;
    private const short PollIn = 1, PollOut = 4, PollError = 8, PollHangUp = 16, PollOtherHangUp = 0x2000;

    // The kernel reduces it to what the receive buffer can have.
    private const int MostUnread = 1 << 30;

    /// <summary>poll(2): waits until the socket can be read, or written, or has failed.</summary>
    /// <param name="timeout">Null for no limit.</param>
    /// <returns>False if the time has passed.</returns>
    public static bool Wait(int descriptor, bool toWrite, TimeSpan? timeout)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var polled = new NativeMethods.Polled { Descriptor = descriptor, Events = toWrite ? PollOut : PollIn };
            var left = timeout is { } limit ? Math.Clamp((limit - clock.Elapsed).TotalMilliseconds, 0, int.MaxValue - 1) : -1;
            var ready = NativeMethods.poll(&polled, 1, (int)Math.Ceiling(left));
            if (ready > 0 || (ready < 0 && NativeMethods.LastError != Errno.Interrupted))
            {
                return true;
            }

            if (timeout is { } total && clock.Elapsed >= total)
            {
                return false;
            }
        }
    }

    /// <summary>shutdown(2): makes whoever waits for the socket find that it has failed.</summary>
    public static void ShutDown(int descriptor) => _ = NativeMethods.shutdown(descriptor, BothDirections);

    /// <summary>
    /// From now on the kernel sends this process, and the program that it becomes, the signal when the connection ends (F_SETOWN, F_SETSIG
    /// and O_ASYNC of fcntl(2)). SO_RCVLOWAT of socket(7) keeps it from doing so for a few bytes that arrive on a connection that is still
    /// there, up to the 64 KiB or so that the kernel takes without a reader; a Unix-domain socket has no such limit.
    /// </summary>
    public static Errno SignalAtEnd(int descriptor, int signal)
    {
        var least = MostUnread;
        _ = NativeMethods.setsockopt(descriptor, SocketLevel, LeastReceived, &least, sizeof(int));
        var flags = NativeMethods.fcntl(descriptor, GetStatusFlags, 0);
        return flags == -1
            || NativeMethods.fcntl(descriptor, SetOwner, Processes.Id) == -1
            || NativeMethods.fcntl(descriptor, SetSignal, signal) == -1
            || NativeMethods.fcntl(descriptor, SetStatusFlags, flags | Async) == -1
            ? NativeMethods.LastError
            : Errno.None;
    }

    /// <summary>
    /// Whether a descriptor from <paramref name="least"/> on, or one of the next few, is one of which <see cref="SignalAtEnd"/> was said to
    /// this process, before it became this program.
    /// </summary>
    public static bool AnySignalsAtEnd(int least)
    {
        const int Few = 64;
        for (var descriptor = least; descriptor < least + Few; descriptor++)
        {
            if (NativeMethods.fcntl(descriptor, GetStatusFlags, 0) is not -1 and var flags && (flags & Async) != 0
                && NativeMethods.fcntl(descriptor, GetOwner, 0) == Processes.Id)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the other side has not closed the connection, and it has not failed.</summary>
    public static bool IsConnected(int descriptor)
    {
        var polled = new NativeMethods.Polled { Descriptor = descriptor, Events = PollOtherHangUp };
        return NativeMethods.poll(&polled, 1, 0) >= 0 && (polled.Happened & (PollError | PollHangUp | PollOtherHangUp)) == 0;
    }
}
