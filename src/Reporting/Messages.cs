using System.Text;
using Run.Posix;

namespace Run.Reporting;

/// <summary>
/// Everything that <c>run</c> says of its own, on standard error and in one voice: <c>run: </c>, then a lower-case sentence without
/// a full stop; a hint on a line of its own. It writes with write(2): System.Console would change the terminal.
/// </summary>
internal static class Messages
{
    private const string Red = "\e[1;31m", Yellow = "\e[1;33m", Plain = "\e[m";

    private static bool s_quiet;
    private static bool s_verbose;
    private static bool? s_colour;

    /// <summary>Whether anything has been said.</summary>
    public static bool HasSpoken { get; private set; }

    /// <summary>
    /// Whether standard error is a terminal, and notes are welcome: the condition for showing progress. Steps would run into its line.
    /// </summary>
    public static bool MayShowProgress => !s_quiet && !s_verbose && Descriptors.IsTerminal(Descriptors.Error);

#pragma warning disable RS0030 // How a message looks decides nothing, and a run that has said something has no plan.
    private static bool Colour => s_colour ??= Descriptors.IsTerminal(Descriptors.Error)
        && string.IsNullOrEmpty(EnvironmentVariables.Get("NO_COLOR")) && EnvironmentVariables.Get("TERM") != "dumb";
#pragma warning restore RS0030

    /// <summary>Decides how much is said: <c>--quiet</c> and <c>--verbose</c>.</summary>
    public static void Set(bool quiet, bool verbose) => (s_quiet, s_verbose) = (quiet, verbose);

    /// <summary>What went wrong, and the hint. The last words of a run that failed.</summary>
    public static void Error(string message, string? hint) => Say(Red, message, hint);

    /// <summary>What the caller ought to know although all goes on. Not said under <c>--quiet</c>.</summary>
    public static void Note(string message, string? hint = null)
    {
        if (!s_quiet)
        {
            Say(Yellow, message, hint);
        }
    }

    /// <summary>One step of the way, said only under <c>--verbose</c>. The text is made only where it will be said.</summary>
    public static void Step(Func<string> message)
    {
        if (s_verbose)
        {
            Say("", message(), null);
        }
    }

    /// <summary>
    /// The text as it may be shown: control characters would reach the terminal, and bytes that are not UTF-8 nobody could read, so both are
    /// shown as <c>\xNN</c>; characters that are not seen themselves, but reorder or hide others, as <c>\u{NNNN}</c>.
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

    /// <summary>Writes text to standard error as it is: progress, which is not a message. Failures are ignored: nobody is there to tell.</summary>
    public static void Raw(string text) => _ = Descriptors.Write(Descriptors.Error, Encoding.UTF8.GetBytes(text));

    private static void Say(string colour, string message, string? hint)
    {
        HasSpoken = true;

        // One write for both lines, so that those of many runs at once do not mix.
        var prefix = Colour && colour.Length > 0 ? $"{colour}run:{Plain} " : "run: ";
        var lines = prefix + Printable(message) + "\n";
        if (hint is not null)
        {
            lines += "     " + Printable(hint) + "\n";
        }

        Raw(lines);
    }
}
