using System.IO.Compression;
using Run.Posix;

namespace Run.Tests.Trees;

/// <summary>A zip, record by record, so that anything in it can be wrong.</summary>
internal sealed class ZipBytes
{
    public const uint File = 0x81a40000, Script = 0x81ed0000, Link = 0xa1ff0000, Directory = 0x41ed0000;
    public const uint Device = 0x21a40000, Fifo = 0x11a40000;

    private readonly List<byte> _bytes = [];
    private readonly List<byte> _central = [];
    private int _count;

    /// <param name="attributes">The external ones, with the mode in their upper half.</param>
    /// <param name="local">The name in the local header; by default the same.</param>
    /// <param name="size">What both headers claim.</param>
    /// <param name="header">Where the local header is; by default one is written.</param>
    /// <param name="system">Where it was made: 3 is Unix.</param>
    /// <param name="extra">The extra fields in the directory.</param>
    /// <param name="localExtra">Those in the local header.</param>
    public ZipBytes Add(
        string name, string content = "", uint attributes = File, string? local = null, int method = 8, int flags = 0, uint? crc = null,
        uint? size = null, uint? packed = null, uint? header = null, int system = 3, byte[]? extra = null,
        byte[]? localExtra = null)
    {
        (extra, localExtra) = (extra ?? [], localExtra ?? []);
        var data = OsText.ToBytes(content);
        var stored = method == 8 ? Deflate(data) : data;
        var at = header ?? (uint)_bytes.Count;
        var sums = new byte[12];
        BitConverter.TryWriteBytes(sums, crc ?? Crc(data));
        BitConverter.TryWriteBytes(sums.AsSpan(4), packed ?? (uint)stored.Length);
        BitConverter.TryWriteBytes(sums.AsSpan(8), size ?? (uint)data.Length);
        var (inCentral, inLocal) = (OsText.ToBytes(name), OsText.ToBytes(local ?? name));
        if (header is null)
        {
            Write(
                _bytes, 0x04034b50u, (ushort)20, (ushort)flags, (ushort)method, 0u, sums, (ushort)inLocal.Length,
                (ushort)localExtra.Length, inLocal, localExtra, stored);
        }

        Write(
            _central, 0x02014b50u, (ushort)(0x1e | (system << 8)), (ushort)20, (ushort)flags, (ushort)method, 0u, sums,
            (ushort)inCentral.Length, (ushort)extra.Length, (ushort)0, (ushort)0, (ushort)0, attributes, at, inCentral, extra);
        _count++;
        return this;
    }

    /// <summary>A file that is deflated already.</summary>
    public ZipBytes AddPacked(string name, byte[] packed, uint size, uint crc)
    {
        Add(name, "", method: 8, crc: crc, size: size, packed: (uint)packed.Length);
        _bytes.RemoveRange(_bytes.Count - Deflate([]).Length, Deflate([]).Length);
        _bytes.AddRange(packed);
        return this;
    }

    /// <param name="count">What the end claims; by default the truth.</param>
    public byte[] End(int? count = null, uint? directory = null, string comment = "")
    {
        var start = (uint)_bytes.Count;
        List<byte> end = [.. _bytes, .. _central];
        var entries = (ushort)(count ?? _count);
        Write(
            end, 0x06054b50u, (ushort)0, (ushort)0, entries, entries, (uint)_central.Count, directory ?? start, (ushort)comment.Length,
            OsText.ToBytes(comment));
        return [.. end];
    }

    /// <summary>The extra field with a name in UTF-8.</summary>
    public static byte[] UnicodePath(string path, string name, int version = 1)
    {
        var bytes = new List<byte>();
        var unicode = OsText.ToBytes(path);
        Write(bytes, (ushort)0x7075, (ushort)(5 + unicode.Length), (byte[])[(byte)version], Crc(OsText.ToBytes(name)), unicode);
        return [.. bytes];
    }

    public static byte[] Deflate(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest))
        {
            deflate.Write(bytes);
        }

        return packed.ToArray();
    }

    public static uint Crc(byte[] bytes)
    {
        var crc = new Run.Trees.Crc32();
        crc.Append(bytes);
        return crc.Value;
    }

    private static void Write(List<byte> to, params object[] fields)
    {
        foreach (var field in fields)
        {
            to.AddRange(field switch
            {
                ushort number => BitConverter.GetBytes(number),
                uint number => BitConverter.GetBytes(number),
                _ => (byte[])field,
            });
        }
    }
}
