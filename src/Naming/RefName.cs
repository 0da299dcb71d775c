using System.Buffers;
using Run.Reporting;

namespace Run.Naming;

/// <summary>The names of branches, tags and commits, before git sees them.</summary>
internal static class RefName
{
    private static readonly SearchValues<char> s_operators = SearchValues.Create(" ~^:?*[\\");

    private const int LongestBytes = 1024;
    private const int Sha1Digits = 40, Sha256Digits = 64, FewestShown = 7;

    /// <summary>
    /// The name unchanged, if git-check-ref-format(1) allows it. Whatever else it allows or forbids, a name that passes here is neither an
    /// option nor a refspec with two sides, and no expression that git would evaluate.
    /// </summary>
    /// <param name="displayName">What messages call the script.</param>
    /// <exception cref="RunException">64: it is not the name of a branch, tag or commit.</exception>
    public static string Checked(string reference, string displayName)
    {
        var flaw = reference is "" ? "an empty ref"
            : reference[0] == '-' ? "a ref that begins with '-'"
            : CharChecks.HasControl(reference) ? "a control character in the ref"
            : reference.AsSpan().IndexOfAny(s_operators) is >= 0 and var at ? $"'{reference[at]}' in the ref"
            : reference.Contains("..", StringComparison.Ordinal) ? "'..' in the ref"
            : reference.Contains("@{", StringComparison.Ordinal) ? "'@{' in the ref"
            : reference == "@" ? "a ref that is '@'"
            : reference[^1] == '.' ? "a ref that ends with '.'"
            : reference.Length > LongestBytes ? "a ref that is too long"
            : null;
        foreach (var part in flaw is null ? reference.Split('/') : [])
        {
            flaw ??= part is "" ? "an empty part in the ref"
                : part[0] == '.' ? "a part of the ref that begins with '.'"
                : part.EndsWith(".lock", StringComparison.Ordinal) ? "a part of the ref that ends with '.lock'"
                : null;
        }

        return flaw is null
            ? reference
            : throw new RunException(
                ExitStatus.Usage, $"{displayName}: {flaw}", "a ref is the name of a branch or tag, or all digits of a commit");
    }

    /// <summary>Whether it is all digits of a commit, with SHA-1 or SHA-256.</summary>
    public static bool IsCommit(string reference) => reference.Length is Sha1Digits or Sha256Digits && CharChecks.AreLowerHex(reference);

    /// <summary>Whether it is all digits of a commit in a repository with SHA-256.</summary>
    public static bool IsSha256(string reference) => reference.Length == Sha256Digits && CharChecks.AreLowerHex(reference);

    /// <summary>Whether it looks like some of the digits of a commit. No server looks a commit up by those.</summary>
    public static bool IsAbbreviated(string reference) =>
        reference.Length is >= FewestShown and < Sha1Digits && CharChecks.AreLowerHex(reference);
}
