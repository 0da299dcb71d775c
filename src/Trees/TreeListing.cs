using System.Text;
using Run.Naming;
using Run.Posix;

namespace Run.Trees;

/// <summary>
/// The files of a tree: a line <c>MODE HEX PATH</c> for each, sorted by the bytes of the path, with the modes of git. It does not depend on
/// how the tree was packed, and its SHA-256 is the digest of the tree.
/// </summary>
internal sealed class TreeListing
{
    private const string Plain = "100644 ", Executable = "100755 ", Link = "120000 ";
    private const int PathAt = 7 + Sha256.HexLength + 1; // 7: a mode and a blank

    private readonly TreeFile[] _files;
    private string? _digest;

    public TreeListing(IEnumerable<TreeFile> files)
    {
        _files = files.ToArray();
        if (Array.TrueForAll(_files, static file => Ascii.IsValid(file.Path)))
        {
            Array.Sort(_files, static (a, b) => string.CompareOrdinal(a.Path, b.Path));
            return;
        }

        var paths = Array.ConvertAll(_files, static file => OsText.ToBytes(file.Path));
        Array.Sort(paths, _files, Comparer<byte[]>.Create(static (a, b) => a.AsSpan().SequenceCompareTo(b)));
    }

    public IReadOnlyList<TreeFile> Files => _files;

    /// <summary>The SHA-256 of <see cref="ToText"/>.</summary>
    public string Digest => _digest ??= Sha256.HexOf(ToText());

    public byte[] ToText()
    {
        // Of 50,000 files it is some megabytes: they are written once.
        var length = 0;
        foreach (var file in _files)
        {
            length += PathAt + TreePath.Length(file.Path) + 1;
        }

        var text = new byte[length];
        var at = 0;
        foreach (var file in _files)
        {
            Append(file.Kind switch
            {
                TreeFileKind.Plain => Plain,
                TreeFileKind.Executable => Executable,
                _ => Link,
            });
            Append(file.Sha256);
            text[at++] = (byte)' ';
            Append(file.Path);
            text[at++] = (byte)'\n';
        }

        return text;

        void Append(string part)
        {
            var bytes = OsText.ToBytes(part);
            bytes.CopyTo(text, at);
            at += bytes.Length;
        }
    }

    /// <summary>Null if the text is not one that <see cref="ToText"/> writes.</summary>
    public static TreeListing? Parse(byte[] text)
    {
        var files = new List<TreeFile>();
        ReadOnlySpan<byte> last = default, rest = text;
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)'\n');
            if (end <= PathAt)
            {
                return null;
            }

            var path = rest[PathAt..end];
            if (path.SequenceCompareTo(last) <= 0
                || File(OsText.FromBytes(rest[..PathAt]), OsText.FromBytes(path)) is not { } file)
            {
                return null;
            }

            files.Add(file);
            last = path;
            rest = rest[(end + 1)..];
        }

        return new TreeListing(files);
    }

    /// <summary>Null if there is no such file.</summary>
    public TreeFile? Find(string path) => Array.Find(_files, file => file.Path == path);

    private static TreeFile? File(string head, string path)
    {
        TreeFileKind? kind = head[..Plain.Length] switch
        {
            Plain => TreeFileKind.Plain,
            Executable => TreeFileKind.Executable,
            Link => TreeFileKind.Link,
            _ => null,
        };
        return kind is { } known && head.Length == PathAt && head[^1] == ' ' && TreePath.IsPlain(path)
            && head[Plain.Length..^1] is var digest && CharChecks.AreLowerHex(digest)
            ? new TreeFile(path, known, digest)
            : null;
    }
}
