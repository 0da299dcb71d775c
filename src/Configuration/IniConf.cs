using Run.Naming;
using Run.Reporting;

namespace Run.Configuration;

/// <summary>
/// The file format of the original <c>run</c> of 2014: a line <c>[sources]</c>, then lines <c>name: pattern</c>.
/// </summary>
internal static class IniConf
{
    /// <summary>Whether the first line that is neither empty nor a comment begins a section; in YAML it never does.</summary>
    public static bool Fits(string text)
    {
        // Only the lines up to that one are looked at: every run that is not planned comes here, with a file of any length.
        foreach (var range in text.AsSpan().Split('\n'))
        {
            var line = text.AsSpan(range).Trim();
            if (line.Length > 0 && !IsComment(line))
            {
                return line[0] == '[';
            }
        }

        return false;
    }

    /// <exception cref="RunException">78: a mistake, with its line and column.</exception>
    public static ConfFile Parse(string file, string text)
    {
        var sources = new Dictionary<string, Source>();
        var inSources = false;
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.Trim();
            var place = new SourceLocation(file, number, raw.Length - raw.TrimStart().Length + 1);
            if (line.Length == 0 || IsComment(line))
            {
                continue;
            }

            if (line[0] == '[')
            {
                inSources = line == "[sources]" ? true : throw place.Mistake($"unknown section {line}", "the only section is [sources]");
                continue;
            }

            var separator = line.AsSpan().IndexOfAny(':', '=');
            if (!inSources || separator <= 0)
            {
                throw place.Mistake("neither a section nor a source", "a source is a line such as  name: https://host/path/%s");
            }

            var name = line[..separator].TrimEnd();
            var pattern = line[(separator + 1)..].Trim();
            if (PatternChecks.IsWholeUrls(name, pattern))
            {
                continue;
            }

            PatternChecks.CheckName(name, place);
            var patternStart = raw.IndexOf(pattern, raw.IndexOf(line[separator], StringComparison.Ordinal), StringComparison.Ordinal);
            if (CommentIn(pattern) is { } comment)
            {
                throw (place with { Column = patternStart + comment + 1 }).Mistake(
                    "a comment after the pattern would be part of it", "put the comment on a line of its own");
            }

            PatternChecks.Check(pattern, place with { Column = patternStart + 1 });
            if (!sources.TryAdd(name, new Source(name, pattern)))
            {
                throw place.Mistake($"the source {name} is defined twice");
            }
        }

        return new ConfFile(sources, new Dictionary<string, string>());
    }

    /// <summary>Where a comment probably begins. The original program has none there, but no URL contains a blank.</summary>
    private static int? CommentIn(string pattern)
    {
        for (var i = 1; i < pattern.Length; i++)
        {
            if (pattern[i - 1] is ' ' or '\t' && IsComment(pattern.AsSpan(i)))
            {
                return i;
            }
        }

        return null;
    }

    private static bool IsComment(ReadOnlySpan<char> line) => line[0] is '#' or ';';
}
