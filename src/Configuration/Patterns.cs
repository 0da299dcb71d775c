namespace Run.Configuration;

/// <summary>What the name and the pattern of a source have to look like, in whichever kind of file they stand.</summary>
internal static class Patterns
{
    /// <summary>
    /// The original's file defines the sources <c>https: https:%s</c> and <c>http: http:%s</c>, so that a URL may be typed. One may
    /// be typed without them, so they are passed over.
    /// </summary>
    public static bool IsWholeUrls(string name, string pattern) => name is "http" or "https" && pattern == $"{name}:{Source.Part}";

    public static void CheckName(string name, Place place)
    {
        if (!ScriptName.IsScope(name))
        {
            throw place.Mistake($"'{name}' is not a name for a source", "letters, digits, '-', '_' and '.', not beginning with '-' or '.'");
        }
    }

    public static void Check(string pattern, Place place)
    {
        if (Source.Count(pattern) == 0)
        {
            throw place.Mistake($"no {Source.Part} in the pattern, so no place for the script's name", $"for example  https://host/scripts/{Source.Part}");
        }

        var sample = pattern.Replace(Source.Part, "x", StringComparison.Ordinal).Replace(Source.RefPlace, "x", StringComparison.Ordinal);
        if (!ScriptName.IsUrl(sample))
        {
            throw place.Mistake("the pattern is not an http or https URL", $"for example  https://host/scripts/{Source.Part}");
        }

        if (sample.AsSpan().IndexOfAny('{', '}') >= 0)
        {
            throw place.Mistake($"only {Source.RefPlace} may stand in braces");
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
