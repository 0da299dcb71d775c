using System.Net.Http.Headers;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Http.Auth;

/// <summary>
/// Which secrets go along with a request. Decided anew for every hop of a redirect: what was meant for one origin reaches no other.
/// </summary>
/// <param name="headers">The source's own header fields, for <paramref name="owner"/> alone.</param>
/// <param name="owner">The origin of the source's URL; a mirror elsewhere is another server.</param>
internal sealed class Credentials(IReadOnlyList<KeyValuePair<string, string>> headers, Origin owner)
{
    private const string GitLabHeader = "PRIVATE-TOKEN";

    // Only where GitHub itself takes a token. Its other hosts (objects.…, release-assets.…) are storage with signed URLs,
    // and refuse a request that says who it is twice.
    private static readonly string[] s_gitHubHosts =
    [
        "github.com", "www.github.com", "api.github.com", "raw.githubusercontent.com",
        "gist.github.com", "gist.githubusercontent.com", "media.githubusercontent.com", "codeload.github.com",
    ];

    /// <summary>The variable whose token goes to that host; null where none does.</summary>
    public static string? TokenVariable(Origin origin) => Variables(origin) is [var first, ..] ? first : null;

    /// <summary>The variable whose token did go there; null where none is set.</summary>
    public static string? TokenInUse(Origin origin) => Variables(origin).FirstOrDefault(static name => Value(name) is not null);

    /// <summary>Gives the request what it may take to where it goes.</summary>
    /// <param name="request">A request that has no header fields yet.</param>
    /// <param name="asked">The URL that was to be fetched: its user name and password, and netrc's, are for its origin.</param>
    public void AddTo(HttpRequestHeaders request, Uri asked, Uri hop)
    {
        var origin = Origin.Of(hop);
        if (origin == owner)
        {
            foreach (var (name, value) in headers)
            {
                Add(request, name, value);
            }
        }

        if (request.Contains("Authorization") || request.Contains(GitLabHeader))
        {
            return;
        }

        // GitHub sends from one of its hosts to another; who sends there from elsewhere is not to choose what is asked in the user's name.
        var home = Origin.Of(asked);
        var (user, password) = UserInfo(asked);
        if (origin == home && password is not null)
        {
            AddBasic(request, user ?? "", password);
        }
        else if (user is null && TokenInUse(origin) is { } variable && TokenVariable(home) == TokenVariable(origin))
        {
            var (name, value) = IsGitLab(origin) ? (GitLabHeader, Value(variable)!) : ("Authorization", $"Bearer {Value(variable)}");
            Add(request, name, value);
        }
        else if (origin == home && (Netrc.Find(origin.Host, user) ?? (user is null ? null : (user, ""))) is var (login, secret))
        {
            AddBasic(request, login, secret);
        }
    }

    private static bool IsGitLab(Origin origin) => origin.Host is "gitlab.com" or "www.gitlab.com";

    private static string[] Variables(Origin origin) => origin.IsPlain ? []
        : IsGitLab(origin) ? ["GITLAB_TOKEN"]
        : s_gitHubHosts.Contains(origin.Host) ? ["GH_TOKEN", "GITHUB_TOKEN"]
        : [];

    private static string? Value(string variable) => FetchEnvironment.Variable(variable)?.Trim() is { Length: > 0 } value ? value : null;

    private static (string? User, string? Password) UserInfo(Uri url)
    {
        if (url.UserInfo.Length == 0)
        {
            return (null, null);
        }

        var parts = url.UserInfo.Split(':', 2);
        return (Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : null);
    }

    private static void AddBasic(HttpRequestHeaders request, string user, string password) =>
        Add(request, "Authorization", "Basic " + Convert.ToBase64String(OsText.ToBytes($"{user}:{password}")));

    private static void Add(HttpRequestHeaders request, string name, string value)
    {
        // A line break would begin a header field, or a request, of its own. Host would be believed by the server and by TLS.
        if (CharChecks.HasControl(value) || name.Equals("Host", StringComparison.OrdinalIgnoreCase) || !TryAdd(request, name, value))
        {
            throw new RunException(
                ExitStatus.Configuration, $"the header field {name} cannot be sent", "run.conf's \"headers:\" has its name and its value");
        }
    }

    private static bool TryAdd(HttpRequestHeaders request, string name, string value)
    {
        try
        {
            return request.TryAddWithoutValidation(name, value);
        }
        catch (InvalidOperationException)
        {
            // Content-Length and its like, which describe a body that a GET has not.
            return false;
        }
    }
}
