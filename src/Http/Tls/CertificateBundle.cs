using System.Buffers;
using System.Buffers.Text;
using Run.Posix;

namespace Run.Http.Tls;

/// <summary>Finds the few certificates that matter in a PEM file with the certificates of all authorities, quickly.</summary>
internal static class CertificateBundle
{
    private const int MaxBytes = 16 << 20;

    /// <summary>
    /// The certificates in the file, in DER, that contain one of the names. Too many do no harm. If anything about the file is unusual,
    /// the list is empty.
    /// </summary>
    /// <param name="names">In DER, as in a certificate.</param>
    public static IReadOnlyList<byte[]> Holding(string path, IReadOnlyList<byte[]> names)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NonBlock).Value;
        return file is not null && Files.Status(file).Value is { IsRegular: true, Size: <= MaxBytes and var size }
            && Files.Read(file, MaxBytes, size).Value is { } pem
            ? Holding(pem, names)
            : [];
    }

    private static List<byte[]> Holding(ReadOnlySpan<byte> pem, IReadOnlyList<byte[]> names)
    {
        var begin = "-----BEGIN CERTIFICATE-----"u8;
        var end = "-----END CERTIFICATE-----"u8;
        var found = new List<byte[]>();

        // OpenSSL's own format can also list purposes for which a certificate must not be trusted.
        if (pem.IndexOf("-----BEGIN TRUSTED"u8) >= 0)
        {
            return found;
        }

        var buffer = new byte[pem.Length];
        for (int start; (start = pem.IndexOf(begin)) >= 0;)
        {
            pem = pem[(start + begin.Length)..];
            var length = pem.IndexOf(end);
            if (length < 0)
            {
                break;
            }

            if (Base64.DecodeFromUtf8(pem[..length], buffer, out _, out var size) == OperationStatus.Done)
            {
                var der = buffer.AsSpan(0, size);
                foreach (var name in names)
                {
                    if (der.IndexOf(name) >= 0)
                    {
                        found.Add(der.ToArray());
                        break;
                    }
                }
            }

            pem = pem[(length + end.Length)..];
        }

        return found;
    }
}
