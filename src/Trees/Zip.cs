using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Unicode;
using Run.Posix;
using Run.Reporting;

namespace Run.Trees;

/// <summary>
/// The entries of a zip, as its central directory has them (APPNOTE.TXT of PKWARE). <c>ZipArchive</c> of .NET makes an object of each entry
/// before the first can be refused, decodes names with loss, follows the local headers although they may tell something else, and does not
/// compare checksums. So only the decompression is .NET's.
/// </summary>
internal sealed class Zip
{
    private const uint EndSignature = 0x06054b50, End64Signature = 0x06064b50, Locator64Signature = 0x07064b50;
    private const uint CentralSignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int EndLength = 22, End64Length = 56, Locator64Length = 20, CentralLength = 46, LocalLength = 30;
    private const int MaxComment = 0xffff;
    private const int WideId = 1, UnicodePathId = 0x7075; // of extra fields
    private const int Fat = 0, Ntfs = 10, NtfsOfInfoZip = 11; // systems where zips are made
    private const uint In64 = 0xffffffff; // the value of 32 bits is in the extra field, in 64
    private const int Stored = 0, Deflated = 8;
    private const int Encrypted = 0x1 | 0x40 | 0x2000; // bits 0, 6 and 13 of the flags
    private const uint TypeMask = 0xf000, RegularType = 0x8000, DirectoryType = 0x4000, LinkType = 0xa000, OwnerExecutes = 0x40;

    private readonly ArchiveFile _file;
    private readonly TreeWriter _writer;
    private readonly string _shown;
    private long _packed;

    private Zip(ArchiveFile file, TreeWriter writer, string shown) => (_file, _writer, _shown) = (file, writer, shown);

    /// <exception cref="RunException">65, 73: as <see cref="Archive.Unpack"/>.</exception>
    public static void Unpack(ArchiveFile file, TreeWriter writer, string shown) => new Zip(file, writer, shown).Unpack();

    private void Unpack()
    {
        var (count, start, length) = Directory();
        if (count > TreeWriter.MaxEntries)
        {
            throw new RunException(ExitStatus.Data, $"{_shown} holds more than 50,000 entries");
        }

        using var central = new BufferedStream(_file.Part(start, length), 64 << 10);
        for (var i = 0; i < count; i++)
        {
            Add(Next(central));
        }

        if (central.ReadByte() != -1)
        {
            throw Damaged("its directory holds more than it should");
        }
    }

    /// <summary>Where the central directory is, and how many entries it has.</summary>
    private (long Count, long Start, long Length) Directory()
    {
        var tail = new byte[(int)Math.Min(_file.Length, EndLength + MaxComment)];
        var from = _file.Length - tail.Length;
        _ = _file.ReadAt(tail, from);
        var at = tail.Length - EndLength;
        while (at >= 0 && !(UInt32(tail, at) == EndSignature && at + EndLength + UInt16(tail, at + 20) <= tail.Length))
        {
            at--;
        }

        if (at < 0)
        {
            throw Damaged("it has no end");
        }

        long count = UInt16(tail, at + 10), length = UInt32(tail, at + 12), start = UInt32(tail, at + 16);
        var end = from + at;
        if (count == 0xffff || length == In64 || start == In64)
        {
            var locator = new byte[Locator64Length];
            var end64 = new byte[End64Length];
            if (end >= Locator64Length && _file.ReadAt(locator, end - Locator64Length) == Locator64Length
                && UInt32(locator, 0) == Locator64Signature)
            {
                end = Int64(locator, 8);
                if (_file.ReadAt(end64, end) < End64Length || UInt32(end64, 0) != End64Signature)
                {
                    throw Damaged("it has no end");
                }

                (count, length, start) = (Int64(end64, 32), Int64(end64, 40), Int64(end64, 48));
            }
        }

        return length <= end && start <= end - length ? (count, start, length) : throw Damaged("its directory is not where it should be");
    }

    private Entry Next(Stream central)
    {
        var fields = new byte[CentralLength];
        if (central.ReadAtLeast(fields, CentralLength, throwOnEndOfStream: false) < CentralLength || UInt32(fields, 0) != CentralSignature)
        {
            throw Damaged("its directory is not complete");
        }

        var name = new byte[UInt16(fields, 28)];
        var extra = new byte[UInt16(fields, 30)];
        var comment = new byte[UInt16(fields, 32)];
        central.ReadExactly(name);
        central.ReadExactly(extra);
        central.ReadExactly(comment);

        long packed = UInt32(fields, 20), size = UInt32(fields, 24), header = UInt32(fields, 42);
        var wide = packed == In64 || size == In64 || header == In64 ? Extra(extra, WideId) : default;
        size = Widened(size, ref wide);
        packed = Widened(packed, ref wide);
        header = Widened(header, ref wide);
        return new Entry(
            name, Path(name, extra, fields[5]), fields[5], UInt16(fields, 8), UInt16(fields, 10), UInt32(fields, 16), packed, size,
            UInt32(fields, 38) >> 16, header);
    }

    private long Widened(long value, ref ReadOnlySpan<byte> wide)
    {
        if (value != In64)
        {
            return value;
        }

        if (wide.Length < 8)
        {
            throw Damaged("its directory is not complete");
        }

        value = Int64(wide, 0);
        wide = wide[8..];
        return value;
    }

    private static ReadOnlySpan<byte> Extra(ReadOnlySpan<byte> fields, int id)
    {
        while (fields.Length >= 4)
        {
            var length = Math.Min(UInt16(fields, 2), fields.Length - 4);
            if (UInt16(fields, 0) == id)
            {
                return fields.Slice(4, length);
            }

            fields = fields[(4 + length)..];
        }

        return default;
    }

    /// <summary>
    /// The path that an entry has for Info-ZIP and libarchive. A name in the encoding of the system where it was packed may be followed by
    /// the same in UTF-8, with the checksum of the former: whoever changes the one and does not know the other leaves a wrong checksum.
    /// </summary>
    private static string Path(ReadOnlySpan<byte> name, ReadOnlySpan<byte> extra, int system)
    {
        var crc = default(Crc32);
        crc.Append(name);
        if (Extra(extra, UnicodePathId) is [1, _, _, _, _, _, ..] unicode && UInt32(unicode, 1) == crc.Value)
        {
            name = unicode[5..];
        }

        // Some programs for Windows separate names as Windows does. In encodings of East Asia, a letter can end with that byte.
        var path = OsText.FromBytes(name);
        return system is Fat or Ntfs or NtfsOfInfoZip && !path.Contains('/') && Utf8.IsValid(name) ? path.Replace('\\', '/') : path;
    }

    private void Add(Entry entry)
    {
        var path = entry.Path;
        if ((entry.Flags & Encrypted) != 0)
        {
            throw TreeWriter.Refused(_shown, "an encrypted file", path);
        }

        var data = Data(entry, path);
        var isDirectory = path.EndsWith('/');
        switch (entry.Mode & TypeMask)
        {
            case DirectoryType:
            case 0 or RegularType when isDirectory:
                _writer.AddDirectory(path);
                _ = entry.Size == 0 ? 0 : throw Damaged($"{path} is a directory with content");
                break;
            case 0 or RegularType:
                _writer.AddFile(path, (entry.Mode & OwnerExecutes) != 0, Content(entry, data, path));
                break;
            case LinkType when !isDirectory:
                _writer.AddLink(path, Target(entry, data, path));
                break;
            default:
                throw TreeWriter.Refused(_shown, "a device or another special file", path);
        }
    }

    /// <summary>The packed bytes of an entry. What its local header says must be what the directory says.</summary>
    private ArchiveFile Data(Entry entry, string path)
    {
        var local = new byte[LocalLength + entry.Name.Length];
        if (entry.Header > _file.Length || _file.ReadAt(local, entry.Header) < local.Length || UInt32(local, 0) != LocalSignature)
        {
            throw Damaged($"{path} is not where it should be");
        }

        // There, the name in UTF-8 may be missing.
        var extra = new byte[UInt16(local, 28)];
        _ = _file.ReadAt(extra, entry.Header + local.Length);
        var hasPath = Extra(extra, UnicodePathId).Length > 0;
        if (UInt16(local, 26) != entry.Name.Length || !local.AsSpan(LocalLength).SequenceEqual(entry.Name)
            || (hasPath && Path(entry.Name, extra, entry.System) != entry.Path)
            || UInt16(local, 8) != entry.Method || (UInt16(local, 6) & Encrypted) != 0)
        {
            throw TreeWriter.Refused(_shown, "a file that is another one in its directory", path);
        }

        if (entry.Method is not (Stored or Deflated))
        {
            throw TreeWriter.Refused(_shown, $"a file compressed by method {entry.Method}", path);
        }

        var start = entry.Header + local.Length + extra.Length;
        if (start > _file.Length || entry.Packed > _file.Length - start)
        {
            throw Damaged($"{path} is not complete");
        }

        // A byte can belong to one entry only. Otherwise a small file could unpack to a large tree, or to nothing, but after hours.
        _packed += entry.Packed;
        return _packed <= _file.Length
            ? _file.Part(start, entry.Packed)
            : throw new RunException(ExitStatus.Data, $"{_shown} holds files that overlap");
    }

    /// <summary>The bytes of a file, which must be as many as were promised, and have their checksum.</summary>
    private Func<byte[], int> Content(Entry entry, ArchiveFile data, string path)
    {
        Stream content = entry.Method == Stored ? data : new DeflateStream(data, CompressionMode.Decompress);
        var (rest, crc) = (entry.Size, default(Crc32));
        return buffer =>
        {
            var length = content.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            crc.Append(buffer.AsSpan(0, length));
            rest -= length;
            if (rest < 0 || (length == 0 && (rest > 0 || crc.Value != entry.Crc)))
            {
                throw Damaged($"{path} has another {(rest == 0 ? "checksum" : "length")}");
            }

            if (length == 0)
            {
                content.Dispose();
            }

            return length;
        };
    }

    private string Target(Entry entry, ArchiveFile data, string path)
    {
        if (entry.Size > TreePath.MaxBytes)
        {
            throw TreeWriter.Refused(_shown, "a link that leads nowhere", path);
        }

        var (read, target, buffer) = (Content(entry, data, path), new List<byte>(), new byte[TreePath.MaxBytes]);
        for (int length; (length = read(buffer)) > 0;)
        {
            target.AddRange(buffer.AsSpan(0, length));
        }

        return OsText.FromBytes([.. target]);
    }

    private RunException Damaged(string why) => Archive.Damaged(_shown, why);

    private static ushort UInt16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint UInt32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Int64(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]) is >= 0 and var value ? value : throw new OverflowException();

    /// <summary>A record of the central directory.</summary>
    /// <param name="Name">As it is there.</param>
    /// <param name="Path">What that means.</param>
    /// <param name="Packed">The number of bytes in the archive.</param>
    /// <param name="Mode">As in inode(7); 0: it was packed where there are no modes.</param>
    /// <param name="Header">The offset of the local header.</param>
    private sealed record Entry(
        byte[] Name, string Path, int System, int Flags, int Method, uint Crc, long Packed, long Size, uint Mode, long Header);
}
