using Run.Posix;

namespace Run.Locking;

/// <summary>What to lock, and what to do where it is held.</summary>
/// <param name="StateDirectory">Where the directory of the locks is, or will be.</param>
/// <param name="Identity">What runs: the URL without its digest, or the real path of a local file. Only its digest is ever stored.</param>
/// <param name="Script">SCRIPT as it was typed, without secrets: for messages, and for those who ask what runs.</param>
/// <param name="Mode">Shared for a plain run.</param>
internal sealed record LockRequest(string StateDirectory, string Identity, string Script, LockMode Mode)
{
    /// <summary>The NAME of <c>--lock=NAME</c>, which is locked instead of the identity.</summary>
    public string? Name { get; init; }

    /// <summary>How long to wait for it: null not at all, <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</summary>
    public TimeSpan? Wait { get; init; }

    /// <summary>Whether to end those who hold it.</summary>
    public bool Replace { get; init; }

    public string Directory => DirectoryIn(StateDirectory);

    /// <summary>The lock's own file. A URL or a path does not begin with <c>name:</c>, so a name is nothing else's lock.</summary>
    public string Path => $"{Directory}/{(Name is null ? Key : KeyOf("name:" + Name))}";

    /// <summary>The script's own identity, as it is stored, whatever is locked.</summary>
    public string Key => KeyOf(Identity);

    public LockRecord Record => new(Script, Key);

    public static string DirectoryIn(string stateDirectory) => stateDirectory + "/locks";

    private static string KeyOf(string what) => Sha256.HexOf(OsText.ToBytes(what))[..LockFile.NameLength];
}
