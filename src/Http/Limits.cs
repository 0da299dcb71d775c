namespace Run.Http;

/// <summary>How much a fetch may take: of time, of bytes, of patience. All the numbers, each with its reason, and nowhere else.</summary>
internal static class Limits
{
    /// <summary>Of a script, as it is sent and once decoded. Nobody reads a script of 64 MiB, and a server may send for ever.</summary>
    public const long Script = 64L << 20;

    /// <summary>Of an answer that is not a script: a commit's name in a few lines of JSON.</summary>
    public const long Text = 64L << 10;

    /// <summary>Of the header fields of one answer, in KiB. Servers themselves take 8 to 64 of them.</summary>
    public const int HeadersKiB = 64;

    /// <summary>Tries of one URL. With the pauses below, a server that refuses connections is given up after one or two seconds.</summary>
    public const int Tries = 4;

    /// <summary>As many as curl and browsers follow is 50 and 20; an honest file has one or two.</summary>
    public const int Redirects = 10;

    /// <summary>
    /// All tries of all URLs together, until a body is arriving. The contract says 30 seconds; the rest is for a slow machine.
    /// </summary>
    public static TimeSpan StartTimeout => TimeSpan.FromSeconds(25);

    /// <summary>To a connection, TLS included. Three lost SYNs take 7 seconds.</summary>
    public static TimeSpan Connect => TimeSpan.FromSeconds(8);

    /// <summary>From the beginning of a try to the header of the answer. A slow server gets its time, and a second try some too.</summary>
    public static TimeSpan HeadersTimeout => TimeSpan.FromSeconds(15);

    /// <summary>
    /// Between two pieces of a body; less where it began late, so that one that stops at once has not outlasted
    /// <see cref="StartTimeout"/> by much.
    /// </summary>
    public static TimeSpan Stall => TimeSpan.FromSeconds(10);

    public static TimeSpan ShortestStall => TimeSpan.FromSeconds(3);

    /// <summary>How long a body may take that keeps moving: 64 MiB at 110 KiB a second.</summary>
    public static TimeSpan Body => TimeSpan.FromMinutes(10);

    /// <summary>A body must bring this many bytes a second in every <see cref="Window"/>: one that brings fewer plays with us.</summary>
    public const int SlowestRate = 512;

    public static TimeSpan Window => TimeSpan.FromSeconds(12);

    /// <summary>The middle of the first pause between tries; each later one is about twice as long, with jitter.</summary>
    public static TimeSpan FirstPause => TimeSpan.FromMilliseconds(200);

    public static TimeSpan LongestPause => TimeSpan.FromSeconds(5);

    /// <summary>The head start of an address before the next one is tried beside it: RFC 8305, section 5.</summary>
    public static TimeSpan HeadStart => TimeSpan.FromMilliseconds(250);

    /// <summary>A fetch shorter than this shows no progress: it would only flicker.</summary>
    public static TimeSpan Silent => TimeSpan.FromMilliseconds(500);
}
