using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Trust;

/// <summary>The output of <c>diff -ru</c>, in which the directories of the cache get short names.</summary>
internal static class DiffText
{
    private const int BufferSize = 64 << 10;

    // The lines of diff's own; all others are lines of the files, and begin with a blank, '+', '-' or '@'.
    private static readonly string[] s_heads = ["diff ", "--- ", "+++ ", "Only in ", "Binary files ", "File ", "Symbolic links "];

    /// <param name="names">Each directory, and its new name.</param>
    /// <param name="write">Writes a piece of the output.</param>
    public static void Rename(SafeFileHandle text, (string Directory, string Name)[] names, Action<byte[]> write)
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
                write(OsText.ToBytes(Renamed(OsText.FromBytes(all.AsSpan(0, end)), names)));
            }

            rest = all[end..];
            if (bytes.Length == 0)
            {
                return;
            }
        }
    }

    private static string Renamed(string text, (string Directory, string Name)[] names)
    {
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (s_heads.Any(head => lines[i].StartsWith(head, StringComparison.Ordinal)))
            {
                foreach (var (directory, name) in names)
                {
                    lines[i] = lines[i].Replace(directory, name, StringComparison.Ordinal);
                }
            }
        }

        return string.Join('\n', lines);
    }
}
