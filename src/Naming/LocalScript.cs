using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Naming;

/// <summary>A script that is a file of this machine: not cached, and trusted as whoever names it trusts it.</summary>
internal static class LocalScript
{
    /// <summary>The path, if the file has the digest that was asked for.</summary>
    /// <exception cref="RunException">65, 126, 127.</exception>
    public static string Checked(string path, ResolvedScript script)
    {
        if (script.Digest is not { } expected)
        {
            return path;
        }

        using var file = Open(path, script.DisplayName);
        var actual = Sha256.OfFile(file).OrThrow(error => Unreadable(script.DisplayName, error));
        return actual == expected ? path : throw Digest.Mismatch(script.DisplayName, expected, actual);
    }

    /// <summary>Opens the file for reading: a regular one, since a FIFO or a device would be another thing each time.</summary>
    /// <exception cref="RunException">126: it cannot be read, or is no file. 127: it is not there.</exception>
    public static SafeFileHandle Open(string path, string displayName)
    {
        const int Flags = OpenFlags.ReadOnly | OpenFlags.NonBlock | OpenFlags.NoControllingTerminal;
        var file = Files.Open(path, Flags).OrThrow(error => Unreadable(displayName, error));
        var status = Files.Status(file).OrThrow(error => Unreadable(displayName, error));
        if (status.IsRegular)
        {
            return file;
        }

        file.Dispose();
        throw new RunException(ExitStatus.CannotStart, $"{displayName}: {(status.IsDirectory ? "is a directory" : "not a regular file")}");
    }

    /// <summary>Where it really is, however it was named: what is locked.</summary>
    /// <exception cref="RunException">126, 127.</exception>
    public static string RealPath(string path, string displayName) =>
        Files.RealPath(path).OrThrow(error => Unreadable(displayName, error));

    public static RunException Unreadable(string displayName, Errno error) => error is Errno.NoEntry or Errno.NotDirectory
        ? new RunException(ExitStatus.NotFound, $"{displayName}: no such file")
        : new RunException(ExitStatus.CannotStart, $"{displayName}: cannot be read: {error.Describe()}");
}
