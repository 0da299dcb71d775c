using System.Globalization;
using System.Text;
using Run.Posix;

namespace Run.Git;

/// <summary>A process and those that it has started, from /proc: git with its helpers, and ssh with its own.</summary>
internal static class ProcessFamily
{
    private const int MaxFileBytes = 64 << 10;

    /// <summary>The process itself and all processes below it; without /proc only the process itself.</summary>
    public static List<int> Of(int process)
    {
        var children = new Dictionary<int, List<int>>();
        foreach (var name in Files.Names("/proc").Value ?? [])
        {
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Parent(id) is { } parent)
            {
                (children.TryGetValue(parent, out var known) ? known : children[parent] = []).Add(id);
            }
        }

        var family = new List<int> { process };
        for (var i = 0; i < family.Count; i++)
        {
            family.AddRange(children.GetValueOrDefault(family[i]) ?? []);
        }

        return family;
    }

    /// <summary>Ends the child at once, and all that it has started.</summary>
    public static void Kill(ChildProcess child)
    {
        var family = Of(child.Id).ConvertAll(static id => Processes.Open(id).Value);
        child.Signal(Signals.Kill);
        foreach (var process in family)
        {
            if (process is not null)
            {
                _ = Processes.Signal(process, Signals.Kill);
                process.Dispose();
            }
        }
    }

    /// <summary>
    /// Whether one of them waits for the user: it has the terminal open, as git and ssh do only while they ask, or its command line names a
    /// credential helper or an "askpass" program, which may show a window.
    /// </summary>
    public static bool AsksTheUser(List<int> family) => family.Exists(static process =>
        (Files.Names($"/proc/{process}/fd").Value ?? []).Exists(fd => Files.LinkTarget($"/proc/{process}/fd/{fd}").Value == "/dev/tty")
        || (Read($"/proc/{process}/cmdline") is { } command
            && (command.Contains("askpass", StringComparison.OrdinalIgnoreCase)
                || command.Contains("git-credential", StringComparison.Ordinal)
                || command.Contains("git\0credential", StringComparison.Ordinal))));

    private static int? Parent(int process)
    {
        // proc(5): PID (NAME) STATE PPID. The name may contain anything.
        var stat = Read($"/proc/{process}/stat");
        return stat?[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var parent, ..]
            && int.TryParse(parent, CultureInfo.InvariantCulture, out var id)
            ? id
            : null;
    }

    private static string? Read(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly).Value;
        return file is null || Files.Read(file, MaxFileBytes).Value is not { } bytes ? null : Encoding.Latin1.GetString(bytes);
    }
}
