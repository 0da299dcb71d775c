using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Naming;

/// <summary>A script that is a file on this machine: it is not cached, and naming it means trusting it.</summary>
internal static class LocalScript
{
    /// <summary>Checks the file's digest, if one was given, and returns the path.</summary>
    /// <exception cref="RunException">65: another digest. 126: it cannot be read. 127: it does not exist.</exception>
    public static string Checked(string path, ResolvedScript script)
    {
        if (script.Digest is not null)
        {
            using var file = Open(path, script.DisplayName);
            CheckDigest(file, script);
        }

        return path;
    }

    /// <exception cref="RunException">65: another digest. 126: it cannot be read.</exception>
    public static void CheckDigest(SafeFileHandle file, ResolvedScript script)
    {
        var actual = Sha256.OfFile(file).OrThrow(error => Unreadable(script.DisplayName, error));
        if (script.Digest is { } expected && actual != expected)
        {
            throw Digest.Mismatch(script.DisplayName, expected, actual);
        }
    }

    /// <summary>Opens a regular file for reading. A FIFO or a device is refused: its next read could return other bytes.</summary>
    /// <exception cref="RunException">126: it cannot be read, or is not a regular file. 127: it does not exist.</exception>
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

    /// <summary>realpath(3): the file's path, however it was named. This is the identity that is locked.</summary>
    /// <exception cref="RunException">126: it cannot be read. 127: it does not exist.</exception>
    public static string RealPath(string path, string displayName) =>
        Files.RealPath(path).OrThrow(error => Unreadable(displayName, error));

    public static RunException Unreadable(string displayName, Errno error) => error is Errno.NoEntry or Errno.NotDirectory
        ? new RunException(ExitStatus.NotFound, $"{displayName}: no such file")
        : new RunException(ExitStatus.CannotStart, $"{displayName}: cannot be read: {error.Describe()}");
}
