using Run.Caching;
using Run.CommandLine;
using Run.Configuration;

namespace Run;

/// <summary>What an invocation finds around it: the directories, run.conf, the cache. Each is read when it is first asked for, and once.</summary>
internal sealed class Surroundings(Invocation invocation)
{
    private RunConf? _configuration;
    private Cache? _cache;

    /// <summary>When this run began, by the clock of file systems.</summary>
    public long Began { get; } = Kernel.FileClock;

    public Directories Directories { get; } = Directories.FromEnvironment();

    public Cache Cache => _cache ??= new Cache(Directories.Cache);

    /// <summary>Whether the network may not be touched: <c>--offline</c>, or <c>RUN_OFFLINE</c>.</summary>
    public bool Offline { get; } = invocation.Offline || IsSet("RUN_OFFLINE");

    /// <summary>Whether nothing runs that is not pinned: <c>--pinned</c>, or <c>RUN_PINNED</c>.</summary>
    public bool Pinned { get; } = invocation.Pinned || IsSet("RUN_PINNED");

    /// <summary>The file that <c>--config</c> or else <c>RUN_CONFIG</c> names in place of the usual two.</summary>
    public string? NamedConfiguration { get; } =
        invocation.Configuration ?? (Kernel.Variable("RUN_CONFIG") is { Length: > 0 } file ? file : null);

    public RunConf Configuration() => _configuration ??= RunConf.Read(NamedConfiguration, Directories);

    /// <summary>The files that have decided something so far, and those that could have, had they been there.</summary>
    public List<Seen> Seen => [.. _configuration?.Seen ?? []];

    /// <summary>What SCRIPT stands for.</summary>
    public Wanted Resolve(string script) => Wanted.Resolve(script, invocation.Digest, Configuration);

    private static bool IsSet(string variable) => Kernel.Variable(variable) is not (null or "" or "0");
}
