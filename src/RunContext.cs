using Run.Caching;
using Run.CommandLine;
using Run.Configuration;
using Run.Inputs;
using Run.Naming;
using Run.Pinning;
using Run.Posix;
using Run.Reporting;


namespace Run;

/// <summary>What an invocation finds around it: the directories, run.conf, the cache. Each is read when it is first asked for, and once.</summary>
internal sealed class RunContext(Invocation invocation)
{
    private RunConf? _configuration;
    private Cache? _cache;
    private PinsFile? _pins;

    /// <summary>When this run began, by the clock of file systems.</summary>
    public long Began { get; } = Kernel.FileClock;

    public XdgPaths XdgPaths { get; } = XdgPaths.FromEnvironment();

    public Cache Cache => _cache ??= new Cache(XdgPaths.Cache);

    /// <summary>Whether the network may not be touched: <c>--offline</c>, or <c>RUN_OFFLINE</c>.</summary>
    public bool Offline { get; } = invocation.Offline || IsSet("RUN_OFFLINE");

    /// <summary>Whether nothing runs that is not pinned: <c>--pinned</c>, or <c>RUN_PINNED</c>.</summary>
    public bool Pinned { get; } = invocation.Pinned || IsSet("RUN_PINNED");

    /// <summary>The file that <c>--config</c> or else <c>RUN_CONFIG</c> names in place of the usual two.</summary>
    public string? NamedConfiguration { get; } =
        invocation.Configuration ?? (Kernel.Variable("RUN_CONFIG") is { Length: > 0 } file ? file : null);

    public RunConf Configuration() => _configuration ??= RunConf.Read(NamedConfiguration, XdgPaths);

    /// <summary>The files that have decided something so far, and those that could have, had they been there.</summary>
    public List<Observed> Observed => _pins is null ? [.. _configuration?.Observed ?? []] : [.. _configuration?.Observed ?? [], _pins.Observed];

    /// <summary>Where the run.pins is that counts here; empty where there is none.</summary>
    public string PinsPath => _pins?.Observed.Path ?? "";

    /// <summary>What SCRIPT stands for by its name alone.</summary>
    /// <exception cref="RunException">64, 78.</exception>
    public ResolvedScript Named(string script) => ResolvedScript.Resolve(script, invocation.Digest, Configuration);

    /// <summary>What SCRIPT stands for here, where run.pins may have a word in it.</summary>
    /// <exception cref="RunException">64, 65, 77, 78.</exception>
    public ResolvedScript Resolve(string script)
    {
        var wanted = Named(script);
        if (wanted.Local is not null)
        {
            return wanted;
        }

        _pins ??= PinsFile.Find();
        return _pins?.List.Find(Pin.Key(wanted.DisplayName)) is { } pin ? PinnedUrl.Apply(pin, wanted, _pins.Path) : wanted;
    }

    /// <summary>Refuses what is not pinned, where nothing else may run. A local file is exempt: whoever calls has it already.</summary>
    /// <exception cref="RunException">77.</exception>
    public void RequirePin(ResolvedScript wanted)
    {
        if (wanted is { Local: null, Digest: null } && (Pinned || wanted.Source is { Trust: TrustLevel.Pinned }))
        {
            throw new RunException(
                ExitStatus.Refused, $"{wanted.DisplayName}: not pinned{(Pinned ? "" : $", and its source {wanted.Source!.Name} says trust: pinned")}",
                $"run --view {wanted.ShellQuoted} shows it, run --pin {wanted.ShellQuoted} pins it");
        }
    }

    private static bool IsSet(string variable) => Kernel.Variable(variable) is not (null or "" or "0");
}
