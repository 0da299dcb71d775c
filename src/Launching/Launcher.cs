namespace Run.Launching;

/// <summary>
/// A command of run.conf's <c>launchers:</c> that starts other commands: ssh, parallel, srun, <c>etcdctl lock NAME</c>. What it is to start
/// comes after its own words.
/// </summary>
/// <param name="Name">The value of <c>--on</c>.</param>
/// <param name="Command">Its words, with <c>{script}</c> not yet replaced. There is at least one.</param>
/// <param name="Quoting">How the words of what it starts are handed to it.</param>
/// <param name="HandsPath">Whether it starts the cached file, because it works on this machine's file system, and not <c>run</c>.</param>
internal sealed record Launcher(string Name, IReadOnlyList<string> Command, Quoting Quoting, bool HandsPath)
{
    private const string ScriptPlace = "{script}";

    /// <summary>Punctuation that neither a shell nor an engine takes for anything but itself, also after a dash.</summary>
    private const string Harmless = "._-+@,:";

    // They hand on what they are given as one text, which a shell on the other side takes apart again.
    private static readonly string[] s_throughShell = ["ssh", "parallel", "pdsh", "clush"];

    /// <summary>The program that is executed.</summary>
    public string Program => Command[0];

    /// <summary>The whole argv that starts a command.</summary>
    /// <param name="scriptName">The script's file name.</param>
    public string[] Argv(string scriptName, IReadOnlyList<string> command) =>
    [
        .. Command.Select(word => word.Replace(ScriptPlace, Cleaned(scriptName), StringComparison.Ordinal)),
        .. Quoting == Quoting.Shell ? [PosixShell.Quote(command)] : command,
    ];

    /// <summary>
    /// What <c>quoting:</c> is if run.conf does not say: <see cref="Quoting.Shell"/> for programs that are known to use one. Null if that
    /// cannot be told, because such a program is named later in the command, as in <c>timeout 60 ssh web1</c>.
    /// </summary>
    public static Quoting? UsualQuoting(IReadOnlyList<string> command) =>
        s_throughShell.Any(known => BaseName(command[0]).StartsWith(known, StringComparison.Ordinal)) ? Launching.Quoting.Shell
        : command.Any(static word => s_throughShell.Contains(BaseName(word))) ? null
        : Launching.Quoting.None;

    private static string BaseName(string path) => path[(path.LastIndexOf('/') + 1)..];

    /// <summary>
    /// The name as it may stand in the launcher's own words. They may pass a shell on the other side, and a name that somebody else has
    /// chosen must be neither a command there nor an option of the launcher.
    /// </summary>
    private static string Cleaned(string name) => string.Concat(name.Select(static (c, i) =>
        char.IsLetterOrDigit(c) || c == '_' || (Harmless.Contains(c) && (i > 0 || c == '.')) ? c : '_'));
}

/// <summary>How the words of a command are handed to a launcher.</summary>
internal enum Quoting
{
    /// <summary>As they are.</summary>
    None,

    /// <summary>As one word, which a POSIX shell takes apart into exactly these words.</summary>
    Shell,
}
