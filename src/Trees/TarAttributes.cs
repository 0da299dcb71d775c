using System.Globalization;
using System.Text;
using Run.Posix;

namespace Run.Trees;

/// <summary>
/// What stands before the header of an entry and takes precedence over it: the attributes of pax, and GNU's long names. Of the former only
/// those are kept that tell where the entry is, and how long.
/// </summary>
internal sealed class TarAttributes
{
    private const string Path = "path", Target = "linkpath", Size = "size", Sparse = "GNU.sparse.", SparseName = "GNU.sparse.name";

    private readonly Dictionary<string, string> _global = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _next = new(StringComparer.Ordinal);

    /// <summary>Whether there are some that no entry has followed yet.</summary>
    public bool AwaitEntry => _next.Count > 0;

    /// <summary>Whether the entry is a file with holes, of which the archive has only the rest.</summary>
    public bool AreOfSparseFile => Find(Sparse) is not null;

    /// <exception cref="FormatException">It has two names.</exception>
    public void AddLongName(ReadOnlySpan<byte> data) => AddNext(Path, TarHeader.Text(data));

    /// <exception cref="FormatException">It has two targets.</exception>
    public void AddLongTarget(ReadOnlySpan<byte> data) => AddNext(Target, TarHeader.Text(data));

    /// <summary>Records of pax: <c>LENGTH KEY=VALUE</c> and a line feed, where LENGTH counts all of that.</summary>
    /// <param name="forAll">They are for all entries that follow.</param>
    /// <exception cref="FormatException">That is not what they are.</exception>
    public void AddRecords(ReadOnlySpan<byte> data, bool forAll)
    {
        while (!data.IsEmpty)
        {
            var blank = data.IndexOf((byte)' ');
            var length = Number(data[..Math.Max(0, blank)]);
            var equals = data.IndexOf((byte)'=');
            if (equals < blank || length <= equals || length > data.Length || data[(int)length - 1] != '\n')
            {
                throw new FormatException();
            }

            var value = data[(equals + 1)..((int)length - 1)];
            Add(Encoding.Latin1.GetString(data[(blank + 1)..equals]), OsText.FromBytes(value), forAll);
            data = data[(int)length..];
        }
    }

    public void Forget() => _next.Clear();

    public string PathOr(string path) => Find(AreOfSparseFile ? SparseName : Path) ?? Find(Path) ?? path;

    public string TargetOr(string target) => Find(Target) ?? target;

    /// <exception cref="FormatException">It is not a number, or a negative one.</exception>
    /// <exception cref="OverflowException">It is too large.</exception>
    public long SizeOr(long size) => Find(Size) is { } digits ? Number(OsText.ToBytes(digits)) : size;

    /// <summary>.NET takes NULs at its end for a part of a number.</summary>
    private static long Number(ReadOnlySpan<byte> digits) => digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')
        ? throw new FormatException()
        : long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);

    private void Add(string key, string value, bool forAll)
    {
        if (key.StartsWith(Sparse, StringComparison.Ordinal))
        {
            (forAll ? _global : _next)[Sparse] = key;
        }

        if (key is not (Path or Target or Size or SparseName))
        {
            return;
        }

        if (forAll)
        {
            _global[key] = value;
            return;
        }

        AddNext(key, value);
    }

    /// <summary>Some programs take the first, some the last, and some those of pax.</summary>
    private void AddNext(string key, string value)
    {
        if (!_next.TryAdd(key, value) && _next[key] != value)
        {
            throw new FormatException();
        }
    }

    /// <summary>An empty one is as good as none (POSIX), and hides one that is for all.</summary>
    private string? Find(string key) =>
        (_next.TryGetValue(key, out var value) || _global.TryGetValue(key, out value)) && value is not "" ? value : null;
}
