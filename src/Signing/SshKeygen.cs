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
/// ssh-keygen(1), which judges a signature. What it reads is in memory, so nobody can exchange it and nothing need be written.
/// </summary>
internal sealed class SshKeygen : IDisposable
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

    private readonly string _what, _purpose, _program;
    private readonly AllowedSigners _signers;
    private readonly SshSignature _signature;
    private readonly SafeFileHandle _bytes, _list, _armour, _nothing;
    private readonly Stopwatch _clock;

    private SshKeygen(
        string what, AllowedSigners signers, SshSignature signature, string purpose, SafeFileHandle bytes, string program)
    {
        (_what, _signers, _signature, _purpose, _bytes, _program) = (what, signers, signature, purpose, bytes, program);
        (_list, _armour) = (InMemory(signers.Bytes), InMemory(signature.ToArmour()));
        _nothing = Files.Open("/dev/null", OpenFlags.ReadWrite).OrThrow(CannotStart);
        _clock = Stopwatch.StartNew();
    }

    // The numbers of the descriptors are the child's too.
    private string ListPath => Files.DescriptorPath(_list);

    private string ArmourPath => Files.DescriptorPath(_armour);

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

        var program = SearchPath.Find(Name, reads, out _) ?? throw new RunException(
            ExitStatus.Unavailable, $"{what}: {Name} is not installed, and signatures are checked with it",
            "install the package openssh-client");
        using var keygen = new SshKeygen(what, signers, signature, purpose, bytes, program);
        return Messages.Printable(keygen.Guessed(out var certificate) ?? keygen.Found(certificate));
    }

    public void Dispose()
    {
        _list.Dispose();
        _armour.Dispose();
        _nothing.Dispose();
    }

    /// <summary>
    /// The one of those who may be meant who has signed it. The first is nearly always right, and then ssh-keygen is started once. Only
    /// what it says of a guess counts. And <see cref="Principals"/> names no one behind the first line with the key, or with the authority
    /// of the certificate, even if that line is for another purpose.
    /// </summary>
    /// <param name="certificate">What is wrong with the time of the certificate; empty: nothing, or there is none.</param>
    /// <returns>Null if no guess was right.</returns>
    private string? Guessed(out string certificate)
    {
        certificate = "";
        var guesses = _signers.Guesses(_signature.PublicKey).Concat(_signature.Principals.Where(IsName));
        foreach (var guess in guesses.Take(MostPrincipals))
        {
            var answer = Verify(guess);
            if (answer.IsYes)
            {
                return guess;
            }

            certificate = answer.Complains("Certificate invalid: expired") ? "has expired"
                : answer.Complains("Certificate invalid: not yet valid") ? "is not valid yet"
                : certificate;
        }

        return null;
    }

    /// <summary>The one of the <see cref="Principals"/> who has signed it.</summary>
    /// <exception cref="RunException">65: none of them has.</exception>
    private string Found(string certificate)
    {
        Answer? answer = null;
        foreach (var principal in Principals(certificate).Take(MostPrincipals))
        {
            answer = Verify(principal);
            if (answer.IsYes)
            {
                return principal;
            }
        }

        throw answer!.Complains("incorrect signature")
            ? new RunException(ExitStatus.Data, $"{_what}: its signature by {_signature.Key} is of other bytes")
            : Refused(answer, $"signed by {_signature.Key}, whom {_signers.Path} does not allow to sign it");
    }

    /// <summary>Whom the file of signers names for the key, or for the authority of its certificate; at least one.</summary>
    /// <exception cref="RunException">65: nobody.</exception>
    private string[] Principals(string certificate)
    {
        var answer = Run(["find-principals", "-s", ArmourPath, "-f", ListPath], _nothing);
        if (!answer.IsYes && !answer.Complains(NobodyFound))
        {
            throw CannotUse(answer);
        }

        if (answer.IsYes && answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } principals)
        {
            return principals;
        }

        var isAtAnotherTime = answer.Complains("key has expired") || answer.Complains("key is not yet valid");
        throw Refused(answer, certificate.Length > 0
            ? $"signed by {_signature.Key}, whose certificate {certificate}"
            : isAtAnotherTime
            ? $"signed by {_signature.Key}, which is not valid now in {_signers.Path}"
            : $"signed by {_signature.Key}, whom {_signers.Path} does not name");
    }

    private Answer Verify(string principal)
    {
        using var start = Files.Open(Files.DescriptorPath(_bytes), OpenFlags.ReadOnly).OrThrow(CannotStart);
        var answer = Run(["verify", "-f", ListPath, "-I", principal, "-n", _purpose, "-s", ArmourPath], start);
        return answer.IsYes || answer.Output.Contains(NotVerified, StringComparison.Ordinal) ? answer : throw CannotUse(answer);
    }

    /// <summary>Starts it, and waits for its end.</summary>
    /// <exception cref="RunException">69: it has not judged.</exception>
    private Answer Run(string[] arguments, SafeFileHandle input)
    {
        using var output = InMemory([]);
        using var errors = InMemory([]);
        var environment = EnvironmentVariables.All();
        environment.RemoveAll(static variable => variable.StartsWith("LC_ALL=", StringComparison.Ordinal));
        environment.Add("LC_ALL=C");
        using var child = ChildProcess.Start(
            _program, [Name, "-Y", .. arguments], environment, input, output, errors, ownSession: false, _list, _armour)
            .OrThrow(CannotStart);
        if (child.Wait(s_limit - _clock.Elapsed) is not { } status)
        {
            ProcessFamily.Kill(child);
            throw Unavailable($"{Name} cannot be used: it has not ended within {s_limit.TotalSeconds} s");
        }

        if (status is > LastExitStatus and not Failed)
        {
            throw Unavailable($"{Name} was ended by signal {status - LastExitStatus}");
        }

        var answer = new Answer(status, Text(output), Text(errors));
        return Array.Exists(s_unread, answer.Complains) ? throw CannotUse(answer) : answer;
    }

    private RunException CannotUse(Answer answer)
    {
        // Its usage: OpenSSH before 8.2 cannot check signatures.
        if (answer.Complains("usage:") || answer.Complains("unknown option"))
        {
            return Unavailable($"{_program} cannot check signatures", "it takes OpenSSH 8.2 or later");
        }

        var words = Lines(answer) is [var first, ..] ? Messages.Printable(first) : $"it has ended with status {answer.Status}";
        return Unavailable($"{Name} cannot be used: {words}");
    }

    private RunException CannotStart(Errno error) => Unavailable($"{Name} cannot be started: {error.Describe()}");

    private RunException Unavailable(string why, string? hint = null) => new(ExitStatus.Unavailable, $"{_what}: {why}", hint);

    private RunException Refused(Answer answer, string why)
    {
        var lines = Lines(answer).FindAll(static line => !line.StartsWith(NobodyFound, StringComparison.Ordinal));
        return new RunException(ExitStatus.Data, $"{_what}: {why}", lines is [.., var last] ? $"{Name}: {last}" : null);
    }

    /// <summary>What it complained about, with the name of the file that it read as a descriptor.</summary>
    private List<string> Lines(Answer answer) => answer.Errors.Replace(ListPath, _signers.Path, StringComparison.Ordinal)
        .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToList();

    private SafeFileHandle InMemory(byte[] content) => Files.InMemory(content).OrThrow(CannotStart);

    /// <summary>Whether it can be an argument: the certificate, which is not checked yet, may say anything.</summary>
    private static bool IsName(string principal) => principal.Length > 0 && !CharChecks.HasControl(principal);

    private static string Text(SafeFileHandle file)
    {
        using var again = Files.Open(Files.DescriptorPath(file), OpenFlags.ReadOnly).Value;
        return again is null ? "" : OsText.FromBytes(Files.Read(again, MaxOutput, 0).Value ?? []);
    }

    private sealed record Answer(int Status, string Output, string Errors)
    {
        public bool IsYes => Status == 0;

        public bool Complains(string words) => Errors.Contains(words, StringComparison.Ordinal);
    }
}
