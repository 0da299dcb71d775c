using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Run.Tests.Infra;

/// <summary>
/// Compares a text with the file Class.Method[.variant].verified.txt beside the test, by Verify's conventions: if they differ, the text is
/// written to .received.txt there; to accept it, rename that file. Only for what people read.
/// </summary>
internal static partial class Snapshot
{
    public static void Verify(
        string text, Sandbox? box = null, string? variant = null,
        [CallerFilePath] string file = "", [CallerMemberName] string method = "")
    {
        // In a deterministic build the compiler maps the sources to /_/.
        var source = file.StartsWith("/_/", StringComparison.Ordinal) ? Path.Combine(Suite.Repository, file[3..]) : file;
        var stem = Path.ChangeExtension(source, null) + "." + method + (variant is null ? "" : "." + variant);
        var received = Scrub(text, box);
        var verified = File.Exists(stem + ".verified.txt") ? File.ReadAllText(stem + ".verified.txt") : null;
        if (verified == received)
        {
            File.Delete(stem + ".received.txt");
            return;
        }

        TestFile.Write(stem + ".received.txt", received);
        Assert.Fail($"""
            the text is not that of {stem}.verified.txt; if it is meant: mv {stem}.received.txt {stem}.verified.txt
            verified:
            {verified ?? "(there is none)"}
            received:
            {received}
            """);
    }

    /// <summary>Replaces what differs from run to run: the sandbox's paths, ports, PIDs.</summary>
    public static string Scrub(string text, Sandbox? box)
    {
        if (box is not null)
        {
            text = text.Replace(box.Home, "~", StringComparison.Ordinal).Replace(box.Root, "{box}", StringComparison.Ordinal);
        }

        return Pid().Replace(Port().Replace(text, "$1:{port}"), "pid {pid}");
    }

    [GeneratedRegex(@"(127\.0\.0\.1|localhost|\[::1\]):\d+")]
    private static partial Regex Port();

    [GeneratedRegex(@"\bpid \d+")]
    private static partial Regex Pid();
}
