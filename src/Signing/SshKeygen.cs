using Microsoft.Win32.SafeHandles;
using Run.Execution;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;

namespace Run.Signing;

/// <summary>
/// ssh-keygen(1), which judges signatures. What it reads is in memory, so nobody can exchange it and nothing need be written.
/// </summary>
internal static class SshKeygen
{
    private const string Name = "ssh-keygen";
    private const int MaxOutput = 64 << 10;

    private const int LongestPurpose = 64;

    // Statuses beyond the first are those of signals, but for the second, which is ssh-keygen's own.
    private const int LastExitStatus = 128, Failed = 255;

    // Who is named by many lines of the file of signers is tried that often.
    private const int MostPrincipals = 20;

    /// <summary>Finds out who of the signers has signed the bytes.</summary>
    /// <param name="what">What was signed, for messages.</param>
    /// <param name="purpose">The namespace that the signature must have.</param>
    /// <param name="bytes">What was signed, from its start to its end.</param>
    /// <returns>The principal, printable.</returns>
    /// <exception cref="RunException">65: none of them has signed these bytes for that purpose. 69: ssh-keygen cannot be used.</exception>
    public static string Check(
        string what, AllowedSigners signers, SshSignature signature, string purpose, SafeFileHandle bytes, ReadSet reads)
    {
        if (signature.Namespace != purpose)
        {
            var other = signature.Namespace.Length > LongestPurpose ? "something else" : $"'{signature.Namespace}'";
            throw new RunException(
                ExitStatus.Data, $"{what}: signed by {signature.Key} for {other}, and not for '{purpose}'",
                purpose == SignedBytes.Purpose ? $"{Name} -Y sign -n {purpose} -f KEY FILE signs it" : null);
        }

        var file = SearchPath.Find(Name, reads, out _) ?? throw new RunException(
            ExitStatus.Unavailable, $"{what}: {Name} is not installed, and signatures are checked with it",
            "install the package openssh-client");
        using var list = InMemory(signers.Bytes);
        using var armour = InMemory(signature.ToArmour());
        using var nothing = Files.Open("/dev/null", OpenFlags.ReadWrite).OrThrow(CannotStart);

        // The first guess is nearly always right, and then ssh-keygen is started once. Only what it says of a guess counts. And
        // find-principals names no one behind the first line with the key, even if that is for another purpose.
        if (signers.Guesses(signature.PublicKey).Take(MostPrincipals).FirstOrDefault(guess => Verify(guess).Status == 0) is { } guessed)
        {
            return Messages.Printable(guessed);
        }

        var found = Run(["find-principals", "-s", Inherited(armour), "-f", Inherited(list)], nothing);
        var principals = found.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (found.Status != 0 || principals.Length == 0)
        {
            var isAtAnotherTime = found.Errors.Contains("key has expired", StringComparison.Ordinal)
                || found.Errors.Contains("key is not yet valid", StringComparison.Ordinal);
            throw Refused(found, isAtAnotherTime
                ? $"signed by {signature.Key}, which is not valid now in {signers.Path}"
                : $"signed by {signature.Key}, whom {signers.Path} does not name");
        }

        var answer = found;
        foreach (var principal in principals.Take(MostPrincipals))
        {
            answer = Verify(principal);
            if (answer.Status == 0)
            {
                return Messages.Printable(principal);
            }
        }

        throw answer.Errors.Contains("incorrect signature", StringComparison.Ordinal)
            ? new RunException(ExitStatus.Data, $"{what}: its signature by {signature.Key} is of other bytes")
            : Refused(answer, $"signed by {signature.Key}, whom {signers.Path} does not allow to sign it");

        (int Status, string Output, string Errors) Verify(string principal)
        {
            using var start = Files.Open(Files.DescriptorPath(bytes), OpenFlags.ReadOnly).OrThrow(CannotStart);
            return Run(["verify", "-f", Inherited(list), "-I", principal, "-n", purpose, "-s", Inherited(armour)], start);
        }

        (int Status, string Output, string Errors) Run(string[] arguments, SafeFileHandle input)
        {
            using var output = InMemory([]);
            using var errors = InMemory([]);
            var environment = EnvironmentVariables.All();
            environment.RemoveAll(static variable => variable.StartsWith("LC_ALL=", StringComparison.Ordinal));
            environment.Add("LC_ALL=C");
            using var child = ChildProcess.Start(
                file, [Name, "-Y", .. arguments], environment, input, output, errors, ownSession: false, list, armour).OrThrow(CannotStart);
            var status = child.Wait();
            return status <= LastExitStatus || status == Failed
                ? (status, Text(output), Text(errors))
                : throw new RunException(ExitStatus.Unavailable, $"{what}: {Name} was ended by signal {status - LastExitStatus}");
        }

        RunException Refused((int Status, string Output, string Errors) by, string why)
        {
            // Its usage: OpenSSH before 8.2 cannot check signatures.
            if (by.Errors.Contains("usage:", StringComparison.Ordinal) || by.Errors.Contains("unknown option", StringComparison.Ordinal))
            {
                return new RunException(
                    ExitStatus.Unavailable, $"{what}: {file} cannot check signatures", "it takes OpenSSH 8.2 or later");
            }

            var lines = by.Errors.Replace(Inherited(list), signers.Path, StringComparison.Ordinal)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Where(static line => !line.StartsWith("No principal matched", StringComparison.Ordinal)).ToList();
            return new RunException(ExitStatus.Data, $"{what}: {why}", lines is [.., var last] ? $"{Name}: {last}" : null);
        }

        RunException CannotStart(Errno error) =>
            new(ExitStatus.Unavailable, $"{what}: {Name} cannot be started: {error.Describe()}");

        SafeFileHandle InMemory(byte[] content) => Files.InMemory(content).OrThrow(CannotStart);
    }

    private static string Inherited(SafeFileHandle file) => $"/dev/fd/{Descriptors.Number(file)}";

    private static string Text(SafeFileHandle file)
    {
        using var again = Files.Open(Files.DescriptorPath(file), OpenFlags.ReadOnly).Value;
        return again is null ? "" : OsText.FromBytes(Files.Read(again, MaxOutput, 0).Value ?? []);
    }
}
