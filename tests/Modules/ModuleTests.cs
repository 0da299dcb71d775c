using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Run.Tests.Modules;

/// <summary>The order of the modules in ARCHITECTURE.md's table, compared with what each file in src/ uses.</summary>
public sealed partial class ModuleTests
{
    private const string Product = "Run";

    /// <summary>The namespace of constants that a build step writes. Every module may use them.</summary>
    private const string Generated = "Generated";

    private static readonly string s_source = Path.Combine(Suite.Repository, "src");

    /// <summary>From the lowest to the highest. Modules of the same row are on the same level.</summary>
    private static readonly string[][] s_rows = [.. Rows()];

    [Fact]
    public void Each_directory_is_a_namespace_and_a_row_of_the_table()
    {
        var rows = s_rows.SelectMany(static row => row).ToHashSet();
        foreach (var file in SourceFiles())
        {
            var directory = Path.GetDirectoryName(Path.GetRelativePath(s_source, file))!.Replace('/', '.');
            var expected = directory.Length == 0 ? Product : $"{Product}.{directory}";
            Assert.Equal(expected, Namespace().Match(File.ReadAllText(file)).Groups[1].Value);
            if (directory.Length > 0)
            {
                Assert.Contains(directory, rows);
            }
        }
    }

    [Fact]
    public void A_module_names_only_those_below_it()
    {
        var wrong = new List<string>();
        foreach (var file in SourceFiles())
        {
            var text = Comments().Replace(File.ReadAllText(file), "");
            var own = Namespace().Match(text).Groups[1].Value;
            if (own == Product)
            {
                continue;
            }

            var level = Level(own[(Product.Length + 1)..]);
            foreach (var named in Named(text).Where(named => Level(named) > level))
            {
                wrong.Add($"{Path.GetRelativePath(Suite.Repository, file)} names {named}");
            }

            // The namespace of RunContext is visible everywhere, without a using directive.
            if (level < Level("Commands") && TopLevel().IsMatch(text))
            {
                wrong.Add($"{Path.GetRelativePath(Suite.Repository, file)} names RunContext");
            }
        }

        Assert.Equal("", string.Join('\n', wrong));
    }

    /// <summary>Longer lines do not fit beside another file, and nobody reads them to the end.</summary>
    [Fact]
    [Needs("git")]
    public void No_line_of_code_is_longer_than_140_columns()
    {
        const int MostColumns = 140;
        string[] endings = [".cs", ".c", ".h", ".sh", ".pl", ".awk"];
        var files = Git("ls-files", "-z").Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Where(name => endings.Contains(Path.GetExtension(name)) || name.StartsWith("scripts/", StringComparison.Ordinal));
        var wrong =
            from file in files
            from line in File.ReadLines(Path.Combine(Suite.Repository, file))
                .Select(static (text, index) => (Text: text, Number: index + 1))
            where line.Text.Length > MostColumns
            select $"{file}:{line.Number}: {line.Text.Length} columns";
        Assert.Equal("", string.Join('\n', wrong));
    }

    private static int Level(string module)
    {
        var level = Array.FindIndex(s_rows, row => row.Contains(module));
        Assert.True(level >= 0, $"ARCHITECTURE.md has no row for {module}");
        return level;
    }

    private static IEnumerable<string[]> Rows()
    {
        foreach (Match row in Row().Matches(File.ReadAllText(Path.Combine(Suite.Repository, "ARCHITECTURE.md"))))
        {
            yield return [.. Module().Matches(row.Groups[1].Value).Select(static m => m.Groups[1].Value.TrimEnd('/').Replace('/', '.'))];
        }
    }

    private static IEnumerable<string> SourceFiles() => Directory.EnumerateFiles(s_source, "*.cs", SearchOption.AllDirectories)
        .Where(static file => !Path.GetRelativePath(s_source, file).StartsWith("obj/", StringComparison.Ordinal));

    /// <summary>The modules that a file uses, by using directives and by names like <c>Naming.Digest</c>.</summary>
    private static IEnumerable<string> Named(string text)
    {
        var modules = s_rows.SelectMany(static row => row).Where(static module => module != "native").ToList();
        return Using().Matches(text).Select(static m => m.Groups[1].Value).Where(static name => name != Generated)
            .Concat(Qualified().Matches(text).Select(static m => m.Groups[1].Value).Where(modules.Contains)).Distinct();
    }

    private static string Git(params string[] arguments)
    {
        using var git = Starter.Start(
            new ProcessStartInfo("git", ["-C", Suite.Repository, .. arguments]) { RedirectStandardOutput = true });
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return output;
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using Run\.([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"(?<![\w.])([A-Z]\w+)\.[A-Z]")]
    private static partial Regex Qualified();

    [GeneratedRegex(@"\bRunContext\b")]
    private static partial Regex TopLevel();

    [GeneratedRegex(@"//[^\n]*|""(?:\\.|[^""\\\n])*""")]
    private static partial Regex Comments();

    [GeneratedRegex(@"^\| (`[^|]+`) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Module();
}
