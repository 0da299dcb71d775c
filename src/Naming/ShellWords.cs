using System.Text;
using Run.Reporting;

namespace Run.Naming;

/// <summary>Splits a command line such as <c>python3 -u</c> into words, and joins words into one.</summary>
internal static class ShellWords
{
    /// <summary>What a backslash takes its meaning from inside double quotes (POSIX, "Shell Command Language", 2.2.3).</summary>
    private const string Escapable = "$`\"\\\n";

    /// <summary>Splits at blanks. Of the shell's syntax only quotes and the backslash are understood.</summary>
    /// <exception cref="RunException">64: unclosed quote.</exception>
    public static IReadOnlyList<string> Split(string text)
    {
        var words = new List<string>();
        StringBuilder? word = null;
        var quote = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\\' && i + 1 < text.Length && (quote == '\0' || (quote == '"' && Escapable.Contains(text[i + 1]))))
            {
                (word ??= new()).Append(text[++i]);
            }
            else if (c == quote)
            {
                quote = '\0';
            }
            else if (quote == '\0' && c is '\'' or '"')
            {
                quote = c;
                word ??= new();
            }
            else if (quote == '\0' && c is ' ' or '\t')
            {
                if (word is not null)
                {
                    words.Add(word.ToString());
                    word = null;
                }
            }
            else
            {
                (word ??= new()).Append(c);
            }
        }

        if (quote != '\0')
        {
            throw new RunException(ExitStatus.Usage, $"{text}: unclosed quote");
        }

        if (word is not null)
        {
            words.Add(word.ToString());
        }

        return words;
    }

    /// <summary>One command line, with words quoted where a shell needs it.</summary>
    public static string Join(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    private static string Quote(string word) =>
        word.Length > 0 && CharChecks.AreAlphanumericOr("-_./:=@%+,#~", word) && word[0] is not ('#' or '~')
            ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
