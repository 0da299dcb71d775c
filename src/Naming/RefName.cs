using System.Buffers;
using Run.Reporting;

namespace Run.Naming;

/// <summary>The names that git gives to branches, tags and commits (git-check-ref-format(1)).</summary>
internal static class RefName
{
    private const int Sha1Length = 40, Sha256Length = 64;

    /// <summary>Whether it is the full name of a commit.</summary>
    public static bool IsCommit(string reference) =>
        reference.Length is Sha1Length or Sha256Length && CharChecks.AreLowerHex(reference);

    private static readonly SearchValues<char> s_forbidden = SearchValues.Create(" ~^:?*[\\");

    /// <summary>The ref unchanged, if it can be one. What begins with a dash would be an option to git.</summary>
    /// <exception cref="RunException">64.</exception>
    public static string Checked(string reference, string displayName) =>
        reference.Length > 0 && reference[0] != '-'
        && !CharChecks.HasControl(reference) && reference.AsSpan().IndexOfAny(s_forbidden) < 0
        && !reference.Contains("..", StringComparison.Ordinal) && !reference.Contains("@{", StringComparison.Ordinal)
        && reference != "@" && !reference.EndsWith('.')
        && Array.TrueForAll(
            reference.Split('/'),
            static part => part.Length > 0 && part[0] != '.' && !part.EndsWith(".lock", StringComparison.Ordinal))
            ? reference
            : throw new RunException(ExitStatus.Usage, $"{displayName}: '{reference}' cannot be a branch, tag or commit");
}
