using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Locking;

/// <summary>What to lock, and what to do if it is held.</summary>
/// <param name="StateDirectory">The directory that has, or will have, the lock directory.</param>
/// <param name="Identity">
/// What runs: the URL that SCRIPT names, whatever its digest and its pin (with another pin it is still the same script), or the real path
/// of a local file. Only its digest is stored.
/// </param>
/// <param name="Script">SCRIPT as typed, without secrets: for messages and <c>--ps</c>.</param>
/// <param name="Mode">Shared for a plain run.</param>
internal sealed record LockRequest(string StateDirectory, string Identity, string Script, LockMode Mode)
{
    /// <summary>The NAME of <c>--lock=NAME</c>, which is locked instead of the identity.</summary>
    public string? Name { get; init; }

    /// <summary>Where the lock is taken too, for several machines; null for this machine alone.</summary>
    public LockPlace? Place { get; init; }

    /// <summary>The lock of <see cref="Place"/> in messages, as <c>--lock</c> takes it.</summary>
    public string SharedName => $"{Place?.Name}:{Name}";

    /// <summary>How long to wait for the lock: zero not at all, null without a limit.</summary>
    public TimeSpan? Wait { get; init; } = TimeSpan.Zero;

    /// <summary>Whether to stop its holders.</summary>
    public bool Replace { get; init; }

    /// <summary>Some bits that tell one command line from another.</summary>
    public byte Words { get; init; }

    public string Directory => DirectoryIn(StateDirectory);

    /// <summary>The lock file. No URL or path begins with <c>name:</c>, so a name cannot be the same lock as a script.</summary>
    public string Path => Name is null ? OwnPath : $"{Directory}/{KeyOf("name:" + Name)}";

    /// <summary>The file of the script's own lock, in which every run of the script has a mark, whatever it locks.</summary>
    public string OwnPath => PathOf(StateDirectory, Key);

    /// <summary>The stored form of the script's identity, also with <c>--lock=NAME</c>.</summary>
    public string Key => KeyOf(Identity);

    public LockRecord Record => new(Script, Key);

    /// <param name="exclusive">Whether the command line asks for an exclusive lock; the source may ask for one too.</param>
    /// <exception cref="RunException">126: a local file cannot be read. 127: it does not exist.</exception>
    public static LockRequest From(ResolvedScript script, string stateDirectory, bool exclusive)
    {
        var identity = script.Local is { } local
            ? LocalScript.RealPath(local, script.DisplayName)
            : UrlText.WithoutUser(script.NamedUrl);
        var mode = exclusive || script.Source is { LockExclusive: true } ? LockMode.Exclusive : LockMode.Shared;
        return new LockRequest(stateDirectory, identity, script.DisplayName, mode);
    }

    /// <summary>
    /// The request that a run of the script has made, exclusively. If a local file was removed since, only its directory is resolved.
    /// </summary>
    public static LockRequest Past(ResolvedScript script, string stateDirectory)
    {
        if (script.Local is not { } path)
        {
            return From(script, stateDirectory, exclusive: true);
        }

        var slash = path.LastIndexOf('/') + 1;
        var identity = Files.RealPath(path).Value
            ?? (Files.RealPath(slash > 0 ? path[..slash] : ".").Value is { } directory
                ? $"{directory.TrimEnd('/')}/{path[slash..]}"
                : path);
        return new LockRequest(stateDirectory, identity, script.DisplayName, LockMode.Exclusive);
    }

    public static string DirectoryIn(string stateDirectory) => stateDirectory + "/locks";

    /// <summary>The lock file of the script with that <see cref="Key"/>.</summary>
    public static string PathOf(string stateDirectory, string key) => $"{DirectoryIn(stateDirectory)}/{key}";

    private static string KeyOf(string what) => Sha256.HexOf(OsText.ToBytes(what))[..LockFile.NameLength];
}
