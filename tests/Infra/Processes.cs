using System.Text;

namespace Run.Tests.Infra;

/// <summary>The machine's processes, as /proc shows them.</summary>
internal static class Processes
{
    /// <summary>All processes whose environment, arguments, working directory or program mentions the directory.</summary>
    public static IEnumerable<int> Under(string directory)
    {
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(entry), out var pid) && pid != Environment.ProcessId && BelongsTo(entry, directory))
            {
                yield return pid;
            }
        }
    }

    /// <summary>Kills them all, including those that one of them was about to start.</summary>
    public static void KillAllUnder(string directory)
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var left = Under(directory).ToList();
            if (left.Count == 0)
            {
                return;
            }

            left.ForEach(static pid => Libc.Signal(pid, Libc.SIGKILL));
            Thread.Sleep(5);
        }
    }

    private static bool BelongsTo(string entry, string directory)
    {
        try
        {
            // The shared binary and launcher are in the suite's own directory, so the path of a sandbox identifies its processes.
            return Contains(entry + "/environ", directory)
                || Contains(entry + "/cmdline", directory)
                || (new FileInfo(entry + "/cwd").LinkTarget?.StartsWith(directory, StringComparison.Ordinal) ?? false)
                || (new FileInfo(entry + "/exe").LinkTarget?.StartsWith(directory, StringComparison.Ordinal) ?? false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // it has ended since, or is another user's
        }
    }

    private static bool Contains(string file, string text) => File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
}
