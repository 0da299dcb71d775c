using Run.Naming;

namespace Run.Launching;

/// <summary>Commands as text for a shell that is not known: that of an account on another machine, sh, bash, zsh or another.</summary>
internal static class PosixShell
{
    /// <summary>
    /// Besides letters and digits, what no shell takes for anything but itself. It is less than in <see cref="ShellWords"/>, whose texts
    /// are only shown: bash expands the tilde in <c>a=~/b</c>, and zsh <c>=ls</c>.
    /// </summary>
    private const string Plain = "-_./:@+,";

    /// <summary>
    /// A text that a POSIX shell takes apart into exactly these words ("Shell Command Language", 2.2.2: in single quotes every character
    /// stands for itself). Words that need no quotes have none, so that <c>ps</c> reads well.
    /// </summary>
    public static string Quote(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    /// <remarks>
    /// The text passes the launcher first, and some replace parts of it: GNU parallel <c>{}</c>, <c>{/.}</c> and others, pdsh <c>%h</c>.
    /// An empty pair of quotes after the first character is nothing to the shell, and to them it is no longer such a part.
    /// </remarks>
    private static string Quote(string word)
    {
        if (word.Length > 0 && CharChecks.AreAlphanumericOr(Plain + "=", word) && word[0] != '=')
        {
            return word;
        }

        var quoted = word.Replace("'", @"'\''", StringComparison.Ordinal)
            .Replace("{", "{''", StringComparison.Ordinal).Replace("%", "%''", StringComparison.Ordinal);
        return $"'{quoted}'";
    }
}
