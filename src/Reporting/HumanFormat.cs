using System.Globalization;

namespace Run.Reporting;

/// <summary>Ages and sizes for people to read.</summary>
internal static class HumanFormat
{
    /// <summary>One unit, rounded down: <c>40s</c>, <c>5m</c>, <c>3h</c>, <c>12d</c>.</summary>
    public static string Age(TimeSpan age)
    {
        var (count, unit) = age switch
        {
            { Ticks: < 0 } => (0, 's'),
            { TotalSeconds: < 60 } => (age.TotalSeconds, 's'),
            { TotalMinutes: < 60 } => (age.TotalMinutes, 'm'),
            { TotalHours: < 48 } => (age.TotalHours, 'h'),
            _ => (age.TotalDays, 'd'),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{(int)count}{unit}");
    }

    /// <summary>The time that <c>40s</c>, <c>5m</c>, <c>3h</c> or <c>12d</c> stands for; null if the text is no such age.</summary>
    public static TimeSpan? ParseAge(string text)
    {
        var seconds = text.Length < 2 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 };
        return seconds > 0
            && text[..^1].All(char.IsAsciiDigit)
            && long.TryParse(text[..^1], CultureInfo.InvariantCulture, out var count)
            && count <= (long)TimeSpan.MaxValue.TotalSeconds / seconds
            ? TimeSpan.FromSeconds(count * seconds)
            : null;
    }

    /// <summary>Whether the text can only be meant as a number or an age: <c>60</c>, <c>1.5</c>, <c>5m</c>.</summary>
    public static bool IsNumber(string text) =>
        text.Length > 0 && char.IsAsciiDigit(text[0])
        && (text.All(static c => char.IsAsciiDigit(c) || c == '.') || ParseAge(text) is not null);

    /// <summary>In units of 1024: <c>812 B</c>, <c>1.4 KiB</c>, <c>64 MiB</c>.</summary>
    public static string Size(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double value = bytes;
        var unit = 0;
        for (; value >= 1024 && unit < units.Length - 1; unit++)
        {
            value /= 1024;
        }

        return $"{value.ToString(unit > 0 && value < 10 ? "0.#" : "0", CultureInfo.InvariantCulture)} {units[unit]}";
    }
}
