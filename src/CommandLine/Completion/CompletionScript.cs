using System.Text;
using Run.Generated;

namespace Run.CommandLine.Completion;

/// <summary>The completion script for a shell: its template, filled in from the table of options.</summary>
internal static class CompletionScript
{
    public static readonly string[] Shells = ["bash", "zsh", "fish"];

    private static readonly OptionEntry[] s_several =
        Entries(Options.Fetch, Options.Pin, Options.Outdated, Options.Diff, Options.Clean).ToArray();

    private static readonly OptionEntry[] s_none =
        Entries(Options.Init, Options.Completion, Options.Help, Options.Version).ToArray();

    public static string For(string shell) => shell switch
    {
        "bash" => Bash(BuiltIn.run_bash),
        "zsh" => Zsh(BuiltIn.run_zsh),
        _ => Fish(BuiltIn.run_fish),
    };

    private static string Bash(string template) => template
        .Replace("%VALUED%", string.Join('|', Options.All.Where(static e => e.NeedsValue).SelectMany(Names)), StringComparison.Ordinal)
        .Replace("%SEVERAL%", string.Join('|', s_several.SelectMany(Names)), StringComparison.Ordinal)
        .Replace("%NONE%", string.Join('|', s_none.SelectMany(Names)), StringComparison.Ordinal)
        .Replace("%OPTIONS%", string.Join(' ', Options.All.SelectMany(Names)), StringComparison.Ordinal)
        .Replace("%VALUES%", string.Join('\n', Options.All.Select(BashValue).WhereNotNull()), StringComparison.Ordinal);

    private static string? BashValue(OptionEntry entry)
    {
        var reply = KindOf(entry) switch
        {
            Kind.Command => "while IFS= read -r name; do COMPREPLY+=(\"$3$name\"); done < <(compgen -c -- \"$2\")",
            Kind.File => "_run_files \"$2\" \"$3\"",
            Kind.Launcher => "_run_launchers \"$2\" \"$3\"",
            Kind.Place => "_run_places \"$2\" \"$3\"",
            Kind.Shell => $"COMPREPLY=($(compgen -P \"$3\" -W '{string.Join(' ', Shells)}' -- \"$2\"))",
            _ => null,
        };
        return reply is null ? null : $"        {string.Join(" | ", Names(entry))}) {reply} ;;";
    }

    private static string Zsh(string template)
    {
        var specs = new StringBuilder();
        foreach (var entry in Options.All)
        {
            var action = KindOf(entry) switch
            {
                Kind.Command => "_command_names -e",
                Kind.File => "_files",
                Kind.Launcher => "_run_launchers",
                Kind.Place => "_run_places",
                Kind.Shell => $"({string.Join(' ', Shells)})",
                _ => " ",
            };
            var (exclusive, value) = ($"'({string.Join(' ', Names(entry))})'", $"{entry.ValueName}:{action}");
            var text = "[" + entry.Option.Description!.Replace("'", @"'\''", StringComparison.Ordinal)
                .Replace("[", @"\[", StringComparison.Ordinal).Replace("]", @"\]", StringComparison.Ordinal) + "]";
            if (entry.MayHaveValue)
            {
                Add(entry.Short, text);
                Add(entry.Long, $"=-{text}::{value}");
            }
            else
            {
                Add(entry.Short, entry.NeedsValue ? $"+{text}:{value}" : text);
                Add(entry.Long, entry.NeedsValue ? $"={text}:{value}" : text);
            }

            void Add(string? name, string rest)
            {
                if (name is not null)
                {
                    specs.Append("        ").Append(exclusive).Append('\'').Append(name).Append(rest).Append("' \\\n");
                }
            }
        }

        return template
            .Replace("%OPTIONS%\n", specs.ToString(), StringComparison.Ordinal)
            .Replace("%SEVERAL%", string.Join(' ', s_several.SelectMany(Names)), StringComparison.Ordinal)
            .Replace("%NONE%", string.Join(' ', s_none.SelectMany(Names)), StringComparison.Ordinal);
    }

    private static string Fish(string template)
    {
        var lines = Options.All.Select(static entry =>
        {
            var value = KindOf(entry) switch
            {
                Kind.Command => " -x -a '(__fish_complete_command)'",
                Kind.File => " -r -F",
                Kind.Launcher => " -x -a '(command run --completion launchers 2>/dev/null)'",
                Kind.Place => " -a '(__run_places)'",
                Kind.Shell => $" -x -a '{string.Join(' ', Shells)}'",
                _ => entry.NeedsValue ? " -x" : "",
            };
            var letter = entry.Short is { } name ? $" -s {name[1..]}" : "";
            var text = entry.Option.Description!.Replace("'", @"\'", StringComparison.Ordinal);
            return $"complete -c run -n __run_before_script{letter} -l {entry.Long[2..]}{value} -d '{text}'";
        });
        return template
            .Replace("%VALUED%", string.Join(' ', Options.All.Where(static e => e.NeedsValue).SelectMany(Names)), StringComparison.Ordinal)
            .Replace("%SEVERAL%", string.Join(' ', s_several.SelectMany(Names)), StringComparison.Ordinal)
            .Replace("%NONE%", string.Join(' ', s_none.SelectMany(Names)), StringComparison.Ordinal)
            .Replace("%OPTIONS%", string.Join('\n', lines), StringComparison.Ordinal);
    }

    private static Kind KindOf(OptionEntry entry) => entry.ValueName switch
    {
        "CMD" => Kind.Command,
        "FILE" => Kind.File,
        "LAUNCHER" => Kind.Launcher,
        "NAME" => Kind.Place,
        "SHELL" => Kind.Shell,
        _ => Kind.Other,
    };

    private static IEnumerable<OptionEntry> Entries(params System.CommandLine.Option[] options) =>
        Options.All.Where(entry => Array.IndexOf(options, entry.Option) >= 0);

    private static IEnumerable<string> Names(OptionEntry entry) => entry.Short is { } letter ? [letter, entry.Long] : [entry.Long];

    /// <summary>What a shell offers to complete a value.</summary>
    private enum Kind
    {
        Other,
        Command,
        File,
        Launcher,
        Place,
        Shell,
    }
}
