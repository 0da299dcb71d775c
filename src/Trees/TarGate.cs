using Run.Posix;
using Run.Reporting;

namespace Run.Trees;

/// <summary>
/// What <c>TarReader</c> reads from. It takes the headers of an archive at their word: it does not verify their checksums, it allocates as
/// much as a record of metadata claims to have, and it takes the end of the file for the end of the archive. So each header is looked at
/// here before the reader gets it.
/// </summary>
internal sealed class TarGate : Stream
{
    public const int BlockSize = 512;

    // The largest tree, with a header, a pax header and padding for each of its entries.
    private const long MaxBytes = TreeWriter.MaxBytes + (160L << 20);
    private const long MaxMetadata = 1L << 20, MaxAllMetadata = 64L << 20;
    private const int NameLength = 100, SizeAt = 124, SizeLength = 12, ChecksumAt = 148, ChecksumLength = 8, TypeAt = 156, MagicAt = 257;

    private readonly Stream _inner;
    private readonly string _shown;
    private readonly byte[] _block = new byte[BlockSize];
    private int _given; // of _block; BlockSize: all of it
    private bool _isFirst = true;
    private bool _expectsHeader;
    private bool _ended;
    private long _metadata; // what is left of a record, with its padding
    private long _allMetadata;
    private long _at;

    /// <param name="start">The first block, which has been read already.</param>
    public TarGate(Stream inner, ReadOnlySpan<byte> start, string shown)
    {
        (_inner, _shown) = (inner, shown);
        start.CopyTo(_block);
        _given = BlockSize;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _at;
        set => throw new NotSupportedException();
    }

    /// <summary>Whether a file that begins with this block is a tar. An empty one is nothing but zeros.</summary>
    public static bool IsTar(ReadOnlySpan<byte> block) =>
        block.Length == BlockSize && (block[MagicAt..].StartsWith("ustar"u8) || !block.ContainsAnyExcept((byte)0) || HasChecksum(block));

    /// <summary>The data of the last entry has been read: after its padding there is a header.</summary>
    public void ExpectHeader() => _expectsHeader = true;

    /// <summary>Reads what follows the archive's end: only then has the decompressor compared its checksum.</summary>
    public void Drain()
    {
        var rest = new byte[16 << 10];
        _expectsHeader = false;
        while (Read(rest) > 0)
        {
        }

        if (!_ended)
        {
            throw Archive.Damaged(_shown, "it has no end");
        }
    }

    public override int Read(Span<byte> buffer)
    {
        if (_given == BlockSize && _metadata == 0 && _expectsHeader && _at % BlockSize == 0)
        {
            NextHeader();
        }

        if (_given < BlockSize)
        {
            var given = Math.Min(buffer.Length, BlockSize - _given);
            _block.AsSpan(_given, given).CopyTo(buffer);
            _given += given;
            return given;
        }

        // Up to where the next header is, if that is known.
        var most = _metadata > 0 ? _metadata : _expectsHeader ? BlockSize - (_at % BlockSize) : buffer.Length;
        var read = _inner.Read(buffer[..(int)Math.Min(most, buffer.Length)]);
        if (_metadata > 0 && buffer[..read].IndexOf("GNU.sparse.offset="u8) >= 0)
        {
            // The first version of the format repeats an attribute, which the reader takes for damage.
            throw Tar.Sparse(_shown, Name());
        }

        _metadata = Math.Max(0, _metadata - read);
        Count(read);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void NextHeader()
    {
        if (!_isFirst && _inner.ReadAtLeast(_block, BlockSize, throwOnEndOfStream: false) < BlockSize)
        {
            throw Archive.Damaged(_shown, "it has no end");
        }

        _isFirst = false;
        _given = 0;
        Count(BlockSize);
        if (!_block.AsSpan().ContainsAnyExcept((byte)0))
        {
            _ended = true;
            return;
        }

        if (!HasChecksum(_block))
        {
            throw Archive.Damaged(_shown, "the checksum of a header is wrong");
        }

        if (_block[TypeAt] == (byte)'S')
        {
            throw Tar.Sparse(_shown, Name()); // the reader takes it for damage
        }

        // pax: x, g; GNU: L, K. What follows describes the next entry, and so there is another header after it.
        _expectsHeader = _block[TypeAt] is (byte)'x' or (byte)'g' or (byte)'L' or (byte)'K';
        if (_expectsHeader)
        {
            var size = Size(_block.AsSpan(SizeAt, SizeLength));
            if (size is < 0 or > MaxMetadata)
            {
                throw new RunException(ExitStatus.Data, $"{_shown} holds a name or attributes of more than {MaxMetadata >> 20} MiB");
            }

            _allMetadata += size;
            if (_allMetadata > MaxAllMetadata)
            {
                throw new RunException(ExitStatus.Data, $"{_shown} holds more than {MaxAllMetadata >> 20} MiB of attributes");
            }

            _metadata = (size + BlockSize - 1) / BlockSize * BlockSize;
        }
    }

    /// <summary>The name in the header, for messages. That of a pax header is of the file that it is about.</summary>
    private string Name()
    {
        const string PaxHeaders = "PaxHeaders";
        var field = _block.AsSpan(0, NameLength);
        var name = OsText.FromBytes(field.IndexOf((byte)0) is >= 0 and var end ? field[..end] : field);
        var names = new List<string>(name.Split('/'));
        _ = names.RemoveAll(static part => part.StartsWith(PaxHeaders, StringComparison.Ordinal));
        return string.Join('/', names);
    }

    private void Count(int bytes)
    {
        _at += bytes;
        if (_at > MaxBytes)
        {
            throw new RunException(ExitStatus.Data, $"{_shown} unpacks to more than {TreeWriter.MaxBytes >> 20} MiB");
        }
    }

    /// <summary>The sum of all bytes, with blanks for the sum itself. Some programs have added signed bytes.</summary>
    private static bool HasChecksum(ReadOnlySpan<byte> block)
    {
        var (unsigned, signed) = (0, 0);
        for (var i = 0; i < BlockSize; i++)
        {
            var b = i is >= ChecksumAt and < ChecksumAt + ChecksumLength ? (byte)' ' : block[i];
            unsigned += b;
            signed += (sbyte)b;
        }

        var stored = Size(block.Slice(ChecksumAt, ChecksumLength));
        return stored == unsigned || stored == signed;
    }

    /// <summary>A number in octal digits, between blanks and NULs, or in binary, with its first bit set. -1: neither.</summary>
    private static long Size(ReadOnlySpan<byte> field)
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

        foreach (var b in field.Trim(" \0"u8))
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
