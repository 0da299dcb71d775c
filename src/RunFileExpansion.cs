using Run.CommandLine;
using Run.Execution;
using Run.Inputs;
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
    /// for; and the context of that invocation. They are the same if SCRIPT is not such a file, or is not to be run.
    /// </summary>
    /// <param name="parse">Parses a command line.</param>
    /// <exception cref="RunException">
    /// 64: the options are wrong, or SCRIPT is. 78. 126: the file does not say what to run, or stands for itself.
    /// </exception>
    public static (Invocation Invocation, RunContext Context) Expand(
        Invocation invocation, RunContext context, Func<string[], Invocation> parse)
    {
        var typed = invocation;
        for (var files = 0; invocation is { Command: CommandKind.Run or CommandKind.DryRun, Interpreter: null }; files++)
        {
            var local = LocalPath(invocation.Script, context.Reads);
            if ((local ?? FileOfDirectory(invocation.Script, context)) is not { } path || RunFile.At(path) is not { } file)
            {
                break;
            }

            if (files == MostFiles)
            {
                throw new RunException(ExitStatus.CannotStart, $"{typed.Script}: stands for itself, by way of other files");
            }

            var options = file.Options is [.. var before, "--"] ? before : file.Options;
            if (NamesScript(options, parse))
            {
                // The file is that script's first argument, as if the kernel had started the line. What was typed does not show this, so
                // there is no plan.
                invocation = parse([.. invocation.Options, .. file.Options, invocation.Script, .. invocation.Arguments]);
                typed = typed with { WordsToScript = [] };
                invocation = invocation with { WordsToScript = [], IsFromFile = true };
                context = context.With(invocation);
                continue;
            }

            var script = file.Second is not null ? invocation.Script : file.Script ?? throw RunFile.SaysNothing(invocation.Script);
            if (options.Length > 0 || script != invocation.Script)
            {
                string[] words = [.. options, .. invocation.Options];
                invocation = words.Length == 0
                    ? invocation with { Operands = [script, .. invocation.Arguments] }
                    : parse([.. words, "--", script, .. invocation.Arguments]) with { WordsToScript = typed.WordsToScript };
                context = context.With(invocation);
            }

            // The file that was typed is a step of its own in a plan; the others are inputs like any other.
            if (files == 0 && local == typed.Script)
            {
                typed = typed with { TypedFile = file.Status!.Stamp };
            }
            else
            {
                context.Reads.File(path is ['/', ..] ? path : $"{Files.RealPath(".").Value}/{path}", file.Status);
            }

            invocation = invocation with { TypedFile = typed.TypedFile, IsFromFile = true };
            if (file.Second is not null)
            {
                break;
            }
        }

        return (invocation, context);
    }

    /// <summary>
    /// The SCRIPT that a file stands for, for commands that are about the script and not about the file: that is what is locked, logged and
    /// fetched. SCRIPT itself if it is not such a file.
    /// </summary>
    public static string Target(string script, RunContext context)
    {
        for (var files = 0; files < MostFiles; files++)
        {
            if ((LocalPath(script, context.Reads) ?? FileOfDirectory(script, context)) is not { } path
                || RunFile.At(path) is not { Second: null, Script: { } target })
            {
                break;
            }

            script = target;
        }

        return script;
    }

    /// <summary>Whether the line has a SCRIPT of its own behind its options.</summary>
    private static bool NamesScript(string[] words, Func<string[], Invocation> parse) =>
        words.Length > 0 && parse([.. words, "--", "./x"]) is { Operands: [_, _, ..] };

    /// <summary>The path, if SCRIPT is a local file without a digest of its own; a digest is checked against the file itself.</summary>
    private static string? LocalPath(string script, ReadSet reads) =>
        script is ['/', ..] or ['.', '/', ..] or ['.', '.', '/', ..] ? script
        : script.StartsWith("~/", StringComparison.Ordinal) && ScriptName.Parse(script) is ScriptName.Local local
            ? local.Path(() => XdgPaths.Home(reads))
        : null;

    /// <summary>The same for the file of a source that is a directory.</summary>
    private static string? FileOfDirectory(string script, RunContext context) =>
        ScriptName.Parse(script) is ScriptName.Scoped { Digest: null }
        && context.Named(script) is { Local: { } path, Source.IsDirectory: true }
            ? path : null;
}
