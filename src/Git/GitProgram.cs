using Microsoft.Win32.SafeHandles;
using Run.Execution;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;

namespace Run.Git;

/// <summary>
/// The machine's git, and how it is started: with the user's own configuration, but with nothing that a repository, a URL or the
/// surroundings of this process could add to it.
/// </summary>
internal sealed class GitProgram
{
    private const string Name = "git";

    /// <summary>
    /// Variables that say where the repository is and what is in it: <c>git rev-parse --local-env-vars</c>, which git itself removes before
    /// it works on another repository, and a few more of the kind. They are set if run is started by a hook or an alias of git.
    /// GIT_CONFIG_COUNT and its KEY and VALUE stay: they are documented for users, and CI systems configure credentials by them.
    /// </summary>
    private static readonly string[] s_foreign =
    [
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX",
        "GIT_INTERNAL_SUPER_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_QUARANTINE_PATH", "GIT_ATTR_SOURCE",
        "GIT_DEFAULT_HASH", "GIT_REF_PARANOIA", "GIT_ALLOW_PROTOCOL", "GIT_NO_LAZY_FETCH", "GIT_TEMPLATE_DIR", "GIT_PROTOCOL_FROM_USER",
        "LC_ALL", "LANGUAGE",
    ];

    /// <summary>Programs that ask for a password in a window, and the variables that keep everything from asking.</summary>
    private static readonly string[] s_askers =
        ["GIT_ASKPASS", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "GIT_TERMINAL_PROMPT", "GCM_INTERACTIVE"];

    /// <summary>What the user's configuration may say, and a fetch for run must not do.</summary>
    private static readonly string[] s_configuration =
    [
        "core.hooksPath=/dev/null", "core.fsmonitor=false",
        "gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "fetch.recurseSubmodules=false",
        "fetch.prune=false", "fetch.pruneTags=false", "fetch.writeCommitGraph=false",

        // Nothing but the one pack of the one server.
        "transfer.bundleURI=false", "fetch.uriProtocols=",

        // Always a pack: git flushes it, while single objects are flushed only if the user asks for that.
        "fetch.unpackLimit=1", "transfer.unpackLimit=1",

        // If run is killed, git does not wait for a silent server without end. While run lives, it is run that gives up, and sooner.
        "http.lowSpeedLimit=1", "http.lowSpeedTime=60",

        // Larger files are streamed instead of being read into memory.
        "core.bigFileThreshold=16m",
    ];

    private readonly string _file;
    private readonly string[] _protocols;
    private readonly bool _mayPrompt;
    private readonly Credential? _credential;
    private readonly List<string> _environment;

    private GitProgram(string file, string[] protocols, bool mayPrompt, Credential? credential)
    {
        (_file, _protocols, _mayPrompt, _credential) = (file, protocols, mayPrompt, credential);
        _environment = Environment();
    }

    /// <summary>The program, which may use no protocol yet.</summary>
    /// <param name="mayPrompt">Whether git and what it starts may ask the user.</param>
    /// <exception cref="RunException">69: it is not installed.</exception>
    public static GitProgram Find(ReadSet reads, string shown, bool mayPrompt, Credential? credential)
    {
        var file = SearchPath.Find(Name, reads, out _)
            ?? throw new RunException(
                ExitStatus.Unavailable, $"{shown}: git is not installed, and repositories are fetched with it", "install the package git");
        return new GitProgram(file, [], mayPrompt, credential);
    }

    /// <param name="protocols">Those that may be used, also after a redirect and after the user's <c>insteadOf</c>.</param>
    /// <param name="withCredential">Whether the server is the one for which the URL has a user name and a password.</param>
    public GitProgram Allowing(string[] protocols, bool withCredential) =>
        new(_file, protocols, _mayPrompt, withCredential ? _credential : null);

    /// <summary>This program for a question whose answer is nice to have: it asks the user nothing.</summary>
    public GitProgram WithoutPrompts() => new(_file, _protocols, mayPrompt: false, _credential);

    public bool MayPrompt => _mayPrompt;

    /// <param name="directory">The repository: absolute.</param>
    /// <exception cref="RunException">69: it cannot be started.</exception>
    public ChildProcess Start(
        string directory, IReadOnlyList<string> arguments, SafeFileHandle input,
        SafeFileHandle output, SafeFileHandle errors)
    {
        // -C: the working directory of this process may be gone, and a relative path in it is none of git's business.
        List<string> all = [Name, "--no-replace-objects", "-C", directory];
        foreach (var setting in s_configuration)
        {
            all.AddRange(["-c", setting]);
        }

        if (!_mayPrompt)
        {
            all.AddRange(["-c", "credential.interactive=false"]);
        }

        if (_credential is { Password: not null })
        {
            all.AddRange(["-c", "credential.helper=", "-c", $"credential.helper={Credential.Helper}"]);
        }

        all.AddRange(arguments);
        return ChildProcess.Start(_file, all, [.. _environment, $"GIT_DIR={directory}"], input, output, errors, ownSession: !_mayPrompt)
            .OrThrow(error => new RunException(ExitStatus.Unavailable, $"{_file}: cannot be started: {error.Describe()}"));
    }

    private List<string> Environment()
    {
        var environment = EnvironmentVariables.All();
        var allowed = environment.Find(static v => v.StartsWith("GIT_ALLOW_PROTOCOL=", StringComparison.Ordinal))?.Split('=')[1].Split(':');
        environment.RemoveAll(variable => IsOneOf(s_foreign, variable) || (!_mayPrompt && IsOneOf(s_askers, variable)));
        environment.AddRange(
        [
            // Its messages are read below. Not plain C: libcurl reads the names of hosts by this, too.
            "LC_ALL=C.UTF-8",
            "GIT_NO_LAZY_FETCH=1",
            $"GIT_ALLOW_PROTOCOL={string.Join(':', _protocols.Where(protocol => allowed?.Contains(protocol) is not false))}",
        ]);
        if (!_mayPrompt)
        {
            // Besides, it has a session without a terminal then (ownSession), and ssh has no other place to ask.
            environment.AddRange(["GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS_REQUIRE=never", "GCM_INTERACTIVE=never"]);
        }

        _credential?.AddTo(environment);
        return environment;
    }

    private static bool IsOneOf(string[] names, string variable) =>
        variable.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals && names.Contains(variable[..equals]);
}
