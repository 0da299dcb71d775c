using System.Text;

namespace Run.Reporting;

/// <summary>Rows in aligned columns. The header is printed only to a terminal, so that elsewhere every line is a row.</summary>
internal static class Table
{
    private const string Gap = "  ";

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

        var widths = header.Select((_, column) => shown.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in shown)
        {
            text.AppendJoin(Gap, row.Select((cell, column) => column < row.Length - 1 ? cell.PadRight(widths[column]) : cell)).Append('\n');
        }

        return text.ToString();
    }
}
