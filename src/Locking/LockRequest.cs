using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Locking;

/// <summary>What to lock, and what to do if it is held.</summary>
/// <param name="StateDirectory">Where the directory of the locks is, or will be.</param>
/// <param name="Identity">
/// What runs: the URL that SCRIPT names, whatever its digest and its pin (a script whose pin has moved is still the same script), or the
/// real path of a local file, however it was named. Only its digest is ever stored.
/// </param>
/// <param name="Script">SCRIPT as it was typed, without secrets: for messages, and for those who ask what runs.</param>
/// <param name="Mode">Shared for a plain run.</param>
internal sealed record LockRequest(string StateDirectory, string Identity, string Script, LockMode Mode)
{
    /// <summary>The NAME of <c>--lock=NAME</c>, which is locked instead of the identity.</summary>
    public string? Name { get; init; }

    /// <summary>How long to wait for it: zero not at all, null for as long as it takes.</summary>
    public TimeSpan? Wait { get; init; } = TimeSpan.Zero;

    /// <summary>Whether to end those who hold it.</summary>
    public bool Replace { get; init; }

    public string Directory => DirectoryIn(StateDirectory);

    /// <summary>The lock's own file. A URL or a path does not begin with <c>name:</c>, so a name is nothing else's lock.</summary>
    public string Path => Name is null ? OwnPath : $"{Directory}/{KeyOf("name:" + Name)}";

    /// <summary>The file of the script's own lock, where each run of the script leaves a mark, whatever it locks.</summary>
    public string OwnPath => $"{Directory}/{Key}";

    /// <summary>The script's own identity, as it is stored, whatever is locked.</summary>
    public string Key => KeyOf(Identity);

    public LockRecord Record => new(Script, Key);

    /// <param name="exclusive">Whether the command line wants it alone; its source may want that too.</param>
    /// <exception cref="RunException">126, 127: a local file that is not there.</exception>
    public static LockRequest From(ResolvedScript script, string stateDirectory, bool exclusive)
    {
        var identity = script.Local is { } local
            ? LocalScript.RealPath(local, script.DisplayName)
            : UrlText.WithoutUser(script.NamedUrl);
        var mode = exclusive || script.Source is { LockExclusive: true } ? LockMode.Exclusive : LockMode.Shared;
        return new LockRequest(stateDirectory, identity, script.DisplayName, mode);
    }

    public static string DirectoryIn(string stateDirectory) => stateDirectory + "/locks";

    private static string KeyOf(string what) => Sha256.HexOf(OsText.ToBytes(what))[..LockFile.NameLength];
}
