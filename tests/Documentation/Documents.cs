using System.Text.RegularExpressions;

namespace Run.Tests.Documentation;

/// <summary>The project's documents, as the tests read them.</summary>
internal static partial class Documents
{
    public static string Readme => Read("README.md");

    public static string Manual => Read("docs/run.1");

    public static string Read(string name) => File.ReadAllText(Path.Combine(Suite.Repository, name));

    /// <summary>The code blocks of a Markdown text that are marked with this language.</summary>
    public static IEnumerable<string> Blocks(string markdown, string language) =>
        Block().Matches(markdown).Where(block => block.Groups["language"].Value == language)
            .Select(static block => block.Groups["code"].Value);

    [GeneratedRegex(@"^```(?<language>\w*)\n(?<code>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
