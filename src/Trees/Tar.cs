using Run.Reporting;

namespace Run.Trees;

/// <summary>
/// The entries of a tar: V7, ustar, pax and GNU. <c>TarReader</c> of .NET loses the front of some long names and what is not UTF-8 in any,
/// and refuses owners and times that it cannot represent. It does not verify checksums, allocates as much as a record of metadata claims to
/// have, and takes the end of the file for the end of the archive.
/// </summary>
internal sealed class Tar
{
    private const int BlockSize = TarHeader.BlockSize;

    // The largest tree, with a header, a pax header and padding for each of its entries.
    private const long MaxBytes = TreeWriter.MaxBytes + (160L << 20);

    // With pax or two long names, an entry has up to four. TreeWriter counts what becomes a file or a directory.
    private const int MaxHeaders = 4 * TreeWriter.MaxEntries;
    private const long MaxMetadata = 1L << 20, MaxAllMetadata = 64L << 20;

    private readonly Stream _stream;
    private readonly TreeWriter _writer;
    private readonly string _shown;
    private readonly byte[] _block = new byte[BlockSize];
    private readonly TarAttributes _attributes = new();
    private long _read;
    private long _metadata;

    private Tar(Stream stream, TreeWriter writer, string shown) => (_stream, _writer, _shown) = (stream, writer, shown);

    /// <param name="stream">What follows the first block.</param>
    /// <param name="start">The first block, which has been read already.</param>
    /// <exception cref="RunException">65, 73: as <see cref="Archive.Unpack"/>.</exception>
    public static void Unpack(Stream stream, ReadOnlySpan<byte> start, TreeWriter writer, string shown)
    {
        var tar = new Tar(stream, writer, shown);
        start.CopyTo(tar._block);
        tar.Unpack();
    }

    private void Unpack()
    {
        Count(BlockSize);
        for (var headers = 1; new TarHeader(_block) is { IsEmpty: false } header; headers++)
        {
            if (headers > MaxHeaders)
            {
                throw new RunException(ExitStatus.Data, $"{_shown} holds too many headers");
            }

            if (!header.HasChecksum)
            {
                throw Damaged("the checksum of a header is wrong");
            }

            if (header.Type is (byte)'x' or (byte)'g' or (byte)'L' or (byte)'K')
            {
                AddAttributes(header);
            }
            else
            {
                Add(header);
                _attributes.Forget();
            }

            Read(_block);
        }

        if (_attributes.AwaitEntry)
        {
            throw Damaged("its last entry is missing");
        }

        // Only at the end has the decompressor compared its checksum.
        var rest = new byte[16 << 10];
        for (int length; (length = _stream.Read(rest)) > 0;)
        {
            Count(length);
        }
    }

    private void AddAttributes(TarHeader header)
    {
        var (type, size) = (header.Type, header.Size);
        if (size is < 0 or > MaxMetadata)
        {
            throw new RunException(ExitStatus.Data, $"{_shown} holds a name or attributes of more than {MaxMetadata >> 20} MiB");
        }

        _metadata += size;
        if (_metadata > MaxAllMetadata)
        {
            throw new RunException(ExitStatus.Data, $"{_shown} holds more than {MaxAllMetadata >> 20} MiB of attributes");
        }

        var data = new byte[size];
        Read(data);
        SkipPadding(size);
        switch (type)
        {
            case (byte)'L':
                _attributes.AddLongName(data);
                break;
            case (byte)'K':
                _attributes.AddLongTarget(data);
                break;
            default:
                _attributes.AddRecords(data, forAll: type == 'g');
                break;
        }
    }

    private void Add(TarHeader header)
    {
        var (path, target) = (_attributes.PathOr(header.Path), _attributes.TargetOr(header.Target));
        var (size, mode) = (_attributes.SizeOr(header.Size), header.Mode);
        if (size < 0 || header.Size < 0 || mode < 0)
        {
            throw Damaged($"{path} has a header with a wrong number");
        }

        // Only files have data. Whatever the size of anything else, the next header follows (POSIX).
        switch (header.Type)
        {
            case (byte)'0' or (byte)'\0' or (byte)'7' when path.EndsWith('/'):
                // Before there was a type for them, directories were files with a slash at the end of their names.
                _writer.AddDirectory(path);
                if (size > 0)
                {
                    throw Damaged($"{path} is a directory with content");
                }

                break;
            case (byte)'0' or (byte)'\0' or (byte)'7' when !_attributes.AreOfSparseFile:
                AddFile(path, size, mode);
                break;
            case (byte)'0' or (byte)'\0' or (byte)'7' or (byte)'S':
                throw new RunException(
                    ExitStatus.Data, Refused("a sparse file", path).Message,
                    "sparse files are not unpacked; tar without -S (--sparse) packs it as an ordinary one");
            case (byte)'1':
                _writer.AddHardLink(path, target);
                break;
            case (byte)'2':
                _writer.AddLink(path, target);
                break;
            case (byte)'5':
                _writer.AddDirectory(path);
                break;
            case (byte)'D': // of an incremental backup, with the names of what was in it
                _writer.AddDirectory(path);
                SkipData(size, path);
                break;
            case (byte)'V': // the label of a volume (tar -V)
                SkipData(size, path);
                break;
            case (byte)'3' or (byte)'4':
                throw Refused("a device", path);
            case (byte)'6':
                throw Refused("a FIFO", path);
            case (byte)'M':
                throw Refused("a part of a file", path);
            default:
                throw Refused("an entry of an unknown type", path);
        }
    }

    private void AddFile(string path, long size, long mode)
    {
        const int OwnerExecutes = 0x40;
        var rest = size;
        _writer.AddFile(path, (mode & OwnerExecutes) != 0, buffer =>
        {
            var length = (int)Math.Min(buffer.Length, rest);
            Read(buffer.AsSpan(0, length), path);
            rest -= length;
            return length;
        });
        SkipPadding(size, path);
    }

    private void SkipData(long size, string path)
    {
        for (var rest = size; rest > 0; rest -= Math.Min(rest, BlockSize))
        {
            Read(_block.AsSpan(0, (int)Math.Min(rest, BlockSize)), path);
        }

        SkipPadding(size, path);
    }

    private void SkipPadding(long size, string? path = null) =>
        Read(_block.AsSpan(0, (int)((BlockSize - (size % BlockSize)) % BlockSize)), path);

    /// <param name="path">Whose data they are, for the case that they are not there.</param>
    private void Read(Span<byte> buffer, string? path = null)
    {
        if (_stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length)
        {
            throw Damaged(path is null ? "it has no end" : $"{path} is not complete");
        }

        Count(buffer.Length);
    }

    private void Count(int bytes)
    {
        _read += bytes;
        if (_read > MaxBytes)
        {
            throw new RunException(ExitStatus.Data, $"{_shown} unpacks to more than {TreeWriter.MaxBytes >> 20} MiB");
        }
    }

    private RunException Damaged(string why) => Archive.Damaged(_shown, why);

    private RunException Refused(string what, string path) => TreeWriter.Refused(_shown, what, path);
}
