using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Run.Execution;
using Run.Git;
using Run.Inputs;
using Run.Naming;
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

    // How it says no: after it has judged, and not because it could not. Its status is the same for both.
    private const string NotVerified = "Could not verify signature", NobodyFound = "No principal matched";

    // After this it could not read what it was given, although it says no as well.
    private static readonly string[] s_unread = ["Unable to open allowed keys file", "Couldn't read signature file"];

    // For all that is asked about one signature. Even 64 MiB take less than a second.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(25);

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
        var (listPath, armourPath) = (Files.DescriptorPath(list), Files.DescriptorPath(armour)); // the numbers are the child's too
        using var nothing = Files.Open("/dev/null", OpenFlags.ReadWrite).OrThrow(CannotStart);

        // The first guess is nearly always right, and then ssh-keygen is started once. Only what it says of a guess counts. And
        // find-principals names no one behind the first line with the key, or with the authority of the certificate, even if that line is
        // for another purpose.
        var clock = Stopwatch.StartNew();
        var certificate = "";
        foreach (var guess in signers.Guesses(signature.PublicKey).Concat(signature.Principals.Where(IsName)).Take(MostPrincipals))
        {
            var guessed = Verify(guess);
            if (guessed.Status == 0)
            {
                return Messages.Printable(guess);
            }

            certificate = guessed.Errors.Contains("Certificate invalid: expired", StringComparison.Ordinal) ? "has expired"
                : guessed.Errors.Contains("Certificate invalid: not yet valid", StringComparison.Ordinal) ? "is not valid yet"
                : certificate;
        }

        var found = Run(["find-principals", "-s", armourPath, "-f", listPath], nothing);
        if (found.Status != 0 && !found.Errors.Contains(NobodyFound, StringComparison.Ordinal))
        {
            throw CannotUse(found);
        }

        var principals = found.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (found.Status != 0 || principals.Length == 0)
        {
            var isAtAnotherTime = found.Errors.Contains("key has expired", StringComparison.Ordinal)
                || found.Errors.Contains("key is not yet valid", StringComparison.Ordinal);
            throw Refused(found, certificate.Length > 0
                ? $"signed by {signature.Key}, whose certificate {certificate}"
                : isAtAnotherTime
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
            var answer = Run(["verify", "-f", listPath, "-I", principal, "-n", purpose, "-s", armourPath], start);
            return answer.Status == 0 || answer.Output.Contains(NotVerified, StringComparison.Ordinal) ? answer : throw CannotUse(answer);
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
            if (child.Wait(s_limit - clock.Elapsed) is not { } status)
            {
                ProcessFamily.Kill(child);
                throw new RunException(
                    ExitStatus.Unavailable, $"{what}: {Name} cannot be used: it has not ended within {s_limit.TotalSeconds} s");
            }

            if (status is > LastExitStatus and not Failed)
            {
                throw new RunException(ExitStatus.Unavailable, $"{what}: {Name} was ended by signal {status - LastExitStatus}");
            }

            var answer = (Status: status, Output: Text(output), Errors: Text(errors));
            return s_unread.All(words => !answer.Errors.Contains(words, StringComparison.Ordinal)) ? answer : throw CannotUse(answer);
        }

        RunException CannotUse((int Status, string Output, string Errors) answer)
        {
            // Its usage: OpenSSH before 8.2 cannot check signatures.
            if (answer.Errors.Contains("usage:", StringComparison.Ordinal)
                || answer.Errors.Contains("unknown option", StringComparison.Ordinal))
            {
                return new RunException(
                    ExitStatus.Unavailable, $"{what}: {file} cannot check signatures", "it takes OpenSSH 8.2 or later");
            }

            var words = Lines(answer.Errors) is [var first, ..] ? Messages.Printable(first)
                : $"it has ended with status {answer.Status}";
            return new RunException(ExitStatus.Unavailable, $"{what}: {Name} cannot be used: {words}");
        }

        RunException Refused((int Status, string Output, string Errors) by, string why)
        {
            var lines = Lines(by.Errors).Where(static line => !line.StartsWith(NobodyFound, StringComparison.Ordinal)).ToList();
            return new RunException(ExitStatus.Data, $"{what}: {why}", lines is [.., var last] ? $"{Name}: {last}" : null);
        }

        List<string> Lines(string errors) => errors.Replace(listPath, signers.Path, StringComparison.Ordinal)
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToList();

        RunException CannotStart(Errno error) =>
            new(ExitStatus.Unavailable, $"{what}: {Name} cannot be started: {error.Describe()}");

        SafeFileHandle InMemory(byte[] content) => Files.InMemory(content).OrThrow(CannotStart);
    }

    /// <summary>Whether it can be an argument: the certificate, which is not checked yet, may say anything.</summary>
    private static bool IsName(string principal) => principal.Length > 0 && !CharChecks.HasControl(principal);

    private static string Text(SafeFileHandle file)
    {
        using var again = Files.Open(Files.DescriptorPath(file), OpenFlags.ReadOnly).Value;
        return again is null ? "" : OsText.FromBytes(Files.Read(again, MaxOutput, 0).Value ?? []);
    }
}
