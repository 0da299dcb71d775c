using Run.CommandLine;
using Run.Execution;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

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
        invocation = WithFileHere(invocation, context.Reads);
        var typed = invocation;
        for (var files = 0; invocation.Command is CommandKind.Run or CommandKind.DryRun; files++)
        {
            if (FileOf(invocation.Script, context) is not { } named || RunFile.At(named.Path, context.Reads) is not { } file)
            {
                break;
            }

            if (files == MostFiles)
            {
                throw new RunException(ExitStatus.CannotStart, $"{typed.Script}: stands for itself, by way of other files");
            }

            var options = file.Line.OptionsAlone;
            var ofLine = options.Length > 0 ? parse([.. options, "--", "./x"]) : null;
            var namesScript = ofLine is { Operands: [_, _, ..] };
            if (files == 0 && invocation is { Command: CommandKind.Run, WordsToScript: [.. var words, _] }
                && LineStart.Follow(file.Line, words, invocation.Options, invocation.Operands, namesScript, context.Reads))
            {
                typed = typed with { WordsToScript = [] };
            }

            if (!file.Line.IsUsualName)
            {
                // That this is the program of that name is seen only by looking for it.
                typed = typed with { WordsToScript = [] };
            }

            // A digest is that of what is executed.
            string[] digest = named.Digest is null ? [] : [$"{Options.Sha256.Name}={named.Digest}"];
            if (namesScript)
            {
                // The file is that script's first argument, as if the kernel had started the line. What was typed does not show this, so
                // there is no plan.
                invocation = parse([.. invocation.Options, .. digest, .. file.Line.Options, named.Path, .. invocation.Arguments]);
                typed = typed with { WordsToScript = [] };
                invocation = invocation with { WordsToScript = [], IsFromFile = true };
                context = context.With(invocation);
                continue;
            }

            // With -i, a file that names neither an interpreter nor a script is for the one that -i names.
            var isItself = file.Second is not null || (file.Script is null && (ofLine?.Interpreter ?? invocation.Interpreter) is not null);
            var script = isItself ? invocation.Script : file.Target(invocation.Script);
            if (options.Length > 0 || script != invocation.Script)
            {
                // If the file itself is executed, its digest is still part of SCRIPT.
                string[] all = [.. options, .. invocation.Options, .. isItself ? [] : digest];
                invocation = all.Length == 0
                    ? invocation with { Operands = [script, .. invocation.Arguments] }
                    : parse([.. all, "--", script, .. invocation.Arguments]);
                context = context.With(invocation);
            }

            // The file that was typed is a step of its own in a plan; the others are inputs like any other.
            if (files == 0 && named.Path == typed.Script)
            {
                typed = typed with { TypedFile = file.Status!.Stamp };
            }
            else
            {
                context.Reads.File(Files.Absolute(named.Path), file.Status);
            }

            invocation = invocation with { WordsToScript = typed.WordsToScript, TypedFile = typed.TypedFile, IsFromFile = true };
            if (isItself)
            {
                break;
            }
        }

        return (invocation, context);
    }

    /// <summary>
    /// The SCRIPT that a file stands for, for commands that are about the script and not about the file: that is what is locked, logged and
    /// fetched. SCRIPT itself if it is not such a file. It has the digest that was asked for.
    /// </summary>
    /// <exception cref="RunException">
    /// 64: the options of the file's line are wrong, or two digests differ. 126: what it stands for cannot be the name of a script.
    /// </exception>
    public static string Target(string script, RunContext context)
    {
        for (var files = 0; files < MostFiles; files++)
        {
            if (FileOf(script, context) is not { } named || RunFile.At(named.Path, context.Reads) is not { } file
                || (NamedByLine(file.Line) ?? (file is { Second: null, Script: not null } ? file.Target(script) : null)) is not { } target)
            {
                break;
            }

            script = named.Digest is null ? target : $"{target}{Digest.Fragment}{named.Digest}";
        }

        return script;
    }

    /// <summary>
    /// SCRIPT as the path of a file here, if that file's line may be what started this process. The kernel hands over the path of a file as
    /// its caller wrote it (execve(2)): <c>bin/x</c>, as make, git hooks and a relative directory in PATH have it, would otherwise be a
    /// script of the source <c>default</c>. Nothing but the words tells the two apart, so they must be those of the line.
    /// </summary>
    /// <exception cref="RunException">64: it may be meant, but belongs to another user.</exception>
    private static Invocation WithFileHere(Invocation invocation, ReadSet reads)
    {
        if (invocation.Command is not (CommandKind.Run or CommandKind.DryRun) || invocation.WordsToScript is not [.. var words, var script]
            || !script.Contains('/', StringComparison.Ordinal) || script[0] == '~'
            || ScriptName.Parse(script) is not ScriptName.Scoped { Scope: ScriptName.DefaultScope, PathAndRef: var path } || path != script)
        {
            return invocation;
        }

        var file = RunFile.At(script, reads);
        reads.File(Files.Absolute(script), file?.Status ?? Files.Status(script).Value);
        return file is null || !words.SequenceEqual(file.Line.Options) ? invocation
            : TrustedPath.IsTrusted(file.Status!.Owner)
                ? invocation with { Operands = [$"./{script}", .. invocation.Arguments], WordsToScript = [] }
            : throw new RunException(
                ExitStatus.Usage, $"{script}: a file of another user (uid {file.Status.Owner}) of that name is here, and starts run",
                $"did you mean ./{script}, or {ScriptName.DefaultScope}:{script}?");
    }

    /// <summary>The SCRIPT among the words of the line, with the digest that the line asks for; null if there is none.</summary>
    private static string? NamedByLine(RunLine line)
    {
        if (line.OptionsAlone is not { Length: > 0 } words
            || CommandLineParser.Parse([.. words, "--", "./x"]) is not { Operands: [var script, _, ..] } parsed)
        {
            return null;
        }

        return parsed.Digest is null ? script : $"{script}{Digest.Fragment}{parsed.Digest}";
    }

    /// <summary>The file that SCRIPT names, here or in a source that is a directory, and its digest if there is one.</summary>
    private static (string Path, string? Digest)? FileOf(string script, RunContext context)
    {
        if (script is ['/', ..] or ['.', '/', ..] or ['.', '.', '/', ..] && !script.Contains('#', StringComparison.Ordinal))
        {
            return (script, null);
        }

        return ScriptName.Parse(script) switch
        {
            { TreeDigest: not null } => null,
            ScriptName.Local local => (local.Path(() => XdgPaths.Home(context.Reads)), local.Digest),
            ScriptName.Scoped scoped when context.Named(script) is { Local: { } path, Source.IsDirectory: true } => (path, scoped.Digest),
            _ => null,
        };
    }
}
