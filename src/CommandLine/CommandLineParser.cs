using System.CommandLine;
using System.Globalization;
using Run.Naming;
using Run.Reporting;

namespace Run.CommandLine;

/// <summary>Turns the arguments into an <see cref="Invocation"/>.</summary>
internal static class CommandLineParser
{
    private static readonly TimeSpan s_longestAge = TimeSpan.FromDays(365 * 1000);

    /// <exception cref="RunException">64: the command line is wrong.</exception>
    public static Invocation Parse(string[] arguments)
    {
        var split = SplitArguments.Of(arguments);
        var command = new System.CommandLine.Command("run");
        foreach (var entry in Options.All)
        {
            command.Options.Add(entry.Option);
        }

        // No response files, no directives, no bundles: SplitArguments passes on only whole options.
        var configuration = new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false };
        var result = command.Parse(LastOfEach(split.Options), configuration);
        if (result.Errors is [var error, ..])
        {
            throw new RunException(ExitStatus.Usage, error.Message.TrimEnd('.'));
        }

        if (result.GetValue(Options.Help) || (arguments.Length == 0))
        {
            return new Invocation { Command = CommandKind.Help };
        }

        if (result.GetValue(Options.Version))
        {
            return new Invocation { Command = CommandKind.Version };
        }

        var invocation = new Invocation
        {
            Command = CommandOf(result),
            Operands = split.Operands,
            WordsToScript = arguments[..Math.Min(arguments.Length - split.Operands.Length + 1, arguments.Length)],
            Options = split.Options,
            OptionWithoutValue = split.OptionWithoutValue,
            Update = result.GetValue(Options.Update),
            Offline = result.GetValue(Options.Offline),
            Pinned = result.GetValue(Options.Pinned),
            Digest = DigestOf(split.Options),
            Interpreter = result.GetValue(Options.Interpreter),
            Configuration = result.GetValue(Options.Config),
            Lock = Given(result, Options.Lock) || Given(result, Options.Wait) || result.GetValue(Options.Replace),
            LockName = result.GetValue(Options.Lock),
            Wait = Given(result, Options.Wait) ? Seconds(result.GetValue(Options.Wait)) : TimeSpan.Zero,
            Replace = result.GetValue(Options.Replace),
            Detach = result.GetValue(Options.Detach),
            ConflictExitCode = Code(result.GetValue(Options.ConflictExitCode)),
            On = result.GetValue(Options.On),
            Age = AgeOf(result.GetValue(Options.Clean)),
            Yes = result.GetValue(Options.Yes),
            Json = result.GetValue(Options.Json),
            Quiet = result.GetValue(Options.Quiet),
            Verbose = result.GetValue(Options.Verbose),
            Shell = result.GetValue(Options.Completion),
        };
        OptionRules.Check(invocation);
        return invocation;
    }

    private static bool Given(ParseResult result, Option option) => result.GetResult(option) is { Implicit: false };

    private static CommandKind CommandOf(ParseResult result)
    {
        var command = CommandKind.Run;
        Option? chosen = null;
        Choose(Options.View, CommandKind.View);
        Choose(Options.DryRun, CommandKind.DryRun);
        Choose(Options.Diff, CommandKind.Diff);
        Choose(Options.Fetch, CommandKind.Fetch);
        Choose(Options.Pin, CommandKind.Pin);
        Choose(Options.Outdated, CommandKind.Outdated);
        Choose(Options.Ps, CommandKind.Ps);
        Choose(Options.Logs, CommandKind.Logs);
        Choose(Options.Stop, CommandKind.Stop);
        Choose(Options.List, CommandKind.List);
        Choose(Options.Clean, CommandKind.Clean);
        Choose(Options.Init, CommandKind.Init);
        Choose(Options.Completion, CommandKind.Completion);
        return command;

        void Choose(Option option, CommandKind kind)
        {
            if (!Given(result, option))
            {
                return;
            }

            if (chosen is not null)
            {
                throw new RunException(ExitStatus.Usage, $"{chosen.Name} and {option.Name} cannot be combined");
            }

            (chosen, command) = (option, kind);
        }
    }

    /// <summary>If an option is repeated, the last one wins, so that an alias can be overridden.</summary>
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

    /// <summary>All given digests must be the same; here the last one must not win.</summary>
    /// <exception cref="RunException">64.</exception>
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
        const double MaxSeconds = 1e9;
        return text is null ? null
            : double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds <= MaxSeconds
                ? TimeSpan.FromSeconds(seconds)
            : HumanFormat.ParseAge(text) is { TotalSeconds: <= MaxSeconds } age ? age
            : throw new RunException(
                ExitStatus.Usage, $"--wait={UrlText.Shown(text)}: not a number of seconds",
                "expected a number, alone or with s, m, h or d, such as 10m");
    }

    private static TimeSpan? AgeOf(string? text) =>
        text is null ? null
            : HumanFormat.ParseAge(text) is { } age && age < s_longestAge ? age
            : throw new RunException(
                ExitStatus.Usage, $"--clean={UrlText.Shown(text)}: not an age", "expected a whole number and s, m, h or d, such as 90d");

    private static int? Code(string? text) =>
        text is null ? null
            : text.All(char.IsAsciiDigit) && int.TryParse(text, CultureInfo.InvariantCulture, out var code) && code <= 255 ? code
            : throw new RunException(
                ExitStatus.Usage, $"--conflict-exit-code {UrlText.Shown(text)}: not an exit status", "expected a number from 0 to 255");
}
