using Run.Naming;

namespace Run.Git;

/// <summary>
/// The URL that git uses in place of another one: <c>insteadOf</c> in the user's configuration may lead elsewhere, such as to a mirror on
/// this machine. That is the user's own word, so its protocol may be used; whatever a server says, no other one.
/// </summary>
internal static class RewrittenUrl
{
    private const int MostBytes = 64 << 10;

    /// <summary>Asks git; if it does not answer, the URL unchanged. No server is asked.</summary>
    /// <param name="directory">The repository that git works on; the answer is written there.</param>
    public static string Of(string url, GitProgram git, string directory)
    {
        var run = GitRun.Answer(git, directory, ["ls-remote", "--get-url", "--", url], MostBytes, out var answer);
        return run is { End: null, Status: 0 } && answer.TrimEnd('\n') is { Length: > 0 } found ? found : url;
    }

    /// <summary>The protocol as git names it (<c>protocol.*</c> in git-config(1)): that of a URL, a path, or <c>host:path</c>.</summary>
    public static string Protocol(string url)
    {
        var colon = url.IndexOf(':', StringComparison.Ordinal);
        var scheme = colon < 0 ? "" : url[..colon];
        var rest = colon < 0 ? url : url[colon..];

        // gitremote-helpers(7): <transport>::<address> starts a program.
        return rest.StartsWith("::", StringComparison.Ordinal) && CharChecks.AreAlphanumericOr("+-.", scheme) ? scheme
            : rest.StartsWith("://", StringComparison.Ordinal) ? scheme is "git+ssh" or "ssh+git" ? "ssh" : scheme
            : colon < 0 || scheme.Contains('/', StringComparison.Ordinal) ? "file"
            : "ssh";
    }
}
