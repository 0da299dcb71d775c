using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Trust;

/// <summary>The output of <c>diff -ru</c> on two directories of numbered files, in which those get the names that they stand for.</summary>
internal static class DiffText
{
    /// <summary>The two directories, and what is before the names.</summary>
    public const string Old = "a", New = "b";

    private const int BufferSize = 64 << 10;
    private const string NameFormat = "D6";
    private const int NameLength = 6;

    /// <summary>What the file with that number is called. As text, the names have the order of the numbers.</summary>
    public static string Name(int number) => number.ToString(NameFormat, CultureInfo.InvariantCulture);

    /// <param name="directory">Where the two directories are.</param>
    /// <param name="contents">The files that the names stand for.</param>
    /// <param name="write">Writes a piece of the output.</param>
    public static void Rename(SafeFileHandle text, string directory, IReadOnlyList<ChangedContent> contents, Action<byte[]> write)
    {
        var rest = Array.Empty<byte>();
        while (true)
        {
            var bytes = Files.Read(text, BufferSize)
                .OrThrow(error => new RunException(ExitStatus.CannotWrite, $"the change cannot be read: {error.Describe()}"));
            byte[] all = [.. rest, .. bytes];
            var end = bytes.Length == 0 ? all.Length : all.AsSpan().LastIndexOf((byte)'\n') + 1;
            if (end > 0)
            {
                write(OsText.ToBytes(Renamed(OsText.FromBytes(all.AsSpan(0, end)), directory, contents)));
            }

            rest = all[end..];
            if (bytes.Length == 0)
            {
                return;
            }
        }
    }

    private static string Renamed(string text, string directory, IReadOnlyList<ChangedContent> contents)
    {
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            var isLabel = line.StartsWith("--- ", StringComparison.Ordinal) || line.StartsWith("+++ ", StringComparison.Ordinal);

            // Its own words may be in any language. All other lines are of the files.
            var isOfFile = !isLabel && line is ("" or [' ' or '+' or '-' or '@' or '\\', ..]);
            if (!isOfFile && line.Contains(directory, StringComparison.Ordinal))
            {
                var isCommand = line.StartsWith("diff ", StringComparison.Ordinal);

                // The time of a file is that when it was unpacked.
                var end = isLabel ? line.IndexOf('\t', StringComparison.Ordinal) : -1;
                lines[i] = Renamed(end < 0 ? line : line[..end], directory, contents, isCommand);
            }
        }

        return string.Join('\n', lines);
    }

    /// <param name="isCommand">Whether a file that is not there has a name, too.</param>
    private static string Renamed(string line, string directory, IReadOnlyList<ChangedContent> contents, bool isCommand)
    {
        line = isCommand ? line.Replace("diff -ruN ", "diff -ru ", StringComparison.Ordinal) : line;
        foreach (var side in (ReadOnlySpan<string>)[Old, New])
        {
            var prefix = $"{directory}/{side}/";
            var at = line.IndexOf(prefix, StringComparison.Ordinal);
            var number = at + prefix.Length;
            if (at >= 0 && line.Length >= number + NameLength
                && int.TryParse(line.AsSpan(number, NameLength), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                && index < contents.Count)
            {
                var content = contents[index];
                var isThere = isCommand || (side == Old ? content.IsInOld : content.IsInNew);
                line = $"{line[..at]}{(isThere ? $"{side}/{content.Path}" : DiffProgram.NoFile)}{line[(number + NameLength)..]}";
            }
        }

        return line;
    }
}
