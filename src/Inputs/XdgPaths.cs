using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Inputs;

/// <summary>
/// Where things are kept, by the XDG Base Directory Specification: a variable that is not an absolute path counts as not set.
/// </summary>
/// <param name="Cache">The cached scripts: <c>RUN_CACHE</c>, else <c>$XDG_CACHE_HOME/run</c>, else <c>~/.cache/run</c>.</param>
/// <param name="State">Locks and logs: <c>$XDG_STATE_HOME/run</c>, else <c>~/.local/state/run</c>.</param>
/// <param name="Configuration">The user's run.conf; null without a home.</param>
/// <param name="AreMakeshift">Whether one of them is in a temporary directory, for want of a home.</param>
internal sealed record XdgPaths(string Cache, string State, string? Configuration, bool AreMakeshift)
{
    public const string SystemConfiguration = "/etc/run.conf";

    /// <summary>The user's home; null if <c>HOME</c> is not set or not absolute.</summary>
    public static string? Home(ReadSet reads) => Absolute(reads, "HOME");

    /// <summary>Looks for them. Nothing is created but, for a user without a home, a private directory under the temporary one.</summary>
    /// <exception cref="RunException">73, 77: there is no place for them.</exception>
    public static XdgPaths From(ReadSet reads)
    {
        var cache = CacheDirectory(reads);
        var state = InXdg(reads, "XDG_STATE_HOME") ?? InHome(reads, ".local/state/run");
        return new(
            cache ?? Private(reads, "cache"), state ?? Private(reads, "state"),
            Below(reads, "XDG_CONFIG_HOME", "run/run.conf") ?? Below(reads, "HOME", ".config/run/run.conf"),
            cache is null || state is null);
    }

    /// <summary>What the variables say plainly is the native half's to know, because the executor has to find the plans there.</summary>
    private static string? CacheDirectory(ReadSet reads) => NativePlans.CacheDirectory() switch
    {
        (CacheVariable.RunCache, var path) => path,
        (CacheVariable.XdgCacheHome, var path) => Usable(path) ? path : InHome(reads, ".cache/run"),
        (CacheVariable.Home, var path) => UsableInHome(path) ? path : null,
        _ => Chosen(reads, "RUN_CACHE"),
    };

    private static string? Absolute(ReadSet reads, string variable) =>
        reads.Variable(variable) is ['/', ..] value ? (value.Length > 1 ? value.TrimEnd('/') : value) : null;

    private static string? Below(ReadSet reads, string variable, string rest) =>
        Absolute(reads, variable) is { } directory ? $"{directory}/{rest}" : null;

    /// <summary>
    /// A directory that the user named: relative to the working directory if it is not absolute. No other will do.
    /// </summary>
    private static string? Chosen(ReadSet reads, string variable) => reads.Variable(variable) is not { Length: > 0 } value ? null
        : value[0] == '/' ? value.TrimEnd('/') is { Length: > 0 } path ? path : "/"
        : Files.RealPath(".").Value is { } here ? $"{here}/{value.TrimEnd('/')}"
        : throw new RunException(ExitStatus.CannotWrite, $"{variable}={value}: the working directory is gone");

    /// <summary>A directory in the home, unless it is not there and could not be created, or not in a home of this user's own.</summary>
    private static string? InHome(ReadSet reads, string rest) => Below(reads, "HOME", rest) is { } path && UsableInHome(path) ? path : null;

    private static bool UsableInHome(string path)
    {
        var (existing, status) = NearestExisting(path);
        return existing == path
            || (status is { IsDirectory: true } && status.Owner == Processes.EffectiveUser
                && Files.Access(existing, AccessBits.Write | AccessBits.Execute) == Errno.None);
    }

    private static string? InXdg(ReadSet reads, string variable) => Below(reads, variable, "run") is { } path && Usable(path) ? path : null;

    /// <summary>
    /// A directory is where an XDG variable says, unless it would be root's in another user's: sudo may keep the variables of whoever calls it.
    /// </summary>
    private static bool Usable(string path) => Processes.EffectiveUser != Processes.Root
        || (NearestExisting(path) is var (existing, status) && (existing == path || status?.Owner == Processes.Root));

    /// <summary>The path itself, or the nearest directory above it that is there. A plan looks at the directories themselves.</summary>
    private static (string Path, FileStatus? Status) NearestExisting(string path)
    {
        for (var at = path; ; at = TrustedPath.Parent(at))
        {
            if (Files.Status(at).Value is { } status)
            {
                return (at, status);
            }

            if (at == "/")
            {
                return (at, null);
            }
        }
    }

    /// <summary>
    /// Without a usable home: a directory under the temporary one, which everybody can write to, so it must be the user's alone.
    /// </summary>
    private static string Private(ReadSet reads, string rest)
    {
        var directory = $"{Absolute(reads, "TMPDIR") ?? "/tmp"}/run-{Processes.EffectiveUser}";
        if (Files.MakeDirectory(directory, Permissions.PrivateDirectory) is not (Errno.None or Errno.Exists))
        {
            // Not fatal here: what needs the directory will say so.
            return $"{directory}/{rest}";
        }

        return Files.LinkStatus(directory).Value is { IsDirectory: true } s && s.Owner == Processes.EffectiveUser
            && (s.Mode & Permissions.Others) == 0
            ? $"{directory}/{rest}"
            : throw new RunException(
                ExitStatus.Refused, $"{directory}: not a directory of this user's alone, so it is not used",
                "set HOME, or name a place with RUN_CACHE");
    }
}
