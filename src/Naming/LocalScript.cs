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
        throw NotRegular(displayName, status);
    }

    /// <summary>realpath(3): the file's path, however it was named. This is the identity that is locked.</summary>
    /// <exception cref="RunException">126: it cannot be read. 127: it does not exist.</exception>
    public static string RealPath(string path, string displayName) =>
        Files.RealPath(path).OrThrow(error =>
            Files.Status(path).Value is { IsPipe: true } pipe ? NotRegular(displayName, pipe) : Unreadable(displayName, error));

    /// <summary>For example <c>/dev/stdin</c>, or what a shell makes of <c>&lt;(…)</c>.</summary>
    private static RunException NotRegular(string displayName, FileStatus status) => new(
        ExitStatus.CannotStart,
        $"{displayName}: {(status.IsDirectory ? "is a directory" : status.IsPipe ? "a pipe, not a file" : "not a regular file")}",
        status.IsDirectory ? null : "a script must be a file; to run what is on standard input, use sh -s");

    public static RunException Unreadable(string displayName, Errno error) => error is Errno.NoEntry or Errno.NotDirectory
        ? new RunException(ExitStatus.NotFound, $"{displayName}: no such file")
        : new RunException(ExitStatus.CannotStart, $"{displayName}: cannot be read: {error.Describe()}");
}
