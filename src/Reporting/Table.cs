using System.Text;
using Run.Posix;

namespace Run.Reporting;

/// <summary>Rows in aligned columns. The header is printed only to a terminal, so that elsewhere every line is a row.</summary>
internal static class Table
{
    private const string Gap = "  ";
    private const int UsualColumns = 80, LeastWidth = 10;

    public static string Of(string[] header, IEnumerable<string[]> rows)
    {
        var shown = rows.Select(static row => row.Select(Messages.Printable).ToArray()).ToList();
        if (shown.Count == 0)
        {
            return "";
        }

        if (Stdout.IsTerminal)
        {
            shown.Insert(0, header);
        }

        var widths = header.Select((_, column) => shown.Select(row => row[column].Length).Max()).ToArray();
        if (Stdout.IsTerminal)
        {
            Fit(shown, widths, Descriptors.Columns(Descriptors.Output) ?? UsualColumns);
        }

        var text = new StringBuilder();
        foreach (var row in shown)
        {
            text.AppendJoin(Gap, row.Select((cell, column) => column < row.Length - 1 ? cell.PadRight(widths[column]) : cell)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Cuts the last column to the width of the terminal, and the first one too if that is not enough.</summary>
    private static void Fit(List<string[]> rows, int[] widths, int columns)
    {
        foreach (var column in (ReadOnlySpan<int>)[widths.Length - 1, 0])
        {
            var excess = (Gap.Length * (widths.Length - 1)) - columns;
            Array.ForEach(widths, width => excess += width);
            if (excess <= 0)
            {
                return;
            }

            widths[column] = Math.Max(widths[column] - excess, Math.Min(widths[column], LeastWidth));
            foreach (var row in rows.Where(row => row[column].Length > widths[column]))
            {
                // Not between the two halves of a character outside the BMP.
                var kept = widths[column] - (char.IsHighSurrogate(row[column][widths[column] - 2]) ? 2 : 1);
                row[column] = $"{row[column][..kept]}…";
            }
        }
    }
}
