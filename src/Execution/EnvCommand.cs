namespace Run.Execution;

/// <summary>What env(1) of GNU coreutils does with the words behind its name.</summary>
/// <param name="Own">Its options and the variables that it sets, without <c>-S</c>: what that held stands in its place.</param>
/// <param name="Program">The program that it starts, and the words behind that.</param>
internal sealed record EnvCommand(string[] Own, string[] Program)
{
    private const string ShortWithValue = "CuSa";

    private static readonly string[] s_longWithValue = ["--argv0", "--chdir", "--split-string", "--unset"];

    // With others (-0, --help, --version) it starts nothing.
    private static readonly string[] s_longWithout =
    [
        "--block-signal", "--debug", "--default-signal", "--ignore-environment", "--ignore-signal", "--list-signal-handling",
    ];

    /// <summary>Whether it starts the program with an empty environment.</summary>
    public bool Clears { get; private init; }

    /// <summary>The variables that it removes.</summary>
    public IReadOnlyList<string> Unset { get; private init; } = [];

    /// <summary>The variables that it sets: <c>NAME=VALUE</c>.</summary>
    public IReadOnlyList<string> Assignments { get; private init; } = [];

    /// <summary>Whether it does anything else than to change variables: to the directory, or to signals.</summary>
    public bool DoesMore { get; private init; }

    /// <summary>Null if it starts nothing that is among the words, or refuses them.</summary>
    /// <param name="variable">The value of an environment variable; null if it is not set.</param>
    public static EnvCommand? Of(IEnumerable<string> words, Func<string, string?> variable)
    {
        const int MostWords = 10_000;
        var rest = new LinkedList<string>(words);
        var own = new List<string>();
        var unset = new List<string>();
        var (clears, doesMore) = (false, false);
        for (var count = 0; rest.First?.Value is ['-', _, ..] word; count++)
        {
            rest.RemoveFirst();
            if (word == "--")
            {
                break;
            }

            var (flags, option, attached) = word[1] == '-' ? Long(word) : Short(word);
            if (flags is null || count == MostWords)
            {
                return null;
            }

            foreach (var flag in flags)
            {
                own.Add(flag);
                clears |= flag is "-i" or "--ignore-environment";
                doesMore |= flag is not ("-i" or "--ignore-environment" or "-v" or "--debug");
            }

            if (option is null)
            {
                continue;
            }

            if ((attached ?? rest.First?.Value) is not { } value)
            {
                return null;
            }

            if (attached is null)
            {
                rest.RemoveFirst();
            }

            if (option is "-S" or "--split-string")
            {
                if (EnvSplit.Split(value, variable) is not { } split)
                {
                    return null;
                }

                split.Reverse();
                split.ForEach(one => rest.AddFirst(one));
                continue;
            }

            own.AddRange(option.StartsWith("--", StringComparison.Ordinal) ? [$"{option}={value}"] : [option, value]);
            if (option is "-u" or "--unset")
            {
                unset.Add(value);
            }
            else
            {
                doesMore = true;
            }
        }

        if (rest.First?.Value == "-")
        {
            rest.RemoveFirst();
            own.Add("-i");
            clears = true;
        }

        var assignments = new List<string>();
        while (rest.First?.Value is { } assignment && assignment.Contains('=', StringComparison.Ordinal))
        {
            assignments.Add(assignment);
            rest.RemoveFirst();
        }

        own.AddRange(assignments);
        return rest.Count == 0 ? null : new EnvCommand([.. own], [.. rest])
        {
            Clears = clears,
            Unset = unset,
            Assignments = assignments,
            DoesMore = doesMore,
        };
    }

    /// <summary>The value that the program finds in a variable.</summary>
    /// <param name="variable">The value that env itself finds.</param>
    public string? Value(string name, Func<string, string?> variable)
    {
        for (var i = Assignments.Count - 1; i >= 0; i--)
        {
            if (Assignments[i].StartsWith(name + "=", StringComparison.Ordinal))
            {
                return Assignments[i][(name.Length + 1)..];
            }
        }

        return Clears || Unset.Contains(name) ? null : variable(name);
    }

    /// <summary>The options without a value in one word, and the one that has a value, with that if it is in the word too.</summary>
    private static (IEnumerable<string>? Flags, string? Option, string? Attached) Short(string word)
    {
        for (var i = 1; i < word.Length; i++)
        {
            if (ShortWithValue.Contains(word[i]))
            {
                return (Flags(word[1..i]), $"-{word[i]}", i + 1 < word.Length ? word[(i + 1)..] : null);
            }
        }

        return (Flags(word[1..]), null, null);

        static string[]? Flags(string letters) => letters.Any(static letter => letter is not ('i' or 'v'))
            ? null : [.. letters.Select(static letter => $"-{letter}")];
    }

    private static (IEnumerable<string>? Flags, string? Option, string? Attached) Long(string word)
    {
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var typed = equals < 0 ? word : word[..equals];
        var value = equals < 0 ? null : word[(equals + 1)..];
        string[] found = [.. s_longWithValue.Concat(s_longWithout).Where(name => name.StartsWith(typed, StringComparison.Ordinal))];
        return found is not [var option] ? (null, null, null)
            : s_longWithValue.Contains(option) ? ([], option, value)
            : ([value is null ? option : $"{option}={value}"], null, null);
    }
}
