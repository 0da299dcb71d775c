using Run.Posix;
using Run.Reporting;

namespace Run.Inputs;

/// <summary>
/// Where things are kept, by the XDG Base Directory Specification: a variable that is not an absolute path counts as not set.
/// Nothing is created here.
/// </summary>
/// <param name="Cache">The cached scripts: <c>RUN_CACHE</c>, else <c>$XDG_CACHE_HOME/run</c>, else <c>~/.cache/run</c>.</param>
/// <param name="State">Locks and logs: <c>$XDG_STATE_HOME/run</c>, else <c>~/.local/state/run</c>.</param>
/// <param name="Configuration">The user's run.conf; null without a home.</param>
internal sealed record XdgPaths(string Cache, string State, string? Configuration)
{
    /// <summary>Whether they are in a temporary directory, for want of a home.</summary>
    public bool AreMakeshift { get; private init; }

    public const string SystemConfiguration = "/etc/run.conf";

    /// <summary>The user's home, null where <c>HOME</c> is not set or not absolute.</summary>
    public static string? Home => Absolute("HOME");

    public static XdgPaths FromEnvironment()
    {
        var cache = Chosen("RUN_CACHE") ?? InXdg("XDG_CACHE_HOME", "run") ?? InHome(".cache/run");
        var state = InXdg("XDG_STATE_HOME", "run") ?? InHome(".local/state/run");
        return new(
            cache ?? Private("cache"), state ?? Private("state"),
            Below("XDG_CONFIG_HOME", "run/run.conf") ?? Below("HOME", ".config/run/run.conf"))
        { AreMakeshift = cache is null || state is null };
    }

    /// <summary>
    /// Makes the directory and those above it, for the user alone whatever the umask. Those that stand stay as they are.
    /// </summary>
    /// <exception cref="RunException">73: it cannot be made.</exception>
    public static void Make(string path)
    {
        if (Kernel.TryMakeDirectory(path, Permissions.PrivateDirectory) || Kernel.LastError == Errno.Exists)
        {
            return;
        }

        var error = Kernel.LastError;
        var parent = Parent(path);
        if (error == Errno.NoEntry && parent != path)
        {
            Make(parent);
            if (Kernel.TryMakeDirectory(path, Permissions.PrivateDirectory) || Kernel.LastError == Errno.Exists)
            {
                return;
            }

            error = Kernel.LastError;
        }

        throw new RunException(ExitStatus.CannotWrite, $"{path}: cannot be made: {Kernel.Describe(error)}");
    }

    /// <summary>
    /// Refuses what another user owns or can write: what is in there would be theirs to choose.
    /// </summary>
    /// <returns>What stands there; null where nothing does.</returns>
    /// <exception cref="RunException">77.</exception>
    public static FileStatus? Trusted(string path) => Trusted(path, Kernel.TryLinkStatus(path));

    /// <inheritdoc cref="Trusted(string)"/>
    public static FileStatus? Trusted(string path, FileStatus? status)
    {
        if (status is not { } s)
        {
            return null;
        }

        if (s.Owner != Kernel.EffectiveUser)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: belongs to another user (uid {s.Owner}), so it is not used",
                "remove it, or name another place with RUN_CACHE or XDG_STATE_HOME");
        }

        return s.OthersCanWrite
            ? throw new RunException(ExitStatus.Refused, $"{path}: others can write it, so it is not used", $"chmod go-w {path}")
            : s;
    }

    /// <summary>The directory that a path is in.</summary>
    public static string Parent(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";

    private static string? Absolute(string variable) =>
        Kernel.Variable(variable) is { Length: > 0 } value && value[0] == '/' ? (value.Length > 1 ? value.TrimEnd('/') : value) : null;

    private static string? Below(string variable, string rest) => Absolute(variable) is { } directory ? $"{directory}/{rest}" : null;

    /// <summary>A directory that the user named: relative to the working directory where it is not absolute, and no other will do.</summary>
    private static string? Chosen(string variable) => Kernel.Variable(variable) is not { Length: > 0 } value ? null
        : value[0] == '/' ? value.TrimEnd('/') is { Length: > 0 } path ? path : "/"
        : Kernel.TryRealPath(".") is { } here ? $"{here}/{value.TrimEnd('/')}"
        : throw new RunException(ExitStatus.CannotWrite, $"{variable}={value}: the working directory is gone");

    /// <summary>A directory in the home, unless it is not there and could not be made, or not in a home of this user's own.</summary>
    private static string? InHome(string rest)
    {
        if (Below("HOME", rest) is not { } path)
        {
            return null;
        }

        var (standing, status) = NearestStanding(path);
        return standing == path
            || (status.IsDirectory && status.Owner == Kernel.EffectiveUser && Kernel.MayAccess(standing, Kernel.MayWrite | Kernel.MayExecute))
            ? path
            : null;
    }

    /// <summary>
    /// A directory where an XDG variable says, unless it would be root's in another user's: sudo may keep the variables of who calls it.
    /// </summary>
    private static string? InXdg(string variable, string rest)
    {
        const uint Root = 0;
        return Below(variable, rest) is { } path
            && (Kernel.EffectiveUser != Root || NearestStanding(path) is var (standing, status) && (standing == path || status.Owner == Root))
            ? path
            : null;
    }

    /// <summary>The path itself, or the nearest directory above it that is there.</summary>
    private static (string Path, FileStatus Status) NearestStanding(string path)
    {
        for (var at = path; ; at = Parent(at))
        {
            if (Kernel.TryStatus(at) is { } status)
            {
                return (at, status);
            }

            if (at == "/")
            {
                return (at, default);
            }
        }
    }

    /// <summary>Without a usable home: a directory under the temporary one, which everybody can write to, so it must be the user's alone.</summary>
    private static string Private(string rest)
    {
        var directory = $"{Absolute("TMPDIR") ?? "/tmp"}/run-{Kernel.EffectiveUser}";
        if (!Kernel.TryMakeDirectory(directory, Permissions.PrivateDirectory) && Kernel.LastError != Errno.Exists)
        {
            // Not fatal here: what needs the directory will say so.
            return $"{directory}/{rest}";
        }

        return Kernel.TryLinkStatus(directory) is { IsDirectory: true } s && s.Owner == Kernel.EffectiveUser && (s.Mode & Permissions.Others) == 0
            ? $"{directory}/{rest}"
            : throw new RunException(
                ExitStatus.Refused, $"{directory}: not a directory of this user's alone, so it is not used", "set HOME, or name a place with RUN_CACHE");
    }
}
