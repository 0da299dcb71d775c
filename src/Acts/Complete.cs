using Run.CommandLine;
using Run.Completion;

namespace Run.Acts;

/// <summary><c>--completion</c>: the completion for a shell, and what it asks for at each press of the key.</summary>
internal static class Complete
{
    /// <summary>In the place of a shell: the words that SCRIPT may be, for the completions and for other shells'.</summary>
    private const string Words = "words";

    public static int ForShell(Surroundings surroundings, Invocation invocation)
    {
        var shell = invocation.Shell!;
        if (shell == Words)
        {
            Output.Write(string.Concat(Scripts(surroundings).Select(static line => $"{line.Word}\t{line.Meaning}\n")));
            return 0;
        }

        if (!ShellScript.Shells.Contains(shell))
        {
            var nearest = Nearest.To(shell, ShellScript.Shells);
            throw new RunException(
                ExitStatus.Usage, $"{shell}: no completion for this shell",
                nearest is null ? $"there is one for {string.Join(", ", ShellScript.Shells)}" : $"did you mean {nearest}?");
        }

        Output.Write(ShellScript.For(shell));
        return 0;
    }

    /// <summary>The sources, with what they expect, and the cached scripts, one a line: what could not be typed is left out.</summary>
    private static IEnumerable<Candidate> Scripts(Surroundings surroundings)
    {
        var now = DateTimeOffset.UtcNow;
        var sources = surroundings.Configuration().Sources().Where(static s => s.Name != ScriptName.DefaultScope);
        var cached = surroundings.Cache.All().Select(c => new Candidate(c.Record.Script, $"cached {Ages.Text(now - c.Record.Fetched)} ago"));
        return sources.Select(static s => new Candidate($"{s.Name}:", s.Expects)).Concat(cached).Where(static line => Voice.Printable(line.Word) == line.Word);
    }

    private sealed record Candidate(string Word, string Meaning);
}
