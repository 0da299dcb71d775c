using Run.Caching;
using Run.CommandLine;
using Run.Configuration;
using Run.Pinning;

namespace Run;

/// <summary>What an invocation finds around it: the directories, run.conf, the cache. Each is read when it is first asked for, and once.</summary>
internal sealed class Surroundings(Invocation invocation)
{
    private RunConf? _configuration;
    private Cache? _cache;
    private PinsFile? _pins;

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
    public List<Seen> Seen => _pins is null ? [.. _configuration?.Seen ?? []] : [.. _configuration?.Seen ?? [], _pins.Seen];

    /// <summary>Where the run.pins is that counts here; empty where there is none.</summary>
    public string PinsPath => _pins?.Seen.Path ?? "";

    /// <summary>What SCRIPT stands for by its name alone.</summary>
    /// <exception cref="RunException">64, 78.</exception>
    public Wanted Named(string script) => Wanted.Resolve(script, invocation.Digest, Configuration);

    /// <summary>What SCRIPT stands for here, where run.pins may have a word in it.</summary>
    /// <exception cref="RunException">64, 65, 77, 78.</exception>
    public Wanted Resolve(string script)
    {
        var wanted = Named(script);
        if (wanted.Local is not null)
        {
            return wanted;
        }

        _pins ??= PinsFile.Find();
        return _pins?.List.Find(Pin.Key(wanted.Shown)) is { } pin ? PinnedUrl.Apply(pin, wanted, _pins.Path) : wanted;
    }

    /// <summary>Refuses what is not pinned, where nothing else may run. A local file is exempt: whoever calls has it already.</summary>
    /// <exception cref="RunException">77.</exception>
    public void RequirePin(Wanted wanted)
    {
        if (wanted is { Local: null, Digest: null } && (Pinned || wanted.Source is { Trust: Trust.Pinned }))
        {
            throw new RunException(
                ExitStatus.Refused, $"{wanted.Shown}: not pinned{(Pinned ? "" : $", and its source {wanted.Source!.Name} says trust: pinned")}",
                $"run --view {wanted.Typed} shows it, run --pin {wanted.Typed} pins it");
        }
    }

    private static bool IsSet(string variable) => Kernel.Variable(variable) is not (null or "" or "0");
}
