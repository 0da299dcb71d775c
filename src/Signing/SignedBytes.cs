using Microsoft.Win32.SafeHandles;
using Run.Caching;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;

namespace Run.Signing;

/// <summary>Signatures of files, and of commits and tags.</summary>
internal static class SignedBytes
{
    /// <summary>What signatures of files are made for: <c>ssh-keygen -Y sign -n run</c>.</summary>
    public const string Purpose = "run";

    /// <summary>What git makes them for.</summary>
    private const string GitPurpose = "git";

    /// <summary>Who has signed a file.</summary>
    /// <param name="signature">The text of the signature.</param>
    /// <param name="place">Where that text comes from, for messages.</param>
    /// <inheritdoc cref="SshKeygen.Check"/>
    public static SignedBy Check(
        string what, AllowedSigners signers, string signature, string place, SafeFileHandle bytes, ReadSet reads) =>
        SshSignature.Parse(signature) is { } parsed
            ? Check(what, signers, parsed, bytes, reads)
            : throw new RunException(ExitStatus.Data, $"{what}: not signed: {place} is {Kind(signature)}, not a signature of ssh-keygen");

    /// <inheritdoc cref="Check(string, AllowedSigners, string, string, SafeFileHandle, ReadSet)"/>
    public static SignedBy Check(string what, AllowedSigners signers, SshSignature signature, SafeFileHandle bytes, ReadSet reads) =>
        new(SshKeygen.Check(what, signers, signature, Purpose, bytes, reads), signature.Key, signers.Digest)
        {
            Signature = Convert.ToBase64String(signature.Blob),
        };

    /// <summary>Who has signed a commit or a tag.</summary>
    /// <param name="what">Which one, for messages.</param>
    /// <exception cref="RunException">65: none of the signers. 69: ssh-keygen cannot be used.</exception>
    public static SignedBy Check(string what, AllowedSigners signers, SignedObject signed, ReadSet reads)
    {
        if (SshSignature.Parse(signed.Signature) is not { } signature)
        {
            throw new RunException(
                ExitStatus.Data, $"{what}: signed with {Kind(signed.Signature)}, and not with a key of ssh",
                "git config gpg.format ssh, and user.signingKey with the key's file");
        }

        using var payload = Files.InMemory(signed.Payload).OrThrow(
            error => new RunException(ExitStatus.Unavailable, $"{what}: its signature cannot be checked: {error.Describe()}"));
        return new SignedBy(
            SshKeygen.Check(what, signers, signature, GitPurpose, payload, reads), signature.Key, signers.Digest)
        {
            IsOfTag = signed.IsTag,
        };
    }

    private static string Kind(string text) => text.TrimStart() switch
    {
        var pgp when pgp.StartsWith("-----BEGIN PGP", StringComparison.Ordinal) => "an OpenPGP signature",
        var x509 when x509.StartsWith("-----BEGIN SIGNED MESSAGE", StringComparison.Ordinal) => "an X.509 signature",
        var ssh when ssh.StartsWith("-----BEGIN SSH SIGNATURE", StringComparison.Ordinal) => "a damaged signature",
        _ => "something else",
    };
}
