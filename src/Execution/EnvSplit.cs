using System.Text;
using Run.Naming;

namespace Run.Execution;

/// <summary>
/// The words of <c>env -S</c>, as GNU coreutils splits them. It is not the shell's syntax: <c>\_</c> is a blank, <c>\c</c> and a word that
/// begins with <c>#</c> end the string, and <c>${NAME}</c> is a variable.
/// </summary>
internal static class EnvSplit
{
    /// <summary>Escapes that stand for another character than the one behind the backslash, and these characters.</summary>
    private const string Letters = "fnrtv", Controls = "\f\n\r\t\v";

    /// <summary>The words; null if env refuses the string, with status 125.</summary>
    /// <param name="variable">The value of an environment variable; null if it is not set.</param>
    public static List<string>? Split(string text, Func<string, string?> variable)
    {
        var words = new List<StringBuilder>();
        var quote = '\0';
        var isBetween = true;
        for (var at = 0; at < text.Length; at++)
        {
            var c = text[at];
            switch (c)
            {
                case '\'' or '"' when quote == '\0' || quote == c:
                    quote = quote == '\0' ? c : '\0';
                    _ = Word();
                    continue;

                case ' ' or '\t' or '\n' or '\v' or '\f' or '\r' when quote == '\0':
                    isBetween = true;
                    continue;

                case '#' when isBetween:
                    return Strings(words);

                case '\\' when quote != '\'' || (at + 1 < text.Length && text[at + 1] is '\\' or '\''):
                    if (++at == text.Length)
                    {
                        return null;
                    }

                    switch (text[at])
                    {
                        case '"' or '#' or '$' or '\'' or '\\':
                            _ = Word().Append(text[at]);
                            continue;

                        case '_' when quote == '\0':
                            isBetween = true;
                            continue;

                        case '_':
                            _ = Word().Append(' ');
                            continue;

                        case 'c':
                            return quote == '\0' ? Strings(words) : null;

                        case var letter when Letters.IndexOf(letter, StringComparison.Ordinal) is >= 0 and var index:
                            _ = Word().Append(Controls[index]);
                            continue;

                        default:
                            return null;
                    }

                case '$' when quote != '\'':
                    if (NameAt(text, at) is not { } name)
                    {
                        return null;
                    }

                    // Without a value it leaves no word behind, unless it is quoted.
                    if (variable(name) is { } value)
                    {
                        _ = Word().Append(value);
                    }

                    at += name.Length + "${}".Length - 1;
                    continue;

                default:
                    _ = Word().Append(c);
                    continue;
            }
        }

        return quote == '\0' ? Strings(words) : null;

        StringBuilder Word()
        {
            if (isBetween)
            {
                words.Add(new StringBuilder());
                isBetween = false;
            }

            return words[^1];
        }
    }

    /// <summary>The name in <c>${NAME}</c>; null if there is something else.</summary>
    private static string? NameAt(string text, int dollar)
    {
        var start = dollar + "${".Length;
        var end = text.IndexOf('}', dollar);
        return end > start && text[dollar + 1] == '{' && !char.IsAsciiDigit(text[start])
            && CharChecks.AreAlphanumericOr("_", text[start..end])
                ? text[start..end] : null;
    }

    private static List<string> Strings(List<StringBuilder> words) => [.. words.Select(static word => word.ToString())];
}
