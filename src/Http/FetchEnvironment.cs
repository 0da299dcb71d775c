using Run.Posix;

namespace Run.Http;

/// <summary>
/// Variables that only a fetch needs: tokens, proxies, netrc. A planned run does not fetch, so they are not inputs of a plan, and a plan
/// must not contain a token.
/// </summary>
internal static class FetchEnvironment
{
    /// <summary>The variable's value; null if it is not set.</summary>
#pragma warning disable RS0030
    public static string? Variable(string name) => EnvironmentVariables.Get(name);
#pragma warning restore RS0030
}
