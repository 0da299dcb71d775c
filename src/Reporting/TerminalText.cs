using Run.Posix;

namespace Run.Reporting;

/// <summary>Texts of others on a terminal, where some bytes would be commands.</summary>
internal static class TerminalText
{
    private const int ChunkSize = 64 << 10, LongestLine = 4 * ChunkSize;

    /// <summary>
    /// Copies a text line by line. Characters that would move the cursor, or hide or reorder text, are shown escaped. The text comes from
    /// the server, and the user who judges it must see all of it.
    /// </summary>
    /// <param name="read">Reads that many bytes at most; none at the end.</param>
    public static void Copy(Func<int, byte[]> read, Action<string> say)
    {
        var rest = Array.Empty<byte>();
        while (true)
        {
            var chunk = read(ChunkSize);
            byte[] bytes = [.. rest, .. chunk];
            var whole = chunk.Length == 0 || bytes.Length > LongestLine ? bytes.Length : bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
            say(string.Join('\n', OsText.FromBytes(bytes.AsSpan(0, whole)).Split('\n').Select(Line)));
            rest = bytes[whole..];
            if (chunk.Length == 0)
            {
                return;
            }
        }
    }

    private static string Line(string line) => string.Join('\t', line.Split('\t').Select(Messages.Printable));
}
