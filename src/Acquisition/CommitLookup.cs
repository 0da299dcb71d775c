using System.Text;
using System.Text.Json;
using Run.Configuration;
using Run.Http;
using Run.Naming;
using Run.Reporting;

namespace Run.Acquisition;

/// <summary>Asks a source's server which commit a branch or tag refers to now.</summary>
internal static class CommitLookup
{
    // Asked once for all scripts of a repository: GitHub answers 60 such requests an hour.
    private static readonly Dictionary<string, Lazy<string>> s_answers = [];

    /// <summary>
    /// The script at the commit that its ref refers to. It is unchanged if its source has no <c>commit:</c>, or if the ref is a commit.
    /// </summary>
    /// <exception cref="RunException">65, 69, 77, 78, 127: the server's answer is a failure, or names no commit.</exception>
    public static ResolvedScript Resolve(ResolvedScript script)
    {
        if (!IsNeeded(script))
        {
            return script;
        }

        var (source, question) = (script.Source!, script.Source!.Commit!);
        var (path, reference) = source.SplitRef(script.PathAndRef!);
        try
        {
            return script.At(Asked(script, source.CommitUrl(question, path, reference), question.Accept));
        }
        catch (RunException e)
        {
            // The server was asked for something else than the script, and one answer may be that for several.
            var hint = e.Status != ExitStatus.NotFound ? e.Hint
                : $"check the name and its ref, {reference}{(e.Hint is null ? "" : $"; {e.Hint}")}";
            throw new RunException(e.Status, $"{script.DisplayName}: {e.Message}", hint);
        }
    }

    /// <summary>Whether the script has a ref that is not a commit, and there is a server to ask which commit that is.</summary>
    public static bool IsNeeded(ResolvedScript script) =>
        script is { Source: { Commit: not null } source, PathAndRef: { } rest } && !RefName.IsCommit(source.SplitRef(rest).Ref);

    private static string Asked(ResolvedScript script, string url, string? accept)
    {
        Lazy<string>? answer;
        lock (s_answers)
        {
            if (!s_answers.TryGetValue(url, out answer))
            {
                s_answers.Add(url, answer = new Lazy<string>(() => Ask(script, url, accept)));
            }
        }

        return answer.Value;
    }

    private static string Ask(ResolvedScript script, string url, string? accept)
    {
        var headers = new List<KeyValuePair<string, string>>();
        if (accept is not null)
        {
            headers.Add(new("Accept", accept));
        }

        // The source's header fields must be sent only to its own origin, and the URL of commit: may have another.
        if (UrlText.Authority(UrlText.WithoutUser(url)) == UrlText.Authority(UrlText.WithoutUser(script.Url)))
        {
            headers.AddRange(VariableExpansion.Expand(script.Source!.Headers, FetchEnvironment.Variable));
        }

        Messages.Step(() => $"{script.DisplayName}: asks {UrlText.Redacted(url)} for its commit");
        var answer = Fetcher.GetText(url, headers, script.Source!.PlainHttpAllowed);
        return CommitIn(answer) ?? throw new RunException(
            ExitStatus.Unavailable,
            $"the answer of {UrlText.Redacted(url)} contains no commit",
            "check \"commit:\" under its source in run.conf");
    }

    /// <summary>
    /// The commit in an answer: either the whole text, or <c>sha</c> (GitHub, Gitea) or <c>id</c> (GitLab) in its JSON object; null if
    /// there is none.
    /// </summary>
    public static string? CommitIn(string answer)
    {
        var text = answer.Trim();
        if (RefName.IsCommit(text))
        {
            return text;
        }

        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1
                    && (reader.ValueTextEquals("sha") || reader.ValueTextEquals("id"))
                    && reader.Read() && reader.TokenType == JsonTokenType.String
                    && reader.GetString() is { } name && RefName.IsCommit(name))
                {
                    return name;
                }
            }
        }
        catch (JsonException)
        {
        }

        return null;
    }
}
