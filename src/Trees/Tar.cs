using System.Formats.Tar;
using Run.Reporting;

namespace Run.Trees;

/// <summary>The entries of a tar: V7, ustar, pax and GNU.</summary>
internal static class Tar
{
    /// <exception cref="RunException">65, 73: as <see cref="Archive.Unpack"/>.</exception>
    public static void Unpack(TarGate gate, TreeWriter writer, string shown)
    {
        using var reader = new TarReader(gate, leaveOpen: true);
        gate.ExpectHeader();
        for (var entries = 0; reader.GetNextEntry() is { } entry; gate.ExpectHeader())
        {
            // TreeWriter counts what becomes a file or a directory, not what is passed over.
            if (++entries > 2 * TreeWriter.MaxEntries)
            {
                throw new RunException(ExitStatus.Data, $"{shown} holds too many headers");
            }

            Add(entry, writer, shown);
        }

        gate.Drain();
    }

    /// <summary>A file with holes, of which the archive has only the rest.</summary>
    public static RunException Sparse(string shown, string name) => new(
        ExitStatus.Data, TreeWriter.Refused(shown, "a sparse file", name).Message,
        "sparse files are not unpacked; tar without -S (--sparse) packs it as an ordinary one");

    private static void Add(TarEntry entry, TreeWriter writer, string shown)
    {
        if (entry is PaxGlobalExtendedAttributesTarEntry)
        {
            return; // git archive writes its commit there
        }

        // The reader decodes names, and what is not UTF-8 is lost.
        if (entry.Name.Contains('\ufffd') || entry.LinkName.Contains('\ufffd'))
        {
            throw Holds("a name that is not UTF-8");
        }

        switch (entry.EntryType)
        {
            case TarEntryType.Directory or TarEntryType.DirectoryList:
                writer.AddDirectory(entry.Name);
                Pass(entry, shown);
                break;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                if (entry is PaxTarEntry pax && pax.ExtendedAttributes.Keys.Any(IsSparse))
                {
                    throw Sparse(shown, pax.ExtendedAttributes.GetValueOrDefault("GNU.sparse.name") ?? entry.Name);
                }

                // Before there was a type for them, directories were files with a slash at the end of their names.
                if (entry.Name.EndsWith('/'))
                {
                    writer.AddDirectory(entry.Name);
                    Pass(entry, shown);
                    break;
                }

                var rest = entry.Length;
                writer.AddFile(entry.Name, (entry.Mode & UnixFileMode.UserExecute) != 0, buffer => Read(entry, buffer, ref rest, shown));
                break;
            case TarEntryType.SymbolicLink:
                writer.AddLink(entry.Name, entry.LinkName);
                break;
            case TarEntryType.HardLink:
                writer.AddHardLink(entry.Name, entry.LinkName);
                break;
            case TarEntryType.TapeVolume:
                break; // the label of a volume (tar -V)
            default:
                throw Holds(entry.EntryType switch
                {
                    TarEntryType.CharacterDevice or TarEntryType.BlockDevice => "a device",
                    TarEntryType.Fifo => "a FIFO",
                    TarEntryType.MultiVolume => "a part of a file",
                    _ => "an entry of an unknown type",
                });
        }

        static bool IsSparse(string attribute) => attribute.StartsWith("GNU.sparse.", StringComparison.Ordinal);

        RunException Holds(string what) => TreeWriter.Refused(shown, what, entry.Name);
    }

    /// <summary>Reads what an entry has after its header although it should have nothing.</summary>
    private static void Pass(TarEntry entry, string shown)
    {
        var buffer = new byte[4 << 10];
        var rest = entry.Length;
        while (Read(entry, buffer, ref rest, shown) > 0)
        {
        }
    }

    private static int Read(TarEntry entry, byte[] buffer, ref long rest, string shown)
    {
        var length = (int)Math.Min(buffer.Length, rest);
        if (length == 0)
        {
            return 0;
        }

        if (entry.DataStream?.ReadAtLeast(buffer.AsSpan(0, length), length, throwOnEndOfStream: false) != length)
        {
            throw Archive.Damaged(shown, $"{entry.Name} is not complete");
        }

        rest -= length;
        return length;
    }
}
