using Run.Naming;

namespace Run.CommandLine;

/// <summary>What was probably meant by a bare NAME that is not found.</summary>
internal static class Slip
{
    private static readonly string[] s_localPrefixes = ["./", "../", "/", "~/"];

    /// <summary>The hint; null if nothing is likely.</summary>
    /// <param name="name">The bare NAME.</param>
    /// <param name="isFile">Whether there is a file of that path.</param>
    public static string? Hint(string name, Invocation invocation, Func<string, bool> isFile)
    {
        // run --lock deploy ./x
        if (invocation is { OptionWithoutValue: { } option, Operands: [_, var next, ..] } && LooksLikeScript(next))
        {
            return $"did you mean {option}={name} {ShellWords.Join([UrlText.Shown(next)])}?";
        }

        if (isFile($"./{name}"))
        {
            return $"did you mean {ShellWords.Join([$"./{name}"])}?";
        }

        // run list
        var dashed = $"--{name}";
        return (Options.Find(dashed)?.Long ?? Synonyms.Of(dashed)) is { } meant ? $"did you mean run {meant}?" : null;
    }

    private static bool LooksLikeScript(string word) =>
        Array.Exists(s_localPrefixes, prefix => word.StartsWith(prefix, StringComparison.Ordinal))
        || word.Contains(':', StringComparison.Ordinal);
}
