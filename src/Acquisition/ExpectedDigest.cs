using Run.Naming;
using Run.Reporting;

namespace Run.Acquisition;

/// <summary>Compares what was fetched with the digests that SCRIPT, an option or run.pins asks for.</summary>
internal static class ExpectedDigest
{
    /// <param name="sha256">Of the bytes that were fetched.</param>
    /// <param name="tree">Of the tree; null if it is not known yet, or if there is none.</param>
    /// <exception cref="RunException">65: another digest.</exception>
    public static void Check(ResolvedScript script, string sha256, string? tree)
    {
        if (script.Digest is { } expected && expected != sha256)
        {
            throw Mismatch(script, "sha256", expected, sha256);
        }

        if (script.TreeDigest is { } expectedTree && tree is not null && expectedTree != tree)
        {
            throw Mismatch(script, "tree", expectedTree, tree);
        }
    }

    private static RunException Mismatch(ResolvedScript script, string kind, string expected, string actual) => !script.IsPinned
        ? Digest.Mismatch(script.DisplayName, expected, actual, kind)
        : new RunException(
            ExitStatus.Data,
            $"{script.DisplayName}: {UrlText.Redacted(script.Url)} does not match the pin in {script.PinnedBy}: "
                + $"expected {kind}:{expected}, got {kind}:{actual}",
            $"run --diff {script.ShellQuoted} shows the change, run --pin {script.ShellQuoted} accepts it");
}
