using System.Globalization;
using System.Text;
using Run.Posix;

namespace Run.Locking;

/// <summary>What /proc says about a process: proc(5).</summary>
/// <param name="Seconds">How long it has been running.</param>
/// <param name="User">The name of its effective user.</param>
internal sealed record ProcessFacts(long Seconds, string User)
{
    private const int MaxFileBytes = 64 * 1024;

    // proc(5) counts in clock ticks; user space sees 100 per second on every architecture that .NET runs on.
    private const long TicksPerSecond = 100;

    // The index of the 22nd field (starttime) after the first two are cut off; the second, the program's name, may contain anything.
    private const int StartTimeField = 22 - 3;

    /// <summary>Null if there is no such process, or no /proc.</summary>
    public static ProcessFacts? Of(int processId)
    {
        var stat = Read($"/proc/{processId}/stat");
        var fields = stat?[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields is not { Length: > StartTimeField }
            || !long.TryParse(fields[StartTimeField], CultureInfo.InvariantCulture, out var started)
            || Read("/proc/uptime")?.Split(' ') is not [var uptime, ..]
            || !double.TryParse(uptime, CultureInfo.InvariantCulture, out var now)
            || EffectiveUser(processId) is not { } user)
        {
            return null;
        }

        // Both are hundredths of a second: rounded one by one they would tell a second too many.
        var seconds = (long)(now - ((double)started / TicksPerSecond));
        return new ProcessFacts(Math.Max(seconds, 0), Processes.UserName(user));
    }

    /// <summary>
    /// Whether the process itself holds the one-byte lock at that offset: the kernel shows a lock only at the descriptor, and in the
    /// process, through which it was taken. Null if there is no /proc, or not that of this PID namespace.
    /// </summary>
    /// <param name="file">The locked file; null: any, because the offset is unique.</param>
    public static bool? Holds(int processId, FileStatus? file, long start)
    {
        if (Files.Status("/proc/self").Value is not { } self || Files.Status($"/proc/{Processes.Id}").Value is not { } own
            || !self.IsSameFile(own))
        {
            return null;
        }

        var range = string.Create(CultureInfo.InvariantCulture, $" {start} {start}\n");
        return Files.Names($"/proc/{processId}/fdinfo").Value is { } descriptors && descriptors.Exists(descriptor =>
            (file is null || Files.Status($"/proc/{processId}/fd/{descriptor}").Value is { } found && found.IsSameFile(file))
            && Read($"/proc/{processId}/fdinfo/{descriptor}") is { } info && info.Contains(range, StringComparison.Ordinal));
    }

    /// <summary>The process's effective user; null if there is no such process, or no /proc.</summary>
    public static uint? EffectiveUser(int processId)
    {
        const string Label = "\nUid:\t";
        var status = Read($"/proc/{processId}/status");
        return status?.IndexOf(Label, StringComparison.Ordinal) is >= 0 and var at
            && status[(at + Label.Length)..].Split('\t', 3) is [_, var effective, _]
            && uint.TryParse(effective, CultureInfo.InvariantCulture, out var user)
            ? user
            : null;
    }

    private static string? Read(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly).Value;
        return file is not null && Files.Read(file, MaxFileBytes).Value is { Length: > 0 } bytes ? Encoding.Latin1.GetString(bytes) : null;
    }
}
