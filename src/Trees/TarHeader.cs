using Run.Posix;

namespace Run.Trees;

/// <summary>A block of a tar that describes what follows it: as V7, ustar (with pax) and GNU have it (tar(5) of libarchive).</summary>
internal readonly ref struct TarHeader(ReadOnlySpan<byte> block)
{
    public const int BlockSize = 512;

    private const int ChecksumAt = 148, ChecksumLength = 8, MagicAt = 257;

    private readonly ReadOnlySpan<byte> _block = block;

    public byte Type => _block[156];

    /// <summary>Only ustar has a prefix. In the headers of GNU there is something else in its place.</summary>
    public string Path
    {
        get
        {
            var prefix = _block[MagicAt..].StartsWith("ustar\0"u8) ? Text(345, 155) : "";
            return prefix is "" ? Text(0, 100) : $"{prefix}/{Text(0, 100)}";
        }
    }

    public string Target => Text(157, 100);

    /// <summary>-1: it has none that makes sense.</summary>
    public long Size => Number(_block.Slice(124, 12));

    /// <summary>-1: it has none that makes sense.</summary>
    public long Mode => Number(_block.Slice(100, 8));

    /// <summary>The end of an archive.</summary>
    public bool IsEmpty => !_block.ContainsAnyExcept((byte)0);

    /// <summary>The sum of all bytes, with blanks for the sum itself. Some programs have added signed bytes.</summary>
    public bool HasChecksum
    {
        get
        {
            var (unsigned, signed) = (0, 0);
            for (var i = 0; i < BlockSize; i++)
            {
                var b = i is >= ChecksumAt and < ChecksumAt + ChecksumLength ? (byte)' ' : _block[i];
                unsigned += b;
                signed += (sbyte)b;
            }

            var stored = Number(_block.Slice(ChecksumAt, ChecksumLength));
            return stored == unsigned || stored == signed;
        }
    }

    /// <summary>Whether a file that begins with this block is a tar. An empty one is nothing but zeros.</summary>
    public static bool IsTar(ReadOnlySpan<byte> block) => block.Length == BlockSize
        && (block[MagicAt..].StartsWith("ustar"u8) || new TarHeader(block) is { IsEmpty: true } or { HasChecksum: true });

    /// <summary>Text ends at the first NUL, if there is one.</summary>
    public static string Text(ReadOnlySpan<byte> field) =>
        OsText.FromBytes(field.IndexOf((byte)0) is >= 0 and var end ? field[..end] : field);

    private string Text(int at, int length) => Text(_block.Slice(at, length));

    /// <summary>A number in octal digits, ended by a blank or a NUL, or in binary, with its first bit set. -1: neither.</summary>
    private static long Number(ReadOnlySpan<byte> field)
    {
        var value = 0L;
        if ((field[0] & 0x80) != 0)
        {
            foreach (var b in field[1..])
            {
                if (value > long.MaxValue >> 8)
                {
                    return -1;
                }

                value = (value << 8) | b;
            }

            return field[0] == 0x80 ? value : -1;
        }

        field = field.TrimStart(" \0"u8);
        foreach (var b in field.IndexOfAny(" \0"u8) is >= 0 and var end ? field[..end] : field)
        {
            if (b is < (byte)'0' or > (byte)'7' || value > long.MaxValue >> 3)
            {
                return -1;
            }

            value = (value << 3) | (uint)(b - '0');
        }

        return value;
    }
}
