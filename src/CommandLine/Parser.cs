using System.CommandLine;
using System.Globalization;

namespace Run.CommandLine;

/// <summary>From the arguments to an <see cref="Invocation"/>.</summary>
internal static class Parser
{
    /// <exception cref="RunException">64: the command line is wrong.</exception>
    public static Invocation Parse(string[] arguments)
    {
        var head = Head.Cut(arguments);
        var command = new Command("run");
        foreach (var entry in Options.All)
        {
            command.Options.Add(entry.Option);
        }

        // No response files, no directives, no bundles: Head has left nothing but whole options.
        var result = command.Parse(LastOfEach(head.Words), new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (result.Errors is [var error, ..])
        {
            throw new RunException(ExitStatus.Usage, error.Message.TrimEnd('.'));
        }

        if (result.GetValue(Options.Help) || (arguments.Length == 0))
        {
            return new Invocation { Act = Act.Help };
        }

        if (result.GetValue(Options.Version))
        {
            return new Invocation { Act = Act.Version };
        }

        var invocation = new Invocation
        {
            Act = ActOf(result),
            Operands = head.Operands,
            Update = result.GetValue(Options.Update),
            Offline = result.GetValue(Options.Offline),
            Pinned = result.GetValue(Options.Pinned),
            Digest = DigestOf(head.Words),
            Interpreter = result.GetValue(Options.Interpreter),
            Configuration = result.GetValue(Options.Config),
            Lock = Given(result, Options.Lock) || Given(result, Options.Wait) || result.GetValue(Options.Replace),
            LockName = result.GetValue(Options.Lock),
            Wait = Given(result, Options.Wait) ? Seconds(result.GetValue(Options.Wait)) : TimeSpan.Zero,
            Replace = result.GetValue(Options.Replace),
            Detach = result.GetValue(Options.Detach),
            ConflictExitCode = Code(result.GetValue(Options.ConflictExitCode)),
            Yes = result.GetValue(Options.Yes),
            Json = result.GetValue(Options.Json),
            Quiet = result.GetValue(Options.Quiet),
            Verbose = result.GetValue(Options.Verbose),
            Shell = result.GetValue(Options.Completion),
        };
        Combinations.Check(invocation);
        return invocation;
    }

    private static bool Given(ParseResult result, Option option) => result.GetResult(option) is { Implicit: false };

    private static Act ActOf(ParseResult result)
    {
        var act = Act.Run;
        Option? chosen = null;
        Choose(Options.View, Act.View);
        Choose(Options.DryRun, Act.DryRun);
        Choose(Options.Diff, Act.Diff);
        Choose(Options.Pin, Act.Pin);
        Choose(Options.Ps, Act.Ps);
        Choose(Options.Stop, Act.Stop);
        Choose(Options.List, Act.List);
        Choose(Options.Clean, Act.Clean);
        Choose(Options.Init, Act.Init);
        Choose(Options.Completion, Act.Completion);
        return act;

        void Choose(Option option, Act its)
        {
            if (!Given(result, option))
            {
                return;
            }

            if (chosen is not null)
            {
                throw new RunException(ExitStatus.Usage, $"{chosen.Name} and {option.Name} exclude each other");
            }

            (chosen, act) = (option, its);
        }
    }

    /// <summary>Of an option that is given more than once the last one counts, so that an alias can be overruled.</summary>
    private static List<string> LastOfEach(IReadOnlyList<string> words)
    {
        var last = new List<string>(words.Count);
        for (var i = words.Count - 1; i >= 0; i--)
        {
            var name = Name(words[i]);
            if (!last.Exists(later => Name(later) == name))
            {
                last.Insert(0, words[i]);
            }
        }

        return last;

        static string Name(string word) => word.Split('=', 2)[0];
    }

    /// <summary>All the digests that are given must be one: the last one may not win here.</summary>
    private static string? DigestOf(IReadOnlyList<string> words)
    {
        var prefix = Options.Sha256.Name + "=";
        string? digest = null;
        foreach (var word in words)
        {
            if (word.StartsWith(prefix, StringComparison.Ordinal))
            {
                digest = Digest.Same(digest, Digest.Parse(word[prefix.Length..]));
            }
        }

        return digest;
    }

    private static TimeSpan? Seconds(string? text)
    {
        const double Most = 1e9;
        return text is null ? null
            : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds <= Most ? TimeSpan.FromSeconds(seconds)
            : throw new RunException(ExitStatus.Usage, $"--wait={text}: not a number of seconds");
    }

    private static int? Code(string? text) =>
        text is null ? null
            : text.All(char.IsAsciiDigit) && int.TryParse(text, CultureInfo.InvariantCulture, out var code) && code <= 255 ? code
            : throw new RunException(ExitStatus.Usage, $"--conflict-exit-code {text}: not a status", "a status is a number from 0 to 255");
}
