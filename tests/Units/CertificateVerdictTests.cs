using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Run.Posix;

namespace Run.Tests.Units;

/// <summary>
/// Which certificates <see cref="OpenSsl.Verify"/> accepts, and which of them .NET's own chain would have accepted: why it does not judge
/// here (docs/fetching.md).
/// </summary>
public sealed class CertificateVerdictTests
{
    private const string Host = "h.example.com", ServerAuth = "1.3.6.1.5.5.7.3.1", ClientAuth = "1.3.6.1.5.5.7.3.2";
    private static readonly DateTimeOffset s_start = DateTimeOffset.UtcNow.AddDays(-30);

    [Theory]
    [InlineData("good", true, true)]
    [InlineData("RSA-2048", true, true)]
    [InlineData("RSA-1024", false, true)]
    [InlineData("issuer RSA-1024", false, true)]
    [InlineData("P-192", false, true)]
    [InlineData("SHA-1", false, true)]
    [InlineData("MD5", false, true)]
    [InlineData("issuer SHA-1", false, true)]
    [InlineData("root SHA-1", true, true)]
    [InlineData("for signing certificates", false, true)]
    [InlineData("an authority", false, true)]
    [InlineData("for clients", false, false)]
    [InlineData("for any use", false, false)]
    [InlineData("no use named", true, true)]
    [InlineData("issuer for clients", false, false)]
    [InlineData("issuer not an authority", false, false)]
    [InlineData("issuer not for certificates", false, false)]
    [InlineData("path too long", false, false)]
    [InlineData("unknown critical extension", false, false)]
    [InlineData("issuer has unknown critical extension", false, false)]
    [InlineData("expired", false, false)]
    [InlineData("issuer expired", false, false)]
    [InlineData("not valid yet", false, false)]
    [InlineData("name excluded by the issuer", false, false)]
    [InlineData("another root of the same name", false, false)]
    [InlineData("only the issuer is trusted", false, false)]
    public void A_chain(string what, bool accepted, bool acceptedByDotnet)
    {
        using var root = Authority("Root", what == "root SHA-1" ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256, null, what switch
        {
            "path too long" => [Constraints(authority: true, depth: 0), Usage(X509KeyUsageFlags.KeyCertSign)],
            _ => [Constraints(authority: true), Usage(X509KeyUsageFlags.KeyCertSign)],
        });
        using var issuer = Authority(
            "Issuer", what == "issuer SHA-1" ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256, root,
            [
                Constraints(authority: what != "issuer not an authority"),
                Usage(what == "issuer not for certificates" ? X509KeyUsageFlags.DigitalSignature : X509KeyUsageFlags.KeyCertSign),
                .. what switch
                {
                    "issuer for clients" => [ExtendedUsage(ClientAuth)],
                    "issuer has unknown critical extension" => [Unknown],
                    "name excluded by the issuer" => [ExcludingExampleCom],
                    _ => Array.Empty<X509Extension>(),
                },
            ],
            what == "issuer RSA-1024" ? "RSA-1024" : "RSA-2048", what == "issuer expired" ? -1 : 300);
        var isAuthority = what is "for signing certificates" or "an authority";
        using var own = Issue(
            "Server",
            what switch { "SHA-1" => HashAlgorithmName.SHA1, "MD5" => HashAlgorithmName.MD5, _ => HashAlgorithmName.SHA256 },
            issuer,
            [
                Constraints(authority: what == "an authority"),
                Usage(isAuthority ? X509KeyUsageFlags.KeyCertSign : X509KeyUsageFlags.DigitalSignature),
                Names(Host),
                .. what switch
                {
                    "no use named" or "an authority" => Array.Empty<X509Extension>(),
                    "for clients" => [ExtendedUsage(ClientAuth)],
                    "for any use" => [ExtendedUsage("2.5.29.37.0")],
                    "unknown critical extension" => [ExtendedUsage(ServerAuth), Unknown],
                    _ => [ExtendedUsage(ServerAuth)],
                },
            ],
            what is "RSA-1024" or "RSA-2048" or "P-192" ? what : "P-256", what == "expired" ? -1 : 300, what == "not valid yet" ? 40 : 0);
        using var otherRoot = Authority("Root", HashAlgorithmName.SHA256, null, [Constraints(authority: true)]);
        var trusted = what switch { "another root of the same name" => otherRoot, "only the issuer is trusted" => issuer, _ => root };

        var (error, _) = OpenSsl.Verify(own.RawData, [issuer.RawData], [trusted.RawData], Host);
        Assert.True((error == 0) == accepted, $"{error}: {OpenSsl.Describe(error)}");
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuth));
        chain.ChainPolicy.ExtraStore.Add(issuer);
        chain.ChainPolicy.CustomTrustStore.Add(trusted);
        Assert.Equal(acceptedByDotnet, chain.Build(own));
    }

    [Theory]
    [InlineData("h.example.com", "h.example.com", true)]
    [InlineData("H.Example.COM", "h.example.com", true)]
    [InlineData("*.example.com", "h.example.com", true)]
    [InlineData("*.example.com", "a.h.example.com", false)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("h*.example.com", "h1.example.com", false)]
    [InlineData("h.*.com", "h.example.com", false)]
    [InlineData("*.com", "example.com", false)]
    [InlineData("*", "localhost", false)]
    [InlineData("other.example.com", "h.example.com", false)]
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("::1", "::1", true)]
    [InlineData("127.0.0.2", "127.0.0.1", false)]
    [InlineData("DNS:127.0.0.1", "127.0.0.1", false)]
    public void A_name(string certified, string host, bool accepted)
    {
        using var root = Authority("Root", HashAlgorithmName.SHA256, null, [Constraints(authority: true)]);
        using var own = Issue(host, HashAlgorithmName.SHA256, root, [Names(certified)], "P-256");
        Assert.Equal(accepted, OpenSsl.Verify(own.RawData, [], [root.RawData], host).Error == 0);
    }

    private static X509BasicConstraintsExtension Constraints(bool authority, int? depth = null) =>
        new(authority, depth is not null, depth ?? 0, critical: true);

    private static X509KeyUsageExtension Usage(X509KeyUsageFlags flags) => new(flags, critical: true);

    private static X509EnhancedKeyUsageExtension ExtendedUsage(string oid) => new([new Oid(oid)], critical: false);

    private static X509Extension Unknown => new(new Oid("1.2.3.4"), [0x05, 0x00], critical: true);

    /// <summary>NameConstraints { excludedSubtrees [1] { { [2] "example.com" } } }: RFC 5280, 4.2.1.10.</summary>
    private static X509Extension ExcludingExampleCom =>
        new(new Oid("2.5.29.30"), [0x30, 0x11, 0xa1, 0x0f, 0x30, 0x0d, 0x82, 0x0b, .. "example.com"u8], critical: true);

    private static X509Extension Names(string name)
    {
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name.Replace("DNS:", "", StringComparison.Ordinal));
        }

        return names.Build();
    }

    private static X509Certificate2 Authority(
        string name, HashAlgorithmName digest, X509Certificate2? issuer, X509Extension[] extensions, string kind = "RSA-2048",
        int days = 300) => Issue(name, digest, issuer, extensions, kind, days);

    private static X509Certificate2 Issue(
        string name, HashAlgorithmName digest, X509Certificate2? issuer, X509Extension[] extensions, string kind, int days = 300,
        int startsIn = 0)
    {
        using AsymmetricAlgorithm key = kind switch
        {
            "P-256" => ECDsa.Create(ECCurve.NamedCurves.nistP256),
            "P-192" => ECDsa.Create(ECCurve.CreateFromFriendlyName("prime192v1")),
            _ => RSA.Create(int.Parse(kind[4..], System.Globalization.CultureInfo.InvariantCulture)),
        };
        var subject = new X500DistinguishedName($"CN={name}");
        var request = key is RSA rsa
            ? new CertificateRequest(subject, rsa, digest, RSASignaturePadding.Pkcs1)
            : new CertificateRequest(subject, (ECDsa)key, digest);
        foreach (var extension in extensions)
        {
            request.CertificateExtensions.Add(extension);
        }

        var (start, end) = (s_start.AddDays(startsIn), DateTimeOffset.UtcNow.AddDays(days));

        // All authorities have RSA keys, so that any digest goes with them.
        using var issuerKey = issuer?.GetRSAPrivateKey();
        using var issued = request.Create(
            issuer?.SubjectName ?? subject, new AnyDigest(issuerKey ?? (RSA)key), start, end, RandomNumberGenerator.GetBytes(12));
        return key is RSA own ? issued.CopyWithPrivateKey(own) : issued.CopyWithPrivateKey((ECDsa)key);
    }

    /// <summary>Signs as it is told, also by digests that .NET would sign nothing with.</summary>
    private sealed class AnyDigest(RSA key) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm)
        {
            // SEQUENCE { 1.2.840.113549.1.1.N, NULL }
            byte number = hashAlgorithm.Name switch { "MD5" => 4, "SHA1" => 5, _ => 11 };
            return [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, number, 0x05, 0x00];
        }

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) =>
            key.SignData(data, hashAlgorithm, RSASignaturePadding.Pkcs1);

        protected override PublicKey BuildPublicKey() => CreateForRSA(key, RSASignaturePadding.Pkcs1).PublicKey;
    }
}
