using System.Buffers.Binary;
using System.Text;
using Run.Posix;

namespace Run.Signing;

/// <summary>
/// A signature in OpenSSH's format (PROTOCOL.sshsig), taken apart as far as it takes to say whose it claims to be. Whether it is right is
/// for ssh-keygen to say.
/// </summary>
/// <param name="Blob">All of it.</param>
/// <param name="Namespace">What it was made for: <c>run</c>, <c>git</c>, <c>file</c> and so on.</param>
/// <param name="Key">The fingerprint of the key: <c>SHA256:…</c>. Of a certificate, that of the key in it.</param>
internal sealed record SshSignature(byte[] Blob, string Namespace, string Key)
{
    /// <summary>The public key, or the certificate, in base64: as a file of signers has it.</summary>
    public required string PublicKey { get; init; }

    /// <summary>Whom a certificate says that it is for; empty for a key without one. Not checked.</summary>
    public IReadOnlyList<string> Principals { get; init; } = [];

    private const string Begin = "-----BEGIN SSH SIGNATURE-----", End = "-----END SSH SIGNATURE-----";
    private const string Magic = "SSHSIG";
    private const string CertificateSuffix = "-cert-v01@openssh.com";
    private const int LineLength = 70;

    /// <summary>For each kind of key, how many fields its public part has: PROTOCOL.certkeys, RFC 4253, RFC 5656, PROTOCOL.u2f.</summary>
    private static readonly Dictionary<string, int> s_fields = new()
    {
        ["ssh-ed25519"] = 1,
        ["ssh-rsa"] = 2,
        ["ssh-dss"] = 4,
        ["ecdsa-sha2-nistp256"] = 2,
        ["ecdsa-sha2-nistp384"] = 2,
        ["ecdsa-sha2-nistp521"] = 2,
        ["sk-ssh-ed25519"] = 2,
        ["sk-ecdsa-sha2-nistp256"] = 3,
    };

    /// <summary>Null if the text is not such a signature.</summary>
    public static SshSignature? Parse(string text)
    {
        text = text.Trim();
        if (!text.StartsWith(Begin, StringComparison.Ordinal) || !text.EndsWith(End, StringComparison.Ordinal)
            || text.Length < Begin.Length + End.Length)
        {
            return null;
        }

        var blob = new byte[text.Length];
        return Convert.TryFromBase64String(text[Begin.Length..^End.Length], blob, out var length) ? Of(blob[..length]) : null;
    }

    /// <summary>That of a blob; null if it is not one.</summary>
    public static SshSignature? Of(byte[] blob)
    {
        var rest = blob.AsSpan();
        if (!rest.StartsWith("SSHSIG"u8) || rest.Length < Magic.Length + sizeof(uint))
        {
            return null;
        }

        rest = rest[(Magic.Length + sizeof(uint))..];
        return Next(ref rest) is { } key && Next(ref rest) is { } name && Plain(key, out var principals) is { } plain
            ? new SshSignature(blob, OsText.FromBytes(name), Fingerprint(plain))
            {
                PublicKey = Convert.ToBase64String(key),
                Principals = principals,
            }
            : null;
    }

    /// <summary>As ssh-keygen reads it. It is always written anew, so that ssh-keygen sees nothing but base64.</summary>
    public byte[] ToArmour()
    {
        var text = new StringBuilder(Begin).Append('\n');
        var base64 = Convert.ToBase64String(Blob);
        for (var at = 0; at < base64.Length; at += LineLength)
        {
            text.Append(base64, at, Math.Min(LineLength, base64.Length - at)).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.Append(End).Append('\n').ToString());
    }

    /// <summary>The public key itself: that of a certificate is behind its nonce.</summary>
    private static byte[]? Plain(byte[] key, out IReadOnlyList<string> principals)
    {
        var rest = key.AsSpan();
        principals = [];
        if (Next(ref rest) is not { } kind || Encoding.ASCII.GetString(kind) is not { } name
            || !name.EndsWith(CertificateSuffix, StringComparison.Ordinal))
        {
            return key;
        }

        // The keys of security tokens have "@openssh.com" in their own names as well.
        var bare = name[..^CertificateSuffix.Length];
        if (!s_fields.TryGetValue(bare, out var fields) || Next(ref rest) is null)
        {
            return null;
        }

        var plain = new MemoryStream();
        Add(plain, Encoding.ASCII.GetBytes(bare.StartsWith("sk-", StringComparison.Ordinal) ? $"{bare}@openssh.com" : bare));
        for (; fields > 0; fields--)
        {
            if (Next(ref rest) is not { } field)
            {
                return null;
            }

            Add(plain, field);
        }

        principals = PrincipalsBehind(rest);
        return plain.ToArray();
    }

    /// <summary>What follows the key in a certificate: its number and kind, its name, and whom it is for.</summary>
    private static List<string> PrincipalsBehind(Span<byte> rest)
    {
        const int NumberAndKind = sizeof(ulong) + sizeof(uint);
        var principals = new List<string>();
        if (rest.Length >= NumberAndKind)
        {
            rest = rest[NumberAndKind..];
            var names = Next(ref rest) is not null && Next(ref rest) is { } list ? list.AsSpan() : [];
            while (Next(ref names) is { } name)
            {
                principals.Add(OsText.FromBytes(name));
            }
        }

        return principals;
    }

    private static void Add(MemoryStream into, byte[] field)
    {
        Span<byte> length = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(length, (uint)field.Length);
        into.Write(length);
        into.Write(field);
    }

    /// <summary>The next string: its length, then its bytes. Null if there is none.</summary>
    private static byte[]? Next(ref Span<byte> rest)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(rest, out var length) || length > rest.Length - sizeof(uint))
        {
            return null;
        }

        var field = rest.Slice(sizeof(uint), (int)length).ToArray();
        rest = rest[(sizeof(uint) + (int)length)..];
        return field;
    }

    private static string Fingerprint(byte[] key) =>
        $"SHA256:{Convert.ToBase64String(Convert.FromHexString(Sha256.HexOf(key))).TrimEnd('=')}";
}
