using Microsoft.Win32.SafeHandles;
using Run.Acquisition;
using Run.Posix;
using Run.Reporting;

namespace Run.Naming;

/// <summary>A script that is a file of this machine: not cached, and trusted as whoever names it trusts it.</summary>
internal static class LocalScript
{
    /// <summary>The path, where the file has the digest that was asked for, if one was.</summary>
    /// <exception cref="RunException">65, 126, 127.</exception>
    public static string Checked(string path, ResolvedScript wanted)
    {
        if (wanted.Digest is not { } expected)
        {
            return path;
        }

        using var file = Open(path, wanted.DisplayName);
        var actual = Sha256.OfFile(file) ?? throw Unreadable(wanted.DisplayName, Errno.Io);
        return actual == expected ? path : throw ScriptProvider.Mismatch(wanted.DisplayName, expected, actual);
    }

    /// <summary>Opens the file for reading: a regular one, since a FIFO or a device would be another thing each time.</summary>
    /// <exception cref="RunException">126: it cannot be read, or is no file. 127: it is not there.</exception>
    public static SafeFileHandle Open(string path, string shown)
    {
        var file = Kernel.TryOpen(path, Kernel.ReadOnly | Kernel.NonBlock | Kernel.NoControllingTerminal) ?? throw Unreadable(shown, Kernel.LastError);
        if (Kernel.TryStatus(file) is { IsRegular: true })
        {
            return file;
        }

        var isDirectory = Kernel.TryStatus(file) is { IsDirectory: true };
        file.Dispose();
        throw new RunException(ExitStatus.CannotStart, $"{shown}: {(isDirectory ? "is a directory" : "not a regular file")}");
    }

    public static RunException Unreadable(string shown, Errno error) => error is Errno.NoEntry or Errno.NotDirectory
        ? new RunException(ExitStatus.NotFound, $"{shown}: no such file")
        : new RunException(ExitStatus.CannotStart, $"{shown}: cannot be read: {Kernel.Describe(error)}");
}
