using Run.Naming;
using Run.Reporting;

namespace Run.Configuration;

/// <summary>Checks of a source's name and pattern, for both file formats.</summary>
internal static class PatternChecks
{
    /// <summary>
    /// The original's file defines the sources <c>https: https:%s</c> and <c>http: http:%s</c>, so that users can type a URL. Here they can
    /// without, so both are ignored.
    /// </summary>
    public static bool IsWholeUrls(string name, string pattern) => name is "http" or "https" && pattern == $"{name}:{Source.Part}";

    public static void CheckName(string name, SourceLocation place)
    {
        if (!ScriptName.IsScope(name))
        {
            throw place.Mistake(
                $"'{name}' is not a valid source name", "use letters, digits, '-', '_' and '.', and do not begin with '-' or '.'");
        }
    }

    public static void Check(string pattern, SourceLocation place)
    {
        if (Source.Count(pattern) == 0)
        {
            throw place.Mistake(
                $"the pattern has no {Source.Part} for the script's name", $"for example  https://host/scripts/{Source.Part}");
        }

        CheckUrl(pattern, place);
    }

    /// <summary>Checks a source's <c>commit:</c> against its pattern.</summary>
    public static void CheckCommit(Source source, SourceLocation place)
    {
        if (source.Commit is not { } question)
        {
            return;
        }

        if (!source.TakesRef)
        {
            throw place.Mistake($"commit: the source's url has no {Source.RefPlace} for a commit");
        }

        if (!question.Pattern.Contains(Source.RefPlace, StringComparison.Ordinal))
        {
            throw place.Mistake($"commit: the url has no {Source.RefPlace}", $"for example  https://host/api/commits/{Source.RefPlace}");
        }

        if (Source.Count(question.Pattern) > Source.Count(source.Pattern))
        {
            throw place.Mistake($"commit: more {Source.Part} than in the source's url");
        }

        CheckUrl(question.Pattern, place);
    }

    private static void CheckUrl(string pattern, SourceLocation place)
    {
        var sample = pattern.Replace(Source.Part, "x", StringComparison.Ordinal).Replace(Source.RefPlace, "x", StringComparison.Ordinal);
        if (UrlText.IsPlain(sample))
        {
            return;
        }

        if (!ScriptName.IsUrl(sample))
        {
            throw place.Mistake("the pattern is not an http or https URL", $"for example  https://host/scripts/{Source.Part}");
        }

        if (sample.AsSpan().IndexOfAny('{', '}') >= 0)
        {
            throw place.Mistake($"only {Source.RefPlace} is allowed in braces");
        }

        try
        {
            _ = UrlText.Checked(UrlText.Normalize(sample));
        }
        catch (RunException e)
        {
            throw place.Mistake(e.Message);
        }
    }
}
