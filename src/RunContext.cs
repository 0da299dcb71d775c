using Run.Acquisition;
using Run.Caching;
using Run.CommandLine;
using Run.Configuration;
using Run.Inputs;
using Run.Launching;
using Run.Locking;
using Run.Naming;
using Run.Pinning;
using Run.Posix;
using Run.Reporting;

namespace Run;

/// <summary>
/// What a command works with: the directories, run.conf, run.pins, the cache, the lock. run.conf and run.pins are each read once, when they
/// are first needed.
/// </summary>
internal sealed class RunContext
{
    private readonly Invocation _invocation;
    private readonly TimeProvider _clock;
    private RunConf? _configuration;
    private PinsFile? _pins;
    private bool _pinsAreRead;

    /// <exception cref="RunException">73, 77: there is no usable directory for the cache or the state.</exception>
    public RunContext(Invocation invocation, TimeProvider clock)
        : this(invocation, clock, new ReadSet(clock), null)
    {
    }

    private RunContext(Invocation invocation, TimeProvider clock, ReadSet reads, XdgPaths? paths)
    {
        _invocation = invocation;
        _clock = clock;
        Reads = reads;
        Paths = paths ?? XdgPaths.From(reads);
        Offline = invocation.Offline || IsSet("RUN_OFFLINE");
        Pinned = invocation.Pinned || IsSet("RUN_PINNED");
        NamedConfiguration = invocation.Configuration ?? (Reads.Variable("RUN_CONFIG") is { Length: > 0 } file ? file : null);
        Cache = new Cache(Paths.Cache, clock);
        Lock = new ScriptLock();
        Scripts = new ScriptProvider(
            Cache, Lock, Paths.State, Reads, Offline,
            script => Slip.Hint(script.DisplayName, invocation, static path => Files.Status(path).Value is { IsRegular: true }));
    }

    /// <summary>Everything that has decided so far.</summary>
    public ReadSet Reads { get; }

    public XdgPaths Paths { get; }

    public Cache Cache { get; }

    public ScriptLock Lock { get; }

    public ScriptProvider Scripts { get; }

    /// <summary>Whether the network must not be touched: <c>--offline</c>, or <c>RUN_OFFLINE</c>.</summary>
    public bool Offline { get; }

    /// <summary>Whether only pinned scripts may run: <c>--pinned</c>, or <c>RUN_PINNED</c>.</summary>
    public bool Pinned { get; }

    /// <summary>The file that <c>--config</c>, else <c>RUN_CONFIG</c>, names instead of the two usual ones; null: those two.</summary>
    public string? NamedConfiguration { get; }

    public RunConf Configuration => _configuration ??= RunConf.Read(NamedConfiguration, Paths, Reads);

    /// <summary>The launcher that <c>--on</c> names; null without that option.</summary>
    /// <exception cref="RunException">64: there is none of that name. 78.</exception>
    public Launcher? Launcher => _invocation.On is { } name ? Configuration.Launcher(name) : null;

    /// <summary>The nearest run.pins; null if there is none.</summary>
    /// <exception cref="RunException">77, 78.</exception>
    public PinsFile? Pins
    {
        get
        {
            if (!_pinsAreRead)
            {
                (_pins, _pinsAreRead) = (PinsFile.Find(Reads), true);
                Messages.Step(() => _pins is null ? $"no {PinsFile.Name} here or above" : $"read {_pins.Path}");
            }

            return _pins;
        }
    }

    /// <summary>The context of an invocation that this one stands for. What was read for this one has decided too.</summary>
    /// <exception cref="RunException">64.</exception>
    public RunContext With(Invocation invocation) => new(invocation, _clock, Reads, Paths);

    /// <summary>Resolves SCRIPT by its name alone, without run.pins.</summary>
    /// <exception cref="RunException">64, 78.</exception>
    public ResolvedScript Named(string script) =>
        ResolvedScript.From(script, _invocation.Digest, name => Configuration.Source(name), () => XdgPaths.Home(Reads));

    /// <summary>Resolves SCRIPT, with its pin if run.pins has one.</summary>
    /// <exception cref="RunException">64, 65, 77, 78.</exception>
    public ResolvedScript Resolve(string script)
    {
        var named = Named(script);
        if (named.Local is not null)
        {
            return named;
        }

        if (Pins is not { } pins || pins.List.Find(Pin.Key(named.DisplayName)) is not { } pin)
        {
            return named;
        }

        var consents = named is { Source.Trust: TrustLevel.Ask, HasDigest: false };
        Messages.Step(() => $"{named.DisplayName}: pinned by {pins.Path}{(consents ? ", which counts as consent" : "")}");
        return PinnedUrl.Apply(pin, named, pins.Path);
    }

    /// <summary>What to lock for the script.</summary>
    /// <exception cref="RunException">64: there is no such place, or <c>--replace</c> is for one. 126, 127: a local file.</exception>
    public LockRequest LockFor(ResolvedScript script)
    {
        var typed = LockPlace.Split(_invocation.LockName);
        return LockRequest.From(script, Paths.State, _invocation.Lock) with
        {
            Name = typed is var (_, name) ? name : _invocation.LockName,
            Place = PlaceFor(script),
            Wait = _invocation.Wait,
            Replace = _invocation.Replace,
        };
    }

    /// <summary>Where the script's lock is taken too; null for nowhere. A NAME without a place overrides the source's.</summary>
    /// <exception cref="RunException">64: there is no such place, or <c>--replace</c> is for one.</exception>
    public LockPlace? PlaceFor(ResolvedScript script)
    {
        var name = LockPlace.Split(_invocation.LockName)?.Place ?? (_invocation.LockName is null ? script.Source?.LockPlace?.Name : null);
        if (name is null)
        {
            return null;
        }

        var place = Configuration.Place(name);
        return !_invocation.Replace
            ? place
            : throw new RunException(
                ExitStatus.Usage, $"--replace stops scripts of this machine only, and {name} is a place that several share",
                "--wait waits until the script has finished, wherever it runs");
    }

    /// <summary>The SCRIPTs of the command line; if there are none, all those of run.pins.</summary>
    /// <exception cref="RunException">64: there is no run.pins. 77, 78.</exception>
    public IReadOnlyList<string> ScriptsOrPins(Invocation invocation) =>
        invocation.Operands.Length > 0 ? invocation.Operands
        : Pins is { } pins ? [.. pins.List.Pins.Select(static pin => pin.Script)]
        : throw new RunException(
            ExitStatus.Usage, $"no SCRIPT given, and no {PinsFile.Name} here or above", "run --pin SCRIPT creates one");

    /// <summary>Refuses a script that is not pinned but must be. A local file is exempt, because it is not fetched.</summary>
    /// <exception cref="RunException">77.</exception>
    public void RequirePin(ResolvedScript script)
    {
        if (script is { Local: null, HasDigest: false } && (Pinned || script.Source is { Trust: TrustLevel.Pinned }))
        {
            throw new RunException(
                ExitStatus.Refused,
                $"{script.DisplayName}: not pinned{(Pinned ? "" : $", and its source {script.Source!.Name} says trust: pinned")}",
                $"run --view {script.ShellQuoted} shows it, run --pin {script.ShellQuoted} pins it");
        }
    }

    /// <summary>Says which directories were chosen, if it is not the usual ones.</summary>
    public void Explain()
    {
        // A detached run takes two processes, and only the second one prints the note.
        if (!_invocation.Detach)
        {
            ExplainPaths();
        }

        if (Paths.AreMakeshift && XdgPaths.Home(Reads) is null)
        {
            Messages.Step(() => $"HOME is not set: the cache is {Paths.Cache}, the locks are in {Paths.State}");
        }
    }

    /// <summary>Prints the note about the directories, if there is one.</summary>
    public void ExplainPaths()
    {
        if (Paths.Note is { } note)
        {
            Messages.Note(note);
        }
    }

    /// <exception cref="RunException">64: the variable is neither yes nor no.</exception>
    private bool IsSet(string variable) => Reads.Variable(variable) switch
    {
        "1" or "true" or "yes" or "on" => true,
        null or "" or "0" or "false" or "no" or "off" => false,
        var other => throw new RunException(
            ExitStatus.Usage, $"'{other}' in {variable} is neither yes nor no",
            "yes is 1, true, yes or on; no is 0, false, no, off or empty"),
    };
}
