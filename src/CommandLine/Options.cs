using System.CommandLine;

namespace Run.CommandLine;

/// <summary>The groups of options in the help, by what people want to do.</summary>
internal enum OptionGroup
{
    Bytes,
    Running,
    Looking,
    General,
}

/// <summary>
/// The table of options, which parsing, help, completion and the tests of the manual all read. It is used only if the command line has
/// options.
/// </summary>
internal static class Options
{
    // First, because the fields below add themselves to it.
    private static readonly List<OptionEntry> s_all = [];

    public static readonly Option<bool> Update = Flag(OptionGroup.Bytes, "--update", "-u", "ask the server first; run what it has now");
    public static readonly Option<bool> Fetch =
        Flag(OptionGroup.Bytes, "--fetch", null, "cache SCRIPT..., or all pins; run nothing");
    public static readonly Option<bool> Offline = Flag(OptionGroup.Bytes, "--offline", null, "never use the network");
    public static readonly Option<string> Sha256 =
        Value(OptionGroup.Bytes, "--sha256", null, "HEX", "run the bytes with this digest or nothing");
    public static readonly Option<bool> Pin = Flag(OptionGroup.Bytes, "--pin", null, "pin SCRIPT..., or all pins, to what is there now");
    public static readonly Option<bool> Outdated = Flag(OptionGroup.Bytes, "--outdated", null, "list pins whose source has changed");
    public static readonly Option<bool> Pinned = Flag(OptionGroup.Bytes, "--pinned", null, "refuse scripts that are not pinned");
    public static readonly Option<bool> Diff = Flag(OptionGroup.Bytes, "--diff", null, "show what changed on the server; accept nothing");

    public static readonly Option<string> Interpreter =
        Value(OptionGroup.Running, "--interpreter", "-i", "CMD", "start it with CMD, which may have arguments");
    public static readonly Option<string> Lock =
        Optional(OptionGroup.Running, "--lock", "-l", "NAME", "run only if it (or NAME) is not already running");
    public static readonly Option<string> Wait =
        Optional(OptionGroup.Running, "--wait", "-w", "SECONDS", "wait for the running one to finish, then run");
    public static readonly Option<bool> Replace = Flag(OptionGroup.Running, "--replace", null, "stop the running one, then run");
    public static readonly Option<bool> Detach = Flag(OptionGroup.Running, "--detach", null, "run it in the background and print its PID");
    public static readonly Option<string> ConflictExitCode =
        Value(OptionGroup.Running, "--conflict-exit-code", "-E", "N", "exit status if it is already running (75)");
    public static readonly Option<string> On =
        Value(OptionGroup.Running, "--on", null, "LAUNCHER", "start it on other machines, with a launcher");

    public static readonly Option<bool> View = Flag(OptionGroup.Looking, "--view", "-v", "print the script; run nothing");
    public static readonly Option<bool> DryRun =
        Flag(OptionGroup.Looking, "--dry-run", "-n", "print what would be run: URL, path, digest, argv");
    public static readonly Option<bool> List = Flag(OptionGroup.Looking, "--list", null, "list cached scripts, or those of a SOURCE:");
    public static readonly Option<bool> Ps = Flag(OptionGroup.Looking, "--ps", null, "list running scripts, or those at PLACE:");
    public static readonly Option<bool> Logs = Flag(OptionGroup.Looking, "--logs", null, "show the log of a detached SCRIPT");
    public static readonly Option<bool> Stop = Flag(OptionGroup.Looking, "--stop", null, "stop SCRIPT if it is running");
    public static readonly Option<string> Clean =
        Optional(OptionGroup.Looking, "--clean", "-c", "AGE", "remove SCRIPT..., all, or what is unused for AGE");
    public static readonly Option<bool> Yes = Flag(OptionGroup.Looking, "--yes", "-y", "do not ask");
    public static readonly Option<bool> Json = Flag(OptionGroup.Looking, "--json", null, "print lists and --dry-run as JSON");

    public static readonly Option<bool> Init = Flag(OptionGroup.General, "--init", "-I", "create a run.conf with comments");
    public static readonly Option<string> Completion =
        Value(OptionGroup.General, "--completion", null, "SHELL", "print a completion script for bash, zsh or fish");
    public static readonly Option<string> Config = Value(OptionGroup.General, "--config", null, "FILE", "read this run.conf and no other");
    public static readonly Option<bool> Quiet = Flag(OptionGroup.General, "--quiet", "-q", "print only errors");
    public static readonly Option<bool> Verbose = Flag(OptionGroup.General, "--verbose", null, "report each step on stderr");
    public static readonly Option<bool> Help = Flag(OptionGroup.General, "--help", "-h", "print this help");
    public static readonly Option<bool> Version = Flag(OptionGroup.General, "--version", "-V", "print the version");

    /// <summary>All options, in the order of the help.</summary>
    public static IReadOnlyList<OptionEntry> All => s_all;

    /// <summary>The option with this name, long or short, including its dashes; null if there is none.</summary>
    public static OptionEntry? Find(string name) => s_all.Find(e => e.Long == name || e.Short == name);

    private static Option<bool> Flag(OptionGroup group, string name, string? letter, string description) =>
        Add(group, new Option<bool>(name, Aliases(letter)) { Description = description, Arity = ArgumentArity.Zero });

    private static Option<string> Value(OptionGroup group, string name, string? letter, string value, string description) =>
        WithValue(group, name, letter, value, description, ArgumentArity.ExactlyOne);

    private static Option<string> Optional(OptionGroup group, string name, string? letter, string value, string description) =>
        WithValue(group, name, letter, value, description, ArgumentArity.ZeroOrOne);

    private static Option<string> WithValue(
        OptionGroup group, string name, string? letter, string value, string description, ArgumentArity arity) =>
        Add(group, new Option<string>(name, Aliases(letter)) { Description = description, HelpName = value, Arity = arity });

    private static string[] Aliases(string? letter) => letter is null ? [] : [letter];

    private static Option<T> Add<T>(OptionGroup group, Option<T> option)
    {
        s_all.Add(new OptionEntry(option, group));
        return option;
    }
}

/// <summary>An option as the help, the completion and <see cref="SplitArguments"/> use it.</summary>
internal sealed record OptionEntry(Option Option, OptionGroup Group)
{
    public string Long => Option.Name;

    public string? Short => Option.Aliases.FirstOrDefault();

    /// <summary>The name of its value; null if it takes none.</summary>
    public string? ValueName => Option.HelpName;

    public bool NeedsValue => Option.Arity.MinimumNumberOfValues > 0;

    /// <summary>Whether it takes an optional value, which must be written as <c>--name=VALUE</c>.</summary>
    public bool MayHaveValue => !NeedsValue && Option.Arity.MaximumNumberOfValues > 0;
}
