using Run.CommandLine;
using Run.Execution;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run;

/// <summary>From the name of a local file that starts <c>run</c> to what it stands for (<see cref="RunFile"/>).</summary>
internal static class RunFileExpansion
{
    /// <summary>Files may stand for others. More of them than this can only be a circle.</summary>
    private const int MostFiles = 8;

    /// <summary>
    /// The invocation with the options of the file's line, as if they had been typed before its own, and with the SCRIPT that it stands
    /// for.
    /// It is the same if SCRIPT is not such a file, or is not to be run.
    /// </summary>
    /// <param name="parse">Parses a command line.</param>
    /// <exception cref="RunException">64: the options are wrong. 126: the file does not say what to run, or stands for itself.</exception>
    public static Invocation Expand(Invocation invocation, Func<string[], Invocation> parse)
    {
        var typed = invocation;
        for (var files = 0; invocation is { Command: CommandKind.Run or CommandKind.DryRun, Interpreter: null }; files++)
        {
            if (LocalPath(invocation.Script) is not { } path || RunFile.At(path) is not { } file)
            {
                return invocation;
            }

            if (files == MostFiles)
            {
                throw new RunException(ExitStatus.CannotStart, $"{typed.Script}: stands for itself, by way of other files");
            }

            var script = file.Second is not null ? invocation.Script : file.Script ?? throw RunFile.SaysNothing(invocation.Script);
            if (file.Options.Length > 0 || script != invocation.Script)
            {
                string[] words = [.. file.Options, .. invocation.Options];
                invocation = words.Length == 0
                    ? invocation with { Operands = [script, .. invocation.Arguments] }
                    : parse([.. words, "--", script, .. invocation.Arguments]);
            }

            if (file.Second is not null)
            {
                return invocation;
            }
        }

        return invocation;
    }

    /// <summary>The path, if SCRIPT is a local file without a digest of its own; a digest is checked against the file itself.</summary>
    private static string? LocalPath(string script) =>
        script is ['/', ..] or ['.', '/', ..] or ['.', '.', '/', ..] ? script
        : script.StartsWith("~/", StringComparison.Ordinal) && ScriptName.Parse(script) is ScriptName.Local local ? local.Path(Home)
        : null;

#pragma warning disable RS0030 // What it decides is an input: the same variable is read again when SCRIPT is resolved.
    private static string? Home() => EnvironmentVariables.Get("HOME") is ['/', ..] home ? home.TrimEnd('/') : null;
#pragma warning restore RS0030
}
