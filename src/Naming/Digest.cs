using Run.Posix;
using Run.Reporting;

namespace Run.Naming;

/// <summary>A SHA-256 digest as people write it: 64 hexadecimal digits.</summary>
internal static class Digest
{
    /// <summary>What begins a digest at the end of a SCRIPT.</summary>
    public const string Fragment = "#sha256=";

    /// <summary>The digest in lower case.</summary>
    /// <exception cref="RunException">64: anything but 64 hexadecimal digits.</exception>
    public static string Parse(string text) =>
        text.Length == Sha256.HexLength && text.All(char.IsAsciiHexDigit)
            ? text.ToLowerInvariant()
            : throw new RunException(ExitStatus.Usage, $"{(text.Length > 0 ? text : "''")}: not a SHA-256 digest", $"it has {Sha256.HexLength} hexadecimal digits; sha256sum prints it");

    /// <summary>The bytes are others than those that were asked for.</summary>
    public static RunException Mismatch(string displayName, string expected, string actual) =>
        new(ExitStatus.Data, $"{displayName}: not the bytes that were asked for", $"expected sha256 {expected}, got {actual}");

    /// <summary>Of what two places ask for, the one digest.</summary>
    /// <exception cref="RunException">64: they differ, so nothing could satisfy both.</exception>
    public static string? Same(string? one, string? other) =>
        one is null || other is null || one == other
            ? one ?? other
            : throw new RunException(ExitStatus.Usage, $"two digests are asked for: {one} and {other}");
}
