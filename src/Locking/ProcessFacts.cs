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

    /// <summary>Whether one of the process's descriptors holds the one-byte lock at that offset.</summary>
    public static bool HasLock(int processId, long start)
    {
        var directory = $"/proc/{processId}/fdinfo";
        var range = string.Create(CultureInfo.InvariantCulture, $" {start} {start}\n");
        return Files.Names(directory).Value is { } descriptors && descriptors.Exists(
            descriptor => Read($"{directory}/{descriptor}") is { } info && info.Contains(range, StringComparison.Ordinal));
    }

    private static uint? EffectiveUser(int processId)
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
