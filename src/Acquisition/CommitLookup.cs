using System.Text;
using System.Text.Json;
using Run.Configuration;
using Run.Http;
using Run.Naming;
using Run.Reporting;

namespace Run.Acquisition;

/// <summary>Asks a source's server which commit a branch or tag stands for now.</summary>
internal static class CommitLookup
{
    private static readonly int[] s_lengths = [40, 64]; // of git's SHA-1 and SHA-256 names

    /// <summary>The script at the commit that its ref stands for; where its source cannot say, or the ref is a commit already, as it was.</summary>
    /// <exception cref="RunException">69, 77, 127: the server does not say.</exception>
    public static ResolvedScript Resolve(ResolvedScript script)
    {
        if (script is not { Source: { Commit: { } question } source, PathAndRef: { } rest })
        {
            return script;
        }

        var (path, reference) = source.SplitRef(rest);
        return IsCommit(reference) ? script : script with { Urls = source.At(path, Ask(script, source.CommitUrl(question, path, reference), question.Accept)) };
    }

    private static string Ask(ResolvedScript script, string url, string? accept)
    {
        var headers = new List<KeyValuePair<string, string>>();
        if (accept is not null)
        {
            headers.Add(new("Accept", accept));
        }

        // The source's own header fields are for its own origin, and the server that knows its commits may be another.
        if (UrlText.Authority(UrlText.WithoutUser(url)) == UrlText.Authority(UrlText.WithoutUser(script.Url)))
        {
            headers.AddRange(VariableExpansion.Expand(script.Source!.Headers, FetchEnvironment.Variable));
        }

        Messages.Step(() => $"{script.DisplayName}: asks {UrlText.Redacted(url)} for its commit");
        var answer = Fetcher.GetText(url, headers, script.Source!.PlainHttpAllowed);
        return CommitIn(answer) ?? throw new RunException(
            ExitStatus.Unavailable, $"{script.DisplayName}: no commit in the answer of {UrlText.Redacted(url)}", "the commit: of its source in run.conf names that URL");
    }

    /// <summary>The commit that an answer names: all of it, or the <c>sha</c> (GitHub, Gitea) or <c>id</c> (GitLab) of its object.</summary>
    public static string? CommitIn(string answer)
    {
        var text = answer.Trim();
        if (IsCommit(text))
        {
            return text;
        }

        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && (reader.ValueTextEquals("sha") || reader.ValueTextEquals("id"))
                    && reader.Read() && reader.TokenType == JsonTokenType.String && reader.GetString() is { } name && IsCommit(name))
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

    private static bool IsCommit(string text) => s_lengths.Contains(text.Length) && text.All(char.IsAsciiHexDigitLower);
}
