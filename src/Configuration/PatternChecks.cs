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
        if (!pattern.Contains(Source.Part, StringComparison.Ordinal))
        {
            throw place.Mistake(
                $"the pattern has no {Source.Part} for the script's name", $"for example  https://host/scripts/{Source.Part}");
        }

        if (!Source.IsPath(pattern))
        {
            CheckUrl(pattern, place);
        }
        else if (pattern.Contains("/../", StringComparison.Ordinal) || CharChecks.HasControl(pattern))
        {
            throw place.Mistake("the path of a directory must not contain .. or control characters");
        }
    }

    /// <summary>
    /// Checks that a source which is a directory has no keys that are about fetching, and one of repositories none that git does not know.
    /// </summary>
    /// <param name="keys">The source's keys.</param>
    public static void CheckKeys(Source source, IEnumerable<(string Name, SourceLocation Place)> keys)
    {
        foreach (var (name, place) in keys)
        {
            if (source.IsDirectory && name is not ("url" or "ref" or "lock"))
            {
                throw place.Mistake($"{name}: the source is a directory, so nothing is fetched and this would have no effect");
            }

            if (source.IsRepository && name is "mirrors" or "headers" or "commit")
            {
                throw place.Mistake(
                    $"{name}: the source is a repository, which git fetches, so this would have no effect",
                    name switch
                    {
                        "mirrors" => "git has url.<base>.insteadOf",
                        "headers" => "git has credential helpers, and http.<url>.extraHeader",
                        _ => null,
                    });
            }
        }
    }

    /// <summary>Checks that a source and its mirrors have the scripts at the same place: in archives all of them, or none.</summary>
    public static void CheckMirrors(Source source, SourceLocation place)
    {
        foreach (var mirror in source.Mirrors)
        {
            if (TreeUrl.Is(mirror) != TreeUrl.Is(source.Pattern) || InTree(mirror) != InTree(source.Pattern))
            {
                throw place.Mistake(
                    $"mirrors: behind the {TreeUrl.Separator} a mirror must have what the url has",
                    $"that is {InTree(source.Pattern) ?? "nothing, without any //"}");
            }
        }

        static string? InTree(string pattern) => TreeUrl.Is(pattern) ? TreeUrl.SplitPattern(pattern).Path : null;
    }

    /// <summary>
    /// Checks the path of a file of signers. A relative one would be another file in each directory that run is started in.
    /// </summary>
    public static void CheckSigners(string path, SourceLocation place)
    {
        const string Hint = "for example  ~/.config/run/ops.signers";
        if (CharChecks.HasControl(path))
        {
            throw place.Mistake("signers: the path of a file must not contain control characters", Hint);
        }

        if (path is not (['/', _, ..] or ['~', '/', _, ..]) || path[^1] == '/')
        {
            throw place.Mistake("signers: expected the path of a file that begins with / or ~/", Hint);
        }
    }

    /// <summary>Checks that a mirror is a URL.</summary>
    public static void CheckMirror(string pattern, SourceLocation place)
    {
        if (Source.IsPath(pattern) || TreeUrl.IsGit(pattern))
        {
            throw place.Mistake("a mirror must be an http or https URL");
        }
    }

    /// <summary>Checks a source's <c>ref:</c> against its pattern.</summary>
    public static void CheckRef(Source source, SourceLocation place)
    {
        if (source.Ref is not null && !source.TakesRef
            && !source.Mirrors.Any(static mirror => mirror.Contains(Source.RefPlace, StringComparison.Ordinal)))
        {
            throw place.Mistake(
                $"ref: the source's url has no {Source.RefPlace}, so the ref would have no effect",
                $"put {Source.RefPlace} into the url where a branch, tag or commit belongs");
        }

        if (source is { Ref: { } reference, IsRepository: true })
        {
            try
            {
                _ = RefName.Checked(reference, "ref");
            }
            catch (RunException e)
            {
                throw place.Mistake(e.Message, e.Hint);
            }
        }
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

    /// <summary>Whether it is a plain URL once its places are filled in. Nearly all are, and this allocates nothing.</summary>
    private static bool IsPlain(string pattern)
    {
        if (pattern.Length > UrlText.LongestPlain)
        {
            return false;
        }

        Span<char> sample = stackalloc char[pattern.Length];
        var length = 0;
        var rest = pattern.AsSpan();
        for (int at; (at = rest.IndexOfAny('%', '{')) >= 0;)
        {
            var place = rest[at..].StartsWith(Source.Part, StringComparison.Ordinal) ? Source.Part.Length
                : rest[at..].StartsWith(Source.RefPlace, StringComparison.Ordinal) ? Source.RefPlace.Length
                : 0;
            if (place == 0)
            {
                return false;
            }

            rest[..at].CopyTo(sample[length..]);
            length += at;
            sample[length++] = 'x';
            rest = rest[(at + place)..];
        }

        rest.CopyTo(sample[length..]);
        return UrlText.IsPlain(sample[..(length + rest.Length)]);
    }

    private static void CheckUrl(string pattern, SourceLocation place)
    {
        if (IsPlain(pattern))
        {
            return;
        }

        // What is behind the last part would become the end of a file's name, and the ref would be another one.
        if (TreeUrl.IsGit(pattern)
            && pattern[(pattern.LastIndexOf(Source.Part, StringComparison.Ordinal) + Source.Part.Length)..] is ['@', _, ..] suffix
            && !suffix.Contains(Source.RefPlace, StringComparison.Ordinal))
        {
            throw place.Mistake(
                $"the url of a repository does not end in a ref: {suffix}",
                $"put  ref: {suffix[1..]}  beside the url; in the name of a file, write %40 for @");
        }

        if (pattern.Contains('#', StringComparison.Ordinal))
        {
            throw place.Mistake(
                "the pattern has a fragment, which is never sent: everything from the # on", "in the name of a file, write %23 for #");
        }

        var sample = pattern.Replace(Source.Part, "x", StringComparison.Ordinal).Replace(Source.RefPlace, "x", StringComparison.Ordinal);
        if (!ScriptName.IsUrl(sample))
        {
            throw place.Mistake(
                "the pattern is neither a URL that can be fetched nor the path of a directory",
                $"for example  https://host/scripts/{Source.Part}  or  /srv/scripts/{Source.Part}");
        }

        if (sample.AsSpan().IndexOfAny('{', '}') >= 0)
        {
            throw place.Mistake($"only {Source.RefPlace} is allowed in braces");
        }

        try
        {
            TreeUrl.RefusePathInQuery(sample);
            _ = UrlText.Checked(UrlText.Normalize(sample));
        }
        catch (RunException e)
        {
            throw place.Mistake(e.Message, e.Hint);
        }
    }
}
