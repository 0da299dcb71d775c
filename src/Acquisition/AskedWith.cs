using Run.Configuration;
using Run.Http;
using Run.Naming;
using Run.Reporting;

namespace Run.Acquisition;

/// <summary>
/// What decides a server's answer besides the URL: the secrets that are sent, the way to it, and which certificates are trusted.
/// </summary>
internal static class AskedWith
{
    /// <summary>There are secrets among them: they are for comparison, and must not be shown or written.</summary>
    public static IEnumerable<string> Of(ResolvedScript script)
    {
        var isRepository = script.Tree is { IsRepository: true };
        return
        [
            .. VariableExpansion.Expand(script.Source?.Headers ?? [], FetchEnvironment.Variable).Select(static h => $"{h.Key}: {h.Value}"),
            .. FetchEnvironment.Deciding(isRepository),

            // Without a terminal git cannot ask for a password.
            .. isRepository && Terminal.IsThere ? ["terminal"] : (string[])[],
        ];
    }
}
