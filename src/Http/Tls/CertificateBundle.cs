using System.Buffers;
using System.Buffers.Text;
using Run.Posix;

namespace Run.Http.Tls;

/// <summary>Finds the few certificates that matter in a PEM file with the certificates of all authorities, quickly.</summary>
/// <remarks>
/// Only a file that can be read in one way is read here: lines of text, and blocks as every tool writes them (RFC 7468, section 3,
/// "strict"). OpenSSL reads some other files differently, and some not at all, and its own format can reject a certificate
/// (openssl-x509(1), "Trust settings"). Such a file is OpenSSL's to read, however long that takes.
/// </remarks>
internal static class CertificateBundle
{
    private const int MaxBytes = 16 << 20;
    private const int LineLength = 64;

    /// <summary>
    /// The certificates in the file, in DER, that contain one of the names; too many do no harm. Null if anything about the file is
    /// unusual. There are none if there is no file, because OpenSSL goes on without it too.
    /// </summary>
    /// <param name="names">In DER, as in a certificate.</param>
    public static IReadOnlyList<byte[]>? Holding(string path, IReadOnlyList<byte[]> names)
    {
        var opened = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock);
        using var file = opened.Value;
        return file is null ? (opened.Error == Errno.NoEntry ? [] : null)
            : Files.Status(file).Value is { IsRegular: true, Size: <= MaxBytes and var size }
                && Files.Read(file, MaxBytes, size).Value is { } pem
            ? Holding(pem, names)
            : null;
    }

    /// <inheritdoc cref="Holding(string, IReadOnlyList{byte[]})"/>
    public static IReadOnlyList<byte[]>? Holding(ReadOnlySpan<byte> pem, IReadOnlyList<byte[]> names)
    {
        var found = new List<byte[]>();
        var base64 = new byte[pem.Length];
        while (NextLine(ref pem, out var line))
        {
            if (line.SequenceEqual("-----BEGIN CERTIFICATE-----"u8))
            {
                if (!ReadBlock(ref pem, base64, out var length)
                    || Base64.DecodeFromUtf8InPlace(base64.AsSpan(0, length), out var size) != OperationStatus.Done
                    || !IsSequence(base64.AsSpan(0, size)))
                {
                    return null;
                }

                var der = base64.AsSpan(0, size);
                foreach (var name in names)
                {
                    if (der.IndexOf(name) >= 0)
                    {
                        found.Add(der.ToArray());
                        break;
                    }
                }
            }
            else if (line.IndexOf("-----"u8) >= 0)
            {
                return null;
            }
        }

        return found;
    }

    /// <summary>Collects the lines of a block: full ones, and a last one that may be shorter.</summary>
    private static bool ReadBlock(ref ReadOnlySpan<byte> pem, Span<byte> base64, out int length)
    {
        length = 0;
        while (NextLine(ref pem, out var line) && line.Length <= LineLength)
        {
            if (line.SequenceEqual("-----END CERTIFICATE-----"u8))
            {
                return true;
            }

            if (line.IsEmpty || length % LineLength != 0 || line.IndexOfAny(" \t\r"u8) >= 0)
            {
                return false;
            }

            line.CopyTo(base64[length..]);
            length += line.Length;
        }

        return false;
    }

    private static bool NextLine(ref ReadOnlySpan<byte> text, out ReadOnlySpan<byte> line)
    {
        var end = text.IndexOf((byte)'\n');
        line = end < 0 ? text : text[..end];
        var any = text.Length > 0;
        text = text[(end < 0 ? text.Length : end + 1)..];
        line = line is [.. var rest, (byte)'\r'] ? rest : line;
        return any;
    }

    /// <summary>Whether the bytes are one SEQUENCE of ASN.1 to their end, as long as a certificate: 256 bytes or more.</summary>
    private static bool IsSequence(ReadOnlySpan<byte> der)
    {
        const byte Sequence = 0x30, TwoByteLength = 0x82, ThreeByteLength = 0x83;
        return der switch
        {
            [Sequence, TwoByteLength, var a, var b, .. var rest] => rest.Length == (a << 8 | b),
            [Sequence, ThreeByteLength, var a, var b, var c, .. var rest] => rest.Length == (a << 16 | b << 8 | c),
            _ => false,
        };
    }
}
