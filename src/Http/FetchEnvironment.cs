using Run.Posix;

namespace Run.Http;

/// <summary>
/// Variables that only a fetch needs: tokens, proxies, netrc. A planned run does not fetch, so they are not inputs of a plan, and a plan
/// must not contain a token.
/// </summary>
internal static class FetchEnvironment
{
    private static readonly string[] s_deciding =
    [
        "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "GATEWAY_INTERFACE",
        "REQUEST_METHOD", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC", "HOME", "GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN",
    ];

    // What git, and the ssh that it starts, read besides; and all that begin with GIT_.
    private static readonly string[] s_decidingForGit = ["PATH", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE"];

    /// <summary>
    /// The variables that can change how any fetch ends, <c>NAME=VALUE</c>, if they are set. A source's header fields may use others.
    /// </summary>
    /// <param name="git">Whether git fetches.</param>
    public static IEnumerable<string> Deciding(bool git)
    {
        string[] names = git ? [.. s_deciding, .. s_decidingForGit] : s_deciding;
        return EnvironmentVariables.All().Where(variable =>
            names.Contains(variable.Split('=')[0]) || (git && variable.StartsWith("GIT_", StringComparison.Ordinal)));
    }

    /// <summary>The variable's value; null if it is not set.</summary>
#pragma warning disable RS0030
    public static string? Variable(string name) => EnvironmentVariables.Get(name);
#pragma warning restore RS0030
}
