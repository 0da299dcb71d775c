using System.IO.Compression;
using Microsoft.Win32.SafeHandles;
using Run.Reporting;

namespace Run.Trees;

/// <summary>An archive that somebody else has made, and what it unpacks to.</summary>
internal static class Archive
{
    // From this length on, a thread that decompresses ahead is worth its start.
    private const int LargeEnough = 128 << 10;

    private const string Supported = "tar, tar.gz and zip can be unpacked";

    /// <summary>Unpacks a tar, tar.gz or zip: its first bytes tell which it is, not its name.</summary>
    /// <param name="file">The complete archive, wherever it is positioned.</param>
    /// <param name="shown">What messages call it, such as its URL.</param>
    /// <exception cref="RunException">65: it is no archive, is damaged, or holds what it must not. 73: it cannot be written.</exception>
    public static TreeListing Unpack(SafeFileHandle file, TreeWriter writer, string shown)
    {
        try
        {
            var archive = ArchiveFile.Whole(file, shown);
            Span<byte> start = stackalloc byte[TarHeader.BlockSize];
            start = start[..archive.ReadAt(start, 0)];
            if (start is [0x1f, 0x8b, ..])
            {
                using var zipped = new GZipStream(archive, CompressionMode.Decompress);
                using Stream unzipped = archive.Length < LargeEnough ? zipped : new ReadAheadStream(zipped);
                Span<byte> block = stackalloc byte[TarHeader.BlockSize];
                if (!TarHeader.IsTar(block[..unzipped.ReadAtLeast(block, block.Length, throwOnEndOfStream: false)]))
                {
                    throw new RunException(ExitStatus.Data, $"{shown} is compressed with gzip, but there is no tar in it", Supported);
                }

                Tar.Unpack(unzipped, block, writer, shown);
            }
            else if (IsZip(start))
            {
                Zip.Unpack(archive, writer, shown);
            }
            else if (TarHeader.IsTar(start))
            {
                _ = archive.Read(start);
                Tar.Unpack(archive, start, writer, shown);
            }
            else
            {
                throw NotSupported(start, shown);
            }

            var listing = writer.Finish(unwrap: true);
            return listing.Files.Count > 0 ? listing
                : throw new RunException(ExitStatus.Data, $"{shown} is an archive without a file in it");
        }
        catch (Exception e) when (e is not (RunException or OutOfMemoryException))
        {
            // Which exceptions the decompressors of .NET throw for bytes that make no sense is not documented, and some are unexpected.
            throw Damaged(shown, "its format is wrong");
        }
    }

    /// <summary>Whether a file with this beginning looks like an archive; one that is compressed with gzip is taken for one.</summary>
    public static bool IsOne(ReadOnlySpan<byte> start) => start is [0x1f, 0x8b, ..] || IsZip(start)
        || (start.Length >= TarHeader.BlockSize && TarHeader.IsTar(start[..TarHeader.BlockSize]));

    /// <param name="why">What was found, without the name of the archive.</param>
    public static RunException Damaged(string shown, string why) => new(ExitStatus.Data, $"{shown} is damaged or was cut short: {why}");

    private static bool IsZip(ReadOnlySpan<byte> start) =>
        start is [(byte)'P', (byte)'K', 3, 4, ..] or [(byte)'P', (byte)'K', 5, 6, ..];

    private static RunException NotSupported(ReadOnlySpan<byte> start, string shown)
    {
        var format = start switch
        {
            [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => "compressed with xz",
            [(byte)'B', (byte)'Z', (byte)'h', ..] => "compressed with bzip2",
            [0x28, 0xb5, 0x2f, 0xfd, ..] => "compressed with zstd",
            [4, 0x22, 0x4d, 0x18, ..] => "compressed with lz4",
            [(byte)'L', (byte)'Z', (byte)'I', (byte)'P', ..] => "compressed with lzip",
            [0x1f, 0x9d, ..] => "compressed with compress",
            [(byte)'7', (byte)'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => "an archive of 7-Zip",
            [(byte)'R', (byte)'a', (byte)'r', (byte)'!', ..] => "a rar archive",
            [(byte)'0', (byte)'7', (byte)'0', (byte)'7', (byte)'0', ..] => "a cpio archive",
            [(byte)'!', (byte)'<', (byte)'a', (byte)'r', (byte)'c', (byte)'h', (byte)'>', ..] => "an ar archive",
            _ => null,
        };
        return new RunException(ExitStatus.Data, format is null ? $"{shown} is not an archive" : $"{shown} is {format}", Supported);
    }
}
