using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Inputs;

/// <summary>
/// The directories of the XDG Base Directory Specification: an XDG variable that is not an absolute path counts as not set.
/// </summary>
/// <param name="Cache">The cached scripts: <c>RUN_CACHE</c>, else <c>$XDG_CACHE_HOME/run</c>, else <c>~/.cache/run</c>.</param>
/// <param name="State">Locks and logs: <c>$XDG_STATE_HOME/run</c>, else <c>~/.local/state/run</c>.</param>
/// <param name="Configuration">The user's run.conf; null if there is no home.</param>
/// <param name="AreMakeshift">Whether one of them is not where the variables say, because that place cannot be used.</param>
/// <param name="Note">What the user should know about the choice; null for nothing.</param>
internal sealed record XdgPaths(string Cache, string State, string? Configuration, bool AreMakeshift, string? Note)
{
    public const string SystemConfiguration = "/etc/run.conf";

    /// <summary>The user's home; null if <c>HOME</c> is not set or not absolute.</summary>
    public static string? Home(ReadSet reads) => Absolute(reads, "HOME");

    /// <summary>
    /// Finds the directories. It creates none, except, for a user without a usable home, a private one under the temporary directory.
    /// </summary>
    /// <exception cref="RunException">
    /// 73: the working directory is gone. 77: another user could exchange what RUN_CACHE names, or the private directory is not this user's
    /// alone.
    /// </exception>
    public static XdgPaths From(ReadSet reads)
    {
        var skipped = new List<ForeignPlace>();
        var cache = CacheDirectory(reads, skipped);
        var state = InXdg(reads, Below(reads, "XDG_STATE_HOME", "run"), ".local/state/run", skipped);
        var paths = new XdgPaths(
            cache ?? Private(reads, "cache"), state ?? Private(reads, "state"),
            Below(reads, "XDG_CONFIG_HOME", "run/run.conf") ?? Below(reads, "HOME", ".config/run/run.conf"),
            cache is null || state is null || skipped.Count > 0, null);
        return (cache is null || state is null) && skipped is [var first, ..]
            ? paths with { Note = $"{first}: using {TrustedPath.Parent(cache is null ? paths.Cache : paths.State)}" }
            : paths;
    }

    /// <summary>The native code reads absolute paths from the variables, because the executor must find the plans there too.</summary>
    private static string? CacheDirectory(ReadSet reads, List<ForeignPlace> skipped) => NativePlans.CacheDirectory() switch
    {
        (CacheVariable.RunCache, var path) => OwnChoice(reads, path),
        (CacheVariable.XdgCacheHome, var path) => InXdg(reads, path, ".cache/run", skipped),
        (CacheVariable.Home, var path) => IsOurs(reads, path, skipped) && UsableInHome(path) ? path : null,
        _ => Chosen(reads, "RUN_CACHE") is { } path ? OwnChoice(reads, path) : null,
    };

    /// <summary>Whether nobody else could exchange what is at the path.</summary>
    /// <param name="skipped">Gets the place that another user owns.</param>
    private static bool IsOurs(ReadSet reads, string path, List<ForeignPlace> skipped)
    {
        var foreign = Foreign(reads, path);
        if (foreign is { } place)
        {
            skipped.Add(place);
        }

        return foreign is null;
    }

    /// <summary>
    /// As <see cref="TrustedPath.FindForeign"/>. A plan checks this user's directories on the way again, because this user could move them
    /// elsewhere. Those that belong to root, only root can move or give away.
    /// </summary>
    private static ForeignPlace? Foreign(ReadSet reads, string path) => TrustedPath.FindForeign(path, (directory, status) =>
    {
        if (status.Owner == Processes.EffectiveUser)
        {
            reads.Add(new Input.OwnDirectory(directory, 0, MayBeLink: false));
        }
    });

    private static string OwnChoice(ReadSet reads, string path) => Foreign(reads, path) is not { } foreign ? path
        : throw new RunException(
            ExitStatus.Refused, $"{foreign}, so it is not used", "set RUN_CACHE to a directory that is this user's own");

    private static string? Absolute(ReadSet reads, string variable) =>
        reads.Variable(variable) is ['/', ..] value ? (value.Length > 1 ? value.TrimEnd('/') : value) : null;

    private static string? Below(ReadSet reads, string variable, string rest) =>
        Absolute(reads, variable) is { } directory ? $"{directory}/{rest}" : null;

    /// <summary>
    /// A directory that the user has chosen; a relative path starts at the working directory. There is no fallback.
    /// </summary>
    private static string? Chosen(ReadSet reads, string variable) => reads.Variable(variable) is not { Length: > 0 } value ? null
        : value[0] == '/' ? value.TrimEnd('/') is { Length: > 0 } path ? path : "/"
        : Files.RealPath(".").Value is { } workingDirectory ? $"{workingDirectory}/{value.TrimEnd('/')}"
        : throw new RunException(ExitStatus.CannotWrite, $"{variable}={value}: the working directory is gone");

    /// <summary>A directory in the home; null if it does not exist and this user cannot create it, or does not own the home.</summary>
    private static string? InHome(ReadSet reads, string rest, List<ForeignPlace> skipped) =>
        Below(reads, "HOME", rest) is { } path && IsOurs(reads, path, skipped) && UsableInHome(path) ? path : null;

    private static bool UsableInHome(string path)
    {
        var (existing, status) = NearestExisting(path);
        return existing == path
            || (status is { IsDirectory: true } && status.Owner == Processes.EffectiveUser
                && Files.Access(existing, AccessBits.Write | AccessBits.Execute) == Errno.None);
    }

    /// <summary>
    /// The directory that an XDG variable names, else the one in the home; null if it cannot be used, or if somebody else could exchange
    /// the one that the variable names. That one is not replaced by the home's: a cache at an unexpected place would go unnoticed.
    /// </summary>
    /// <param name="path">Null if the variable is not set.</param>
    private static string? InXdg(ReadSet reads, string? path, string rest, List<ForeignPlace> skipped) =>
        path is null ? InHome(reads, rest, skipped)
        : !IsOurs(reads, path, skipped) ? null
        : Usable(path) ? path : InHome(reads, rest, skipped);

    /// <summary>
    /// Whether an XDG variable's directory can be used. Root must not create one in another user's directory: sudo may keep its caller's
    /// variables.
    /// </summary>
    private static bool Usable(string path) => Processes.EffectiveUser != Processes.Root
        || (NearestExisting(path) is var (existing, status) && (existing == path || status?.Owner == Processes.Root));

    /// <summary>The path itself, or the nearest directory above it that exists. A plan checks the directories itself.</summary>
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
    /// The fallback without a usable home: under the temporary directory, which all users can write to, so it must be the user's alone.
    /// </summary>
    private static string Private(ReadSet reads, string rest)
    {
        const string Hint = "set HOME, or both RUN_CACHE and XDG_STATE_HOME";
        var directory = $"{Absolute(reads, "TMPDIR") ?? "/tmp"}/run-{Processes.EffectiveUser}";
        if (Foreign(reads, directory) is { } foreign)
        {
            throw new RunException(ExitStatus.Refused, $"{foreign}, so it is not used", Hint);
        }

        if (Files.MakeDirectory(directory, Permissions.PrivateDirectory) is not (Errno.None or Errno.Exists))
        {
            // Not an error yet: whatever needs the directory will report it.
            return $"{directory}/{rest}";
        }

        return Files.LinkStatus(directory).Value is { IsDirectory: true } s && s.Owner == Processes.EffectiveUser
            && (s.Mode & Permissions.Others) == 0
            ? $"{directory}/{rest}"
            : throw new RunException(
                ExitStatus.Refused, $"{directory}: not a private directory of this user, so it is not used", Hint);
    }
}
