namespace Run.Http;

/// <summary>All limits of a fetch, in time and in bytes, each with its reason.</summary>
internal static class Limits
{
    /// <summary>Bytes of a script, both as sent and decoded. No real script is this long, and a server could send without end.</summary>
    public const long Script = 64L << 20;

    /// <summary>Bytes of an answer that is not a script: a commit's name in a few lines of JSON.</summary>
    public const long Text = 64L << 10;

    /// <summary>Bytes of a signature. Those of ssh-keygen have 300 to 2,000.</summary>
    public const long Signature = 64L << 10;

    /// <summary>Size of an answer's header fields, in KiB. Servers themselves accept 8 to 64 KiB.</summary>
    public const int HeadersKiB = 64;

    /// <summary>Tries per URL. With the pauses below, run gives up on a server that refuses connections after one or two seconds.</summary>
    public const int Tries = 4;

    /// <summary>curl follows 50 and browsers follow 20, but a file rarely has more than one or two.</summary>
    public const int Redirects = 10;

    /// <summary>
    /// All tries of all URLs together, until a body starts to arrive. The contract says 30 seconds; the rest is for a slow machine.
    /// </summary>
    public static TimeSpan StartTimeout => TimeSpan.FromSeconds(25);

    /// <summary>For a connection, including TLS. Three lost SYNs take 7 seconds.</summary>
    public static TimeSpan Connect => TimeSpan.FromSeconds(8);

    /// <summary>
    /// From the start of a try to the header of the answer: enough for a slow server, with some time left for a second try.
    /// </summary>
    public static TimeSpan HeadersTimeout => TimeSpan.FromSeconds(15);

    /// <summary>
    /// Between two pieces of a body. It is shorter if the body began late, so that a body which stalls at once does not exceed
    /// <see cref="StartTimeout"/> by much.
    /// </summary>
    public static TimeSpan Stall => TimeSpan.FromSeconds(10);

    public static TimeSpan ShortestStall => TimeSpan.FromSeconds(3);

    /// <summary>For a whole body, even if it keeps arriving: 64 MiB at 110 KiB per second.</summary>
    public static TimeSpan Body => TimeSpan.FromMinutes(10);

    /// <summary>In bytes per second, over every <see cref="Window"/>. A slower body is treated as stalled.</summary>
    public const int SlowestRate = 512;

    public static TimeSpan Window => TimeSpan.FromSeconds(12);

    /// <summary>The average of the first pause between tries. Each later pause is about twice as long, with jitter.</summary>
    public static TimeSpan FirstPause => TimeSpan.FromMilliseconds(200);

    public static TimeSpan LongestPause => TimeSpan.FromSeconds(5);

    /// <summary>How long one address is tried before the next one is tried in parallel: RFC 8305, section 5.</summary>
    public static TimeSpan HeadStart => TimeSpan.FromMilliseconds(250);
}
