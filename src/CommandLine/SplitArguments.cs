using Run.Naming;
using Run.Reporting;

namespace Run.CommandLine;

/// <summary>
/// The command line, split in two: the options before SCRIPT, each as one word <c>--name</c> or <c>--name=VALUE</c>, and SCRIPT with
/// everything after it. A parser that saw the whole line would find its own options among the script's arguments.
/// </summary>
/// <param name="Options">For the parser.</param>
/// <param name="Operands">SCRIPT and its arguments, unchanged.</param>
internal sealed record SplitArguments(IReadOnlyList<string> Options, string[] Operands)
{
    /// <summary>The option right before SCRIPT, if it could have had a value but has none.</summary>
    public string? OptionWithoutValue { get; init; }

    /// <exception cref="RunException">64: an unknown option, a missing value, or a value for an option that takes none.</exception>
    public static SplitArguments Of(string[] arguments)
    {
        var words = new List<string>();
        var next = 0;
        var ended = false;
        while (next < arguments.Length && arguments[next] is ['-', _, ..] word)
        {
            next++;
            if (word == "--")
            {
                ended = true;
                break;
            }

            var following = next < arguments.Length ? arguments[next] : null;
            var usedFollowing = word[1] == '-' ? AddLong(words, word, following) : AddShort(words, word, following);
            next += usedFollowing ? 1 : 0;
        }

        var operands = arguments[next..];
        var option = !ended && words is [.., var last] && CommandLine.Options.Find(last) is { MayHaveValue: true } ? last : null;
        if (option is not null && operands is [var script, ..] && HumanFormat.IsNumber(script))
        {
            var rest = operands.Length > 1 ? $" {ShellWords.Join([UrlText.Shown(operands[1])])}" : "";
            throw new RunException(ExitStatus.Usage, $"{script}: a number, not a SCRIPT", $"did you mean {option}={script}{rest}?");
        }

        return new SplitArguments(words, operands) { OptionWithoutValue = option };
    }

    private static bool AddLong(List<string> words, string word, string? following)
    {
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? word : word[..equals];
        var entry = CommandLine.Options.Find(name) ?? throw Unknown(name);
        return Add(words, entry, name, equals < 0 ? null : word[(equals + 1)..], following);
    }

    /// <summary>One-letter options can be grouped (<c>-uv</c>). The last one can take a value, attached or as the next word.</summary>
    private static bool AddShort(List<string> words, string word, string? following)
    {
        for (var i = 1; i < word.Length; i++)
        {
            var name = $"-{word[i]}";
            var entry = CommandLine.Options.Find(name) ?? throw Unknown(word.Length == 2 ? word : name, of: word);
            var rest = word[(i + 1)..];
            if (entry.MayHaveValue && HumanFormat.IsNumber(rest))
            {
                throw new RunException(
                    ExitStatus.Usage, $"{word}: a value must follow an equals sign", $"did you mean {entry.Long}={rest}?");
            }

            if (rest.StartsWith('='))
            {
                return Add(words, entry, name, rest[1..], following);
            }

            if (entry.NeedsValue)
            {
                return Add(words, entry, name, rest.Length > 0 ? rest : null, following);
            }

            words.Add(entry.Long);
        }

        return false;
    }

    private static bool Add(List<string> words, OptionEntry entry, string name, string? value, string? following)
    {
        if (value is not null)
        {
            if (!entry.NeedsValue && !entry.MayHaveValue)
            {
                throw new RunException(ExitStatus.Usage, $"{name} takes no value");
            }

            words.Add($"{entry.Long}={(value.Length > 0 ? value : throw Missing(entry, name))}");
            return false;
        }

        if (!entry.NeedsValue)
        {
            words.Add(entry.Long);
            return false;
        }

        // A word that begins with '-' is the next option, so the value is missing. --name=-x passes such a value.
        words.Add(following is { Length: > 0 } && following[0] != '-' ? $"{entry.Long}={following}" : throw Missing(entry, name));
        return true;
    }

    private static RunException Missing(OptionEntry entry, string name) => new(
        ExitStatus.Usage,
        $"{name} needs a value",
        entry.NeedsValue ? $"{name} {entry.ValueName}" : $"{entry.Long}={entry.ValueName}, or {entry.Long} alone");

    private static RunException Unknown(string name, string? of = null)
    {
        var nearest = Synonyms.Of(name) ?? Suggestion.For(name, CommandLine.Options.All.Select(static e => e.Long))
            ?? (of is not null && of.Length > 2 ? Suggestion.For($"-{of}", CommandLine.Options.All.Select(static e => e.Long)) : null);
        return new RunException(
            ExitStatus.Usage, $"unknown option {(nearest is not null && of is not null ? of : name)}",
            nearest is null ? "run --help lists them" : $"did you mean {nearest}?");
    }
}
