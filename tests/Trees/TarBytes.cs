using System.IO.Compression;
using Run.Posix;

namespace Run.Tests.Trees;

/// <summary>A tar, header by header, so that anything in it can be wrong.</summary>
internal sealed class TarBytes
{
    private const int BlockSize = 512;

    private readonly List<byte> _bytes = [];

    /// <param name="size">What the header claims; by default the truth.</param>
    public TarBytes Add(
        string name, string content = "", char type = '0', string link = "", int mode = 420, long? size = null,
        string magic = "ustar\00000")
    {
        var data = OsText.ToBytes(content);
        var header = new byte[BlockSize];
        Put(header, 0, name);
        Put(header, 100, Octal(mode, 7));
        Put(header, 108, Octal(0, 7));
        Put(header, 116, Octal(0, 7));
        PutSize(header, size ?? data.Length);
        Put(header, 136, Octal(0, 11));
        header[156] = (byte)type;
        Put(header, 157, link);
        Put(header, 257, magic);
        return Header(header).Data(data);
    }

    /// <summary>A header as it is, with a checksum.</summary>
    public TarBytes Header(byte[] header)
    {
        Sum(header);
        _bytes.AddRange(header);
        return this;
    }

    public TarBytes Data(byte[] data)
    {
        _bytes.AddRange(data);
        _bytes.AddRange(new byte[(BlockSize - (data.Length % BlockSize)) % BlockSize]);
        return this;
    }

    public TarBytes Script(string name, string content = "#!/bin/sh\n") => Add(name, content, mode: 493);

    public TarBytes Link(string name, string target) => Add(name, type: '2', link: target, mode: 511);

    public TarBytes HardLink(string name, string target) => Add(name, type: '1', link: target);

    public TarBytes Directory(string name) => Add(name, type: '5', mode: 493);

    /// <summary>Attributes of the next entry; of all that follow with <paramref name="type"/> 'g'.</summary>
    public TarBytes Pax(string key, string value, char type = 'x') => Add("PaxHeaders/x", Record(key, value), type);

    /// <summary>A GNU header with a long name (L) or a long target (K).</summary>
    public TarBytes Long(char type, string value) => Add("././@LongLink", value + "\0", type, magic: "ustar  \0");

    /// <summary>As it is so far, without an end.</summary>
    public byte[] Cut() => [.. _bytes];

    public byte[] End() => [.. Cut(), .. new byte[2 * BlockSize]];

    public byte[] Zipped() => Gzip(End());

    public static byte[] Gzip(byte[] bytes)
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return zipped.ToArray();
    }

    /// <summary>Corrects the checksum of a header that was changed.</summary>
    public static void Sum(Span<byte> header)
    {
        "        "u8.CopyTo(header[148..]);
        var sum = 0;
        foreach (var b in header)
        {
            sum += b;
        }

        Put(header, 148, Octal(sum, 6) + "\0 ");
    }

    private static string Record(string key, string value)
    {
        var rest = $" {key}={value}\n";
        var length = OsText.ToBytes(rest).Length;
        var digits = $"{length}".Length;
        while ($"{length + digits}".Length != digits)
        {
            digits++;
        }

        return $"{length + digits}{rest}";
    }

    private static void PutSize(byte[] header, long size)
    {
        if (size is >= 0 and < 1L << 33)
        {
            Put(header, 124, Octal(size, 11));
            return;
        }

        header[124] = size < 0 ? (byte)0xff : (byte)0x80;
        for (var i = 0; i < 11; i++)
        {
            header[135 - i] = (byte)(size >> Math.Min(63, 8 * i));
        }
    }

    private static string Octal(long value, int digits) => Convert.ToString(value, 8).PadLeft(digits, '0');

    private static void Put(Span<byte> header, int at, string text) => OsText.ToBytes(text).CopyTo(header[at..]);
}
