using System.Text;
using Run.Posix;

namespace Run.Reporting;

/// <summary>
/// The messages of <c>run</c>, on standard error: <c>run: </c>, then a lower-case sentence without a full stop, and a hint on a second
/// line. They are written with write(2), because System.Console would change the terminal.
/// </summary>
internal static class Messages
{
    private const string Red = "\e[1;31m", Yellow = "\e[1;33m", Plain = "\e[m";

    private static bool s_quiet;
    private static bool s_verbose;
    private static bool? s_colour;

    /// <summary>Whether a message has been printed, or would have been without <c>--quiet</c>.</summary>
    public static bool HasSpoken { get; private set; }

    /// <summary>
    /// Whether progress may be shown: standard error is a terminal, and neither <c>--quiet</c> nor <c>--verbose</c> is given. The lines of
    /// <c>--verbose</c> would run into it.
    /// </summary>
    public static bool MayShowProgress => !s_quiet && !s_verbose && Descriptors.IsTerminal(Descriptors.Error);

#pragma warning disable RS0030 // These decide only how a message looks, and a run that has printed a message gets no plan.
    private static bool Colour => s_colour ??= Descriptors.IsTerminal(Descriptors.Error)
        && string.IsNullOrEmpty(EnvironmentVariables.Get("NO_COLOR")) && EnvironmentVariables.Get("TERM") != "dumb";
#pragma warning restore RS0030

    /// <summary>Sets what is printed: <c>--quiet</c> and <c>--verbose</c>.</summary>
    public static void Set(bool quiet, bool verbose) => (s_quiet, s_verbose) = (quiet, verbose);

    /// <summary>Prints what went wrong, and the hint: the last message of a run that failed.</summary>
    public static void Error(string message, string? hint) => Say(Red, message, hint);

    /// <summary>Prints what the caller should know although the run goes on. Not printed with <c>--quiet</c>.</summary>
    public static void Note(string message, string? hint = null)
    {
        HasSpoken = true;
        if (!s_quiet)
        {
            Say(Yellow, message, hint);
        }
    }

    /// <summary>Reports one step, only with <c>--verbose</c>. <paramref name="message"/> is called only if its text is printed.</summary>
    public static void Step(Func<string> message)
    {
        if (s_verbose)
        {
            Say("", message(), null);
        }
    }

    /// <summary>
    /// The text, safe to print. Control characters, which would reach the terminal, and bytes that are not UTF-8 become <c>\xNN</c>;
    /// invisible characters that reorder or hide others become <c>\u{NNNN}</c>.
    /// </summary>
    public static string Printable(string text)
    {
        if (!text.Any(static c => char.IsControl(c) || !Rune.TryCreate(c, out var rune) || UnseenCharacters.Has(rune)))
        {
            return text;
        }

        var shown = new StringBuilder(text.Length + 8);
        for (var i = 0; i < text.Length; i++)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune) || Rune.IsControl(rune))
            {
                shown.Append("\\x").Append((text[i] & 0xff).ToString("x2", null));
                continue;
            }

            i += rune.Utf16SequenceLength - 1;
            shown.Append(UnseenCharacters.Has(rune) ? $"\\u{{{rune.Value:x4}}}" : rune.ToString());
        }

        return shown.ToString();
    }

    /// <summary>Writes text to standard error unchanged, such as progress. Failures are ignored: there is nowhere to report them.</summary>
    public static void Raw(string text) => _ = Descriptors.Write(Descriptors.Error, Encoding.UTF8.GetBytes(text));

    private static void Say(string colour, string message, string? hint)
    {
        HasSpoken = true;

        // One write for both lines, so that the messages of concurrent runs do not mix.
        var prefix = Colour && colour.Length > 0 ? $"{colour}run:{Plain} " : "run: ";
        var lines = prefix + Printable(message) + "\n";
        if (hint is not null)
        {
            lines += "     " + Printable(hint) + "\n";
        }

        Raw(lines);
    }
}
