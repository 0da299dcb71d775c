using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Signing;

/// <summary>The file of those whose signature a source's scripts must have: <c>signers:</c> in run.conf.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="Bytes">Its content. ssh-keygen gets these, not the file, which may have changed since.</param>
/// <param name="Digest">The SHA-256 of <paramref name="Bytes"/>.</param>
internal sealed record AllowedSigners(string Path, byte[] Bytes, string Digest)
{
    private const int MaxBytes = 1 << 20;

    /// <summary>Reads the file. A plan notices any change of it.</summary>
    /// <exception cref="RunException">77: another user can have written it, or could exchange it. 78: it cannot be read.</exception>
    public static AllowedSigners Read(string path, Source source, ReadSet reads)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock).OrThrow(error => Unreadable(path, source, error));

        // Recorded before it is read, so that a change in between shows later.
        var status = Files.Status(file).OrThrow(error => Unreadable(path, source, error));
        reads.File(path, status);
        if (!status.IsRegular)
        {
            throw new RunException(
                ExitStatus.Configuration, $"{path}: not a regular file, and the source {source.Name} has its signers there");
        }

        CheckWriters(path, status);
        var bytes = Files.Read(file, MaxBytes + 1, status.Size).OrThrow(error => Unreadable(path, source, error));
        return bytes.Length <= MaxBytes
            ? new AllowedSigners(path, bytes, Sha256.HexOf(bytes))
            : throw new RunException(ExitStatus.Configuration, $"{path}: larger than {MaxBytes >> 20} MiB");
    }

    /// <summary>Who is probably named by the lines with this key: guesses, for ssh-keygen to judge.</summary>
    /// <param name="publicKey">In base64.</param>
    public IEnumerable<string> Guesses(string publicKey) => OsText.FromBytes(Bytes).Split('\n')
        .Where(line => line is not ['#', ..] && line.Contains(publicKey, StringComparison.Ordinal))
        .Select(static line => line.Split((char[])[' ', '\t'], 2)[0].Split(','))
        .Select(static names => names.FirstOrDefault(static name => name is not ("" or ['!' or '"', ..])))
        .WhereNotNull().Distinct();

    /// <summary>Whoever can write or exchange the file can add a key to it, and run what that key has signed.</summary>
    private static void CheckWriters(string path, FileStatus status)
    {
        if (!TrustedPath.IsTrusted(status.Owner))
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: belongs to another user (uid {status.Owner}), who would choose whose scripts this user runs",
                "copy it to a file of your own");
        }

        if (status.OthersCanWrite)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: writable by other users, who could choose whose scripts this user runs",
                $"chmod go-w {path}");
        }

        // A directory that only a group can write is left to its owner: with a umask of 002 all of them are.
        string? open = null;
        if (TrustedPath.FindForeign(
            path, (above, directory) => open ??= directory is { EverybodyCanWrite: true, IsSticky: false } ? above : null) is { } foreign)
        {
            throw new RunException(ExitStatus.Refused, $"{foreign}, so it is not used", "move it to a directory of your own");
        }

        if (open is not null)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: {open} is writable by all users, who could exchange what is in it, so it is not used",
                $"chmod o-w {open}");
        }
    }

    private static RunException Unreadable(string path, Source source, Errno error) => error is Errno.NoEntry or Errno.NotDirectory
        ? new(ExitStatus.Configuration, $"{path}: no such file, and the source {source.Name} has its signers there",
            "ssh-keygen(1) describes the file under ALLOWED SIGNERS")
        : new(ExitStatus.Configuration, $"{path}: cannot be read: {error.Describe()}");
}
