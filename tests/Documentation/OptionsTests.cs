using System.Text.RegularExpressions;
using Run.CommandLine;

namespace Run.Tests.Documentation;

/// <summary>The options are listed in five places, and the lists agree: the parser's table, help, manual, README and completions.</summary>
public sealed partial class OptionsTests
{
    /// <summary>Each option as a reader sees it: <c>-w, --wait[=SECONDS]</c>.</summary>
    private static IEnumerable<string> Table => Options.All.Select(static o => Names(o.Short, o.Long, o.ValueName, o.NeedsValue));

    [Fact]
    public async Task The_help_has_each_option_and_fits_a_terminal()
    {
        using var box = new Sandbox();
        var help = (await box.Run("--help").Result()).Is(0, (await box.Run().Result()).Stdout).Stdout;
        var lines = help.TrimEnd('\n').Split('\n');
        Assert.InRange(lines.Length, 20, 40);
        Assert.InRange(lines.Max(static line => line.Length), 40, 80);
        Assert.Equal(Table, HelpLine().Matches(help).Select(static m => m.Groups["names"].Value.TrimEnd()));
        Assert.Equal(
            Options.All.Select(static o => o.Option.Description), HelpLine().Matches(help).Select(static m => m.Groups["text"].Value));
        Snapshot.Verify(help);
    }

    [Fact]
    public void The_manual_has_each_option_in_the_same_order()
    {
        var options = Documents.Manual[..Documents.Manual.IndexOf(".Ss run.conf", StringComparison.Ordinal)];
        Assert.Equal(Table, ManualItem().Matches(options).Select(static m => Names(
            m.Groups["letter"] is { Success: true, Value: var letter } ? $"-{letter}" : null, $"--{m.Groups["name"].Value}",
            m.Groups["value"] is { Success: true, Value: var value } ? value : null, !m.Groups["optional"].Success)));
    }

    [Fact]
    public void The_README_has_each_option_in_the_words_of_the_help()
    {
        var rows = ReadmeRow().Matches(Documents.Readme);
        Assert.Equal(Table, rows.Select(static m => m.Groups["names"].Value.Replace("`", "", StringComparison.Ordinal)));
        Assert.Equal(Options.All.Select(static o => o.Option.Description), rows.Select(static m => m.Groups["text"].Value));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task The_completions_have_each_option(string shell)
    {
        using var box = new Sandbox();
        var script = (await box.Run("--completion", shell).Result()).Stdout;
        Assert.DoesNotMatch("%[A-Z]+%", script);
        foreach (var option in Options.All)
        {
            foreach (var name in (string?[])[option.Short, option.Long])
            {
                var expected = name is null ? "" : shell switch
                {
                    "zsh" => (name.Length > 2, option.NeedsValue, option.MayHaveValue) switch
                    {
                        (true, true, _) => $" {name}=[",
                        (false, true, _) => $" {name}+[",
                        (true, false, true) => $" {name}=-[",
                        _ => $" {name}[",
                    },
                    "fish" => name.Length > 2 ? $" -l {name[2..]} " : $" -s {name[1..]} ",
                    _ => $" {name} ",
                };
                Assert.Contains(expected, script.Replace('\'', ' '), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void The_manual_has_every_exit_status_and_every_variable()
    {
        foreach (var status in Enum.GetValues<ExitStatus>().Where(static s => s != ExitStatus.Ok))
        {
            Assert.Contains($"\n.It {(int)status}\n", Documents.Manual, StringComparison.Ordinal);
        }

        // Every variable that the source code reads by a literal name is documented.
        var asked = Directory.EnumerateFiles(Path.Combine(Suite.Repository, "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(static file => AskedVariable().Matches(File.ReadAllText(file))).Select(static m => m.Groups[1].Value).Distinct();
        // Except for HOME and the like, which are not ours, and those of CGI, which users do not set.
        foreach (var variable in asked.Except(["HOME", "PATH", "TERM", "GATEWAY_INTERFACE", "REQUEST_METHOD"]))
        {
            Assert.Matches($@"\n\.It Ev [A-Z_ ,]*\b{variable}\b", Documents.Manual);
        }
    }

    private static string Names(string? letter, string name, string? value, bool needsValue) =>
        $"{(letter is null ? "" : $"{letter}, ")}{name}{(value is null ? "" : needsValue ? $" {value}" : $"[={value}]")}";

    [GeneratedRegex(@"^ {2,6}(?<names>(-\w, )?--[a-z0-9-]+(\[=[A-Z]+\]| [A-Z]+)?) +(?<text>.+)$", RegexOptions.Multiline)]
    private static partial Regex HelpLine();

    [GeneratedRegex(
        @"^\.It (Fl (?<letter>\w) , )?Fl Fl (?<name>[a-z0-9-]+)( Ns (?<optional>Op) = Ns Ar (?<value>[A-Z]+)| Ar (?<value>[A-Z]+))?$",
        RegexOptions.Multiline)]
    private static partial Regex ManualItem();

    [GeneratedRegex(@"^\| (?<names>(`-\w`, )?`--[^`]+`) \| (?<text>.+) \|$", RegexOptions.Multiline)]
    private static partial Regex ReadmeRow();

    [GeneratedRegex(@"(?:Variable|IsSet|Below|Chosen|Absolute)\(""([A-Z_]+)""")]
    private static partial Regex AskedVariable();
}
