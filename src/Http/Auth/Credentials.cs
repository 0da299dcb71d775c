using System.Net.Http.Headers;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Http.Auth;

/// <summary>
/// Decides which secrets a request carries, separately for every hop of a redirect: a secret for one origin must not reach another.
/// </summary>
/// <param name="headers">The source's own header fields, sent only to <paramref name="owner"/>.</param>
/// <param name="owner">The origin of the source's URL. A mirror with another origin is another server.</param>
internal sealed class Credentials(IReadOnlyList<KeyValuePair<string, string>> headers, Origin owner)
{
    private const string GitLabHeader = "PRIVATE-TOKEN";

    // Only the hosts at which GitHub itself accepts a token. Its other hosts (objects.…, release-assets.…) are storage with signed
    // URLs, and refuse a request that is authenticated twice.
    private static readonly string[] s_gitHubHosts =
    [
        "github.com", "www.github.com", "api.github.com", "raw.githubusercontent.com",
        "gist.github.com", "gist.githubusercontent.com", "media.githubusercontent.com", "codeload.github.com",
    ];

    /// <summary>The variable whose token this host accepts; null if it accepts none.</summary>
    public static string? TokenVariable(Origin origin) => Variables(origin) is [var first, ..] ? first : null;

    /// <summary>The variable whose token was sent to this host; null if none is set.</summary>
    public static string? TokenInUse(Origin origin) => Variables(origin).FirstOrDefault(static name => Value(name) is not null);

    /// <summary>Adds the header fields that may be sent to <paramref name="hop"/>.</summary>
    /// <param name="request">A request that has no header fields yet.</param>
    /// <param name="asked">The URL before any redirect. Its user name and password, and netrc's, are for its origin only.</param>
    /// <param name="hop">The URL that this request goes to.</param>
    /// <exception cref="RunException">78: a header field cannot be sent.</exception>
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

        // GitHub redirects between its own hosts. A redirect from any other host must not choose what is requested with the user's token.
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
        // A line break would start another header field, or another request. The server and TLS would both trust a Host.
        if (CharChecks.HasControl(value) || name.Equals("Host", StringComparison.OrdinalIgnoreCase) || !TryAdd(request, name, value))
        {
            throw new RunException(
                ExitStatus.Configuration, $"the header field {name} cannot be sent", "check it under \"headers:\" in run.conf");
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
            // Content-Length and similar fields, which describe a body; a GET has none.
            return false;
        }
    }
}
