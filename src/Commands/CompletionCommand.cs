using Run.CommandLine;
using Run.CommandLine.Completion;
using Run.Naming;
using Run.Reporting;

namespace Run.Commands;

/// <summary><c>--completion</c>: the completion script for a shell, and the words that it requests at each completion.</summary>
internal static class CompletionCommand
{
    /// <summary>Given instead of a shell: print the words that SCRIPT can be. Completions for other shells can use it too.</summary>
    private const string Words = "words";

    public static int Execute(RunContext context, Invocation invocation)
    {
        var shell = invocation.Shell!;
        if (shell == Words)
        {
            Stdout.Write(string.Concat(Scripts(context).Select(static line => $"{line.Word}\t{line.Meaning}\n")));
            return 0;
        }

        if (!CompletionScript.Shells.Contains(shell))
        {
            var nearest = Suggestion.For(shell, CompletionScript.Shells);
            throw new RunException(
                ExitStatus.Usage, $"{shell}: no completion for this shell",
                nearest is null ? $"supported shells: {string.Join(", ", CompletionScript.Shells)}" : $"did you mean {nearest}?");
        }

        Stdout.Write(CompletionScript.For(shell));
        return 0;
    }

    /// <summary>The sources, with what they expect, and the cached scripts, without those that cannot be typed.</summary>
    private static IEnumerable<Candidate> Scripts(RunContext context)
    {
        var now = context.Reads.Now;
        var sources = context.Configuration.Sources().Where(static s => s.Name != ScriptName.DefaultScope);
        var cached = context.Cache.All()
            .Select(c => new Candidate(c.Record.Script, $"cached {HumanFormat.Age(now - c.Record.Fetched)} ago"));
        return sources.Select(static s => new Candidate($"{s.Name}:", s.Expects))
            .Concat(cached)
            .Where(static line => Messages.Printable(line.Word) == line.Word);
    }

    private sealed record Candidate(string Word, string Meaning);
}
