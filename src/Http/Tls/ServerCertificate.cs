using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Run.Posix;
using Run.Reporting;

namespace Run.Http.Tls;

/// <summary>
/// Accepts or refuses a server's certificate, and says what is wrong with it. OpenSSL verifies the chain. The runtime's own verification
/// is not used, because it would first read the whole certificate store (see <see cref="OpenSsl"/>).
/// </summary>
internal sealed class ServerCertificate
{
    // x509_vfy.h
    private const int IssuerUnknown = 2, SignatureWrong = 7, NotYetValid = 9, Expired = 10, SelfSigned = 18, SelfSignedIssuer = 19,
        IssuerNotHere = 20, LeafUnverified = 21, PurposeWrong = 26, HostMismatch = 62, AddressMismatch = 64, KeyTooSmall = 66,
        IssuerKeyTooSmall = 67, DigestTooWeak = 68;

    /// <summary>Why the last certificate was refused; null if none was.</summary>
    public RunException? Refusal { get; private set; }

    public SslClientAuthenticationOptions Options() => new()
    {
        RemoteCertificateValidationCallback = Accept,
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        },
    };

    private bool Accept(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        var host = ((SslStream)sender).TargetHostName.Trim('[', ']').TrimEnd('.');
        if (certificate is not X509Certificate2 own || chain is null)
        {
            Refusal = Refused(host, "the server sent no certificate");
            return false;
        }

        var (error, depth) = Verify(own, chain.ChainPolicy.ExtraStore, host);
        if (error == 0 && !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return true;
        }

        var (message, hint) = Explain(error == 0 ? HostMismatch : error, depth, own, host);
        Refusal = Refused(host, message, hint);
        return false;
    }

    /// <summary>
    /// A chain to some of the trusted certificates is a chain to all of them. So OpenSSL first gets those that can matter: the directory,
    /// in which it opens only the file named by the hash that it needs, and those certificates of the bundle (which has more than a
    /// hundred) that contain an issuer's name. If the bundle is unusual, or that fails, OpenSSL loads all of them, and that verdict counts.
    /// </summary>
    private static (int Error, int Depth) Verify(X509Certificate2 own, X509Certificate2Collection sent, string host)
    {
        var others = sent.Select(static other => other.RawData).ToArray();
        byte[][] issuers = [own.IssuerName.RawData, .. sent.Select(static other => other.IssuerName.RawData)];
        return CertificateBundle.Holding(OpenSsl.CertificateFile, issuers) is { } candidates
            && OpenSsl.Verify(own.RawData, others, candidates, host) is { Error: 0 } verdict
            ? verdict
            : OpenSsl.Verify(own.RawData, others, trusted: null, host);
    }

    private static RunException Refused(string host, string message, string? hint = null) =>
        new(ExitStatus.Refused, $"{host}: {message}", hint);

    private static (string Message, string? Hint) Explain(int error, int depth, X509Certificate2 own, string host)
    {
        const string Clock = "check this machine's clock";
        const string Trust = "set SSL_CERT_FILE to a file with the certificates of the authorities to trust";
        var whose = depth == 0 ? "its certificate" : "the certificate of one of its issuers";
        return error switch
        {
            Expired when depth == 0 => ($"its certificate expired on {Date(own.NotAfter)}", Clock),
            Expired => ($"{whose} has expired", Clock),
            NotYetValid when depth == 0 => ($"its certificate is not valid before {Date(own.NotBefore)}", Clock),
            NotYetValid => ($"{whose} is not valid yet", Clock),
            HostMismatch or AddressMismatch => ($"its certificate is for another name: {Names(own)}", $"it should name {host}"),
            SelfSigned => ("its certificate is self-signed and not trusted", Trust),
            SelfSignedIssuer or IssuerUnknown or IssuerNotHere or LeafUnverified =>
                ($"its certificate is from an unknown issuer: {own.GetNameInfo(X509NameType.SimpleName, forIssuer: true)}", Trust),
            SignatureWrong => ($"{whose} is forged or damaged: its signature is wrong", null),
            PurposeWrong => ($"{whose} is not meant for a server", null),
            KeyTooSmall or IssuerKeyTooSmall or DigestTooWeak => ($"{whose} is too weak: {OpenSsl.Describe(error)}", null),
            _ => ($"{whose} is refused: {OpenSsl.Describe(error)}", null),
        };
    }

    private static string Date(DateTime local) =>
        local.ToUniversalTime().ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture) + " UTC";

    private static string Names(X509Certificate2 own)
    {
        const int MaxNames = 5;
        var alternatives = own.Extensions
            .Select(static extension => extension as X509SubjectAlternativeNameExtension).WhereNotNull().ToArray();
        var addresses = alternatives.SelectMany(static extension => extension.EnumerateIPAddresses()).Select(static ip => ip.ToString());
        var names = alternatives.SelectMany(static extension => extension.EnumerateDnsNames()).Concat(addresses).ToArray();
        return names.Length == 0 ? own.GetNameInfo(X509NameType.SimpleName, forIssuer: false)
            : string.Join(", ", names.Take(MaxNames)) + (names.Length > MaxNames ? ", …" : "");
    }
}
