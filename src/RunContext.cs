using Run.Acquisition;
using Run.Caching;
using Run.CommandLine;
using Run.Configuration;
using Run.Inputs;
using Run.Locking;
using Run.Naming;
using Run.Pinning;
using Run.Reporting;

namespace Run;

/// <summary>
/// What a command works with: the directories, run.conf, run.pins, the cache, the lock. Each is read when it is first asked for, and once.
/// </summary>
internal sealed class RunContext
{
    private readonly Invocation _invocation;
    private RunConf? _configuration;
    private PinsFile? _pins;

    /// <exception cref="RunException">73, 77: there is no place for the cache or the state.</exception>
    public RunContext(Invocation invocation, TimeProvider clock)
    {
        _invocation = invocation;
        Reads = new ReadSet(clock);
        Paths = XdgPaths.From(Reads);
        Offline = invocation.Offline || IsSet("RUN_OFFLINE");
        Pinned = invocation.Pinned || IsSet("RUN_PINNED");
        NamedConfiguration = invocation.Configuration ?? (Reads.Variable("RUN_CONFIG") is { Length: > 0 } file ? file : null);
        Cache = new Cache(Paths.Cache, clock);
        Lock = new ScriptLock();
        Scripts = new ScriptProvider(Cache, Lock, Paths.State, Reads, Offline);
    }

    /// <summary>What has decided something so far.</summary>
    public ReadSet Reads { get; }

    public XdgPaths Paths { get; }

    public Cache Cache { get; }

    public ScriptLock Lock { get; }

    public ScriptProvider Scripts { get; }

    /// <summary>Whether the network must not be touched: <c>--offline</c>, or <c>RUN_OFFLINE</c>.</summary>
    public bool Offline { get; }

    /// <summary>Whether nothing runs that is not pinned: <c>--pinned</c>, or <c>RUN_PINNED</c>.</summary>
    public bool Pinned { get; }

    /// <summary>The file that <c>--config</c> or else <c>RUN_CONFIG</c> names in place of the usual two.</summary>
    public string? NamedConfiguration { get; }

    public RunConf Configuration => _configuration ??= RunConf.Read(NamedConfiguration, Paths, Reads);

    /// <summary>What SCRIPT stands for by its name alone.</summary>
    /// <exception cref="RunException">64, 78.</exception>
    public ResolvedScript Named(string script) =>
        ResolvedScript.From(script, _invocation.Digest, name => Configuration.Source(name), () => XdgPaths.Home(Reads));

    /// <summary>What SCRIPT stands for here, if run.pins has a line for it.</summary>
    /// <exception cref="RunException">64, 65, 77, 78.</exception>
    public ResolvedScript Resolve(string script)
    {
        var named = Named(script);
        if (named.Local is not null)
        {
            return named;
        }

        _pins ??= PinsFile.Find(Reads);
        return _pins?.List.Find(Pin.Key(named.DisplayName)) is { } pin ? PinnedUrl.Apply(pin, named, _pins.Path) : named;
    }

    /// <summary>Refuses what is not pinned, if nothing else may run. A local file is exempt: whoever calls has it already.</summary>
    /// <exception cref="RunException">77.</exception>
    public void RequirePin(ResolvedScript script)
    {
        if (script is { Local: null, Digest: null } && (Pinned || script.Source is { Trust: TrustLevel.Pinned }))
        {
            throw new RunException(
                ExitStatus.Refused,
                $"{script.DisplayName}: not pinned{(Pinned ? "" : $", and its source {script.Source!.Name} says trust: pinned")}",
                $"run --view {script.ShellQuoted} shows it, run --pin {script.ShellQuoted} pins it");
        }
    }

    private bool IsSet(string variable) => Reads.Variable(variable) is not (null or "" or "0");
}
