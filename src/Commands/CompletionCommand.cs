using Run.CommandLine;
using Run.CommandLine.Completion;
using Run.Naming;
using Run.Reporting;


namespace Run.Commands;

/// <summary><c>--completion</c>: the completion for a shell, and what it asks for at each press of the key.</summary>
internal static class CompletionCommand
{
    /// <summary>In the place of a shell: the words that SCRIPT may be, for the completions and for other shells'.</summary>
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
                nearest is null ? $"there is one for {string.Join(", ", CompletionScript.Shells)}" : $"did you mean {nearest}?");
        }

        Stdout.Write(CompletionScript.For(shell));
        return 0;
    }

    /// <summary>The sources, with what they expect, and the cached scripts, one a line: what could not be typed is left out.</summary>
    private static IEnumerable<Candidate> Scripts(RunContext context)
    {
        var now = context.Reads.Now;
        var sources = context.Configuration.Sources().Where(static s => s.Name != ScriptName.DefaultScope);
        var cached = context.Cache.All().Select(c => new Candidate(c.Record.Script, $"cached {HumanFormat.Age(now - c.Record.Fetched)} ago"));
        return sources.Select(static s => new Candidate($"{s.Name}:", s.Expects)).Concat(cached).Where(static line => Messages.Printable(line.Word) == line.Word);
    }

    private sealed record Candidate(string Word, string Meaning);
}
