namespace Run.Git;

/// <summary>The limits of a fetch by git. Those of what is unpacked are the tree's.</summary>
internal static class GitLimits
{
    /// <summary>Bytes of a pack, as of an archive. A server could send without end.</summary>
    public const long Pack = 64L << 20;

    /// <summary>Bytes of all refs of a repository, which are listed only for a hint.</summary>
    public const int Refs = 4 << 20;

    /// <summary>Commits that the server is told about, so that it sends only what changed since the latest of them.</summary>
    public const int Known = 16;

    /// <summary>Without a word from git, and without another byte. The contract says 30 seconds; the rest is for a slow machine.</summary>
    public static TimeSpan Stall => TimeSpan.FromSeconds(25);

    /// <summary>For a fetch, even if it goes on and on: 64 MiB at 110 KiB per second.</summary>
    public static TimeSpan Whole => TimeSpan.FromMinutes(10);

    /// <summary>For a hint, which is worth a short wait.</summary>
    public static TimeSpan Hint => TimeSpan.FromSeconds(8);

    /// <summary>How often the size of what has arrived is looked at.</summary>
    public static TimeSpan Tick => TimeSpan.FromMilliseconds(200);

    /// <summary>For a process to end that was asked to.</summary>
    public static TimeSpan Grace => TimeSpan.FromSeconds(2);
}
