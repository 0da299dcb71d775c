using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Trees;

/// <summary>
/// Writes a tree below a private, empty directory. Each entry is checked before anything of it is written, and symbolic links are created
/// last, when all of them are known and have been checked. So until then no path below the directory can lead out of it.
/// </summary>
internal sealed class TreeWriter : IDisposable
{
    public const long MaxBytes = 512L << 20;
    public const int MaxEntries = 50_000;

    private const string Unpacked = "unpacked", Tree = "tree";
    private const int BufferSize = 64 << 10, Root = 0;
    private const int MaxLinks = 40; // as in the kernel (path_resolution(7))
    private const int MaxLinkSteps = 4_000_000; // a few seconds: 50,000 links that lead through each other could take hours
    private const long MaxPathBytes = 8L << 20; // they are held as text, and in the listing

    // The directory gets another name, and names are added to it, when the tree is put into its place.
    private const int OtherNames = 128;

    private readonly string _path;
    private readonly string _shown;
    private readonly SafeFileHandle _directory;
    private readonly bool _umaskHides;
    private readonly int _maxPath;
    private readonly List<Entry> _entries = [new Entry(Root, "")];
    private readonly Dictionary<(int Directory, string Name), int> _places = [];
    private readonly byte[] _buffer = new byte[BufferSize];
    private int _added;
    private int _linkSteps;
    private long _bytes;
    private long _pathBytes;

    /// <param name="directory">Exists, is empty, and nobody else can write it.</param>
    /// <param name="shown">What messages call the tree, such as its URL.</param>
    public TreeWriter(string directory, string shown)
    {
        (_path, _shown) = (directory, shown);
        _maxPath = Math.Max(0, TreePath.MaxBytes - OtherNames - TreePath.Length(directory));
        var unpacked = $"{directory}/{Unpacked}";
        using var parent = Files.Open(directory, OpenFlags.Directory).OrThrow(error => CannotWrite("", error));
        Check(FilesAt.MakeDirectory(parent, Unpacked, Permissions.PrivateDirectory), "");
        _umaskHides = Files.LinkStatus(unpacked).Value is not { } made
            || (made.Mode & Permissions.PrivateDirectory) != Permissions.PrivateDirectory;
        Check(_umaskHides ? Files.ChangeMode(unpacked, Permissions.PrivateDirectory) : Errno.None, "");
        _directory = FilesAt.Open(parent, Unpacked, OpenFlags.Directory | OpenFlags.NoFollow).OrThrow(error => CannotWrite("", error));
    }

    /// <summary>After <see cref="Finish"/>: the name of the one directory that held everything, and is the tree now; or null.</summary>
    public string? Unwrapped { get; private set; }

    /// <summary>Is called again and again while something is written, for those who wait for it.</summary>
    public Action? Progressed { get; init; }

    /// <summary>How many bytes the files have that were added.</summary>
    public long Bytes => _bytes;

    /// <summary>The refusal of one entry.</summary>
    /// <param name="what">What it is, to follow "holds".</param>
    public static RunException Refused(string shown, string what, string path)
    {
        const int MostShown = 200;
        return new(ExitStatus.Data, $"{shown} holds {what}: {(path.Length > MostShown ? path[..MostShown] + "…" : path)}");
    }

    /// <exception cref="RunException">65: it cannot be a directory of this tree. 73: it cannot be written.</exception>
    public void AddDirectory(string path)
    {
        var names = Names(path);
        _ = Directory(names, names.Length, path);
    }

    /// <param name="isExecutable">Whether its owner may execute it.</param>
    /// <param name="read">Fills the buffer from its beginning; returns the number of bytes, and 0 at the end.</param>
    /// <exception cref="RunException">65: it cannot be a file of this tree. 73: it cannot be written.</exception>
    public void AddFile(string path, bool isExecutable, Func<byte[], int> read)
    {
        var entry = Place(path, out var place);
        var mode = isExecutable ? Permissions.PrivateScript : Permissions.PrivateData;

        // The descriptor that creates a file can write it, whatever its mode.
        const int Flags = OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive;
        using var file = FilesAt.Open(_directory, place, Flags | OpenFlags.NoFollow, mode).OrThrow(error => CannotCreate(place, error));
        Check(_umaskHides ? Files.ChangeMode(file, mode) : Errno.None, place);

        var hash = new Sha256();
        for (int length; (length = read(_buffer)) > 0;)
        {
            Unpack(length);
            var bytes = _buffer.AsSpan(0, length);
            hash.Append(bytes);
            Check(Files.Write(file, bytes), place);
        }

        entry.Kind = isExecutable ? TreeFileKind.Executable : TreeFileKind.Plain;
        entry.Content = hash.Finish();
    }

    /// <summary>A symbolic link. Where it leads is checked in <see cref="Finish"/>.</summary>
    /// <exception cref="RunException">65: it cannot be a link of this tree. 73: it cannot be written.</exception>
    public void AddLink(string path, string target)
    {
        if (target is "" or ['/', ..] || CharChecks.HasControl(target) || TreePath.Length(target) > TreePath.MaxBytes)
        {
            throw Refused(target is ['/', ..] ? "a link that leads out of it" : "a link that leads nowhere", $"{path} -> {target}");
        }

        var entry = Place(path, out _);
        CountPath(target);
        entry.Kind = TreeFileKind.Link;
        entry.Content = target;
    }

    /// <summary>
    /// Another name of an earlier file. It becomes a copy, because a file of several names could not be checked by its stamp, and some file
    /// systems have none.
    /// </summary>
    /// <param name="target">The path of that file, from the root of what is unpacked.</param>
    /// <exception cref="RunException">65: it cannot be a file of this tree, or there is none there. 73: it cannot be written.</exception>
    public void AddHardLink(string path, string target)
    {
        var names = TreePath.Names(target, out var flaw);
        var known = flaw is null ? Find(names) : null;
        if (known?.Kind is null)
        {
            throw Refused(flaw is null ? "a hard link to what is not in it" : "a hard link that leads out of it", $"{path} -> {target}");
        }

        if (known.Kind == TreeFileKind.Link)
        {
            AddLink(path, known.Content);
            return;
        }

        var place = string.Join('/', names);
        using var file = FilesAt.Open(_directory, place, OpenFlags.ReadOnly | OpenFlags.NoFollow)
            .OrThrow(error => CannotWrite(place, error));
        AddFile(
            path, known.Kind == TreeFileKind.Executable,
            buffer => Files.ReadSome(file, buffer).OrThrow(error => CannotWrite(place, error)));
    }

    /// <summary>Checks and creates the links, and moves the tree to <c>tree</c> in the directory. Then nothing in it is writable.</summary>
    /// <param name="unwrap">If everything is in one directory, that directory is the tree.</param>
    /// <exception cref="RunException">65: a link leads out of the tree. 73: something cannot be written.</exception>
    public TreeListing Finish(bool unwrap)
    {
        var root = unwrap ? OnlyDirectory() : Root;
        Unwrapped = root == Root ? null : _entries[root].Name;

        var paths = Paths(root);
        string InArchive(int entry) => root == Root ? paths[entry] : $"{Unwrapped}/{paths[entry]}";
        for (var i = 1; i < _entries.Count; i++)
        {
            if (_entries[i] is { Kind: TreeFileKind.Link } link && LeadsOut(link, root))
            {
                throw Refused("a link that leads out of it", $"{InArchive(i)} -> {link.Content}");
            }
        }

        for (var i = 1; i < _entries.Count; i++)
        {
            if (_entries[i] is { Kind: TreeFileKind.Link } link)
            {
                var error = FilesAt.MakeLink(_directory, InArchive(i), link.Content);
                _ = error == Errno.None ? error : throw CannotCreate(InArchive(i), error);
            }
        }

        for (var i = 1; i < _entries.Count; i++)
        {
            if (i != root && _entries[i].Kind is null)
            {
                Check(FilesAt.ChangeMode(_directory, InArchive(i), Permissions.SealedDirectory), InArchive(i));
            }
        }

        Move(root);
        return Listing(paths);
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>A sealed directory cannot be moved to another one, because its <c>..</c> changes. So it is sealed after that.</summary>
    private void Move(int root)
    {
        var (unpacked, tree) = ($"{_path}/{Unpacked}", $"{_path}/{Tree}");
        Check(Files.Rename(root == Root ? unpacked : $"{unpacked}/{_entries[root].Name}", tree), "");
        Check(Files.ChangeMode(tree, Permissions.SealedDirectory), "");
        Check(root == Root ? Errno.None : Files.RemoveDirectory(unpacked), "");
        _directory.Dispose();
    }

    private TreeListing Listing(string[] paths)
    {
        var files = new List<TreeFile>(_entries.Count);
        for (var i = 1; i < _entries.Count; i++)
        {
            if (_entries[i] is { Kind: { } kind } entry)
            {
                var digest = kind == TreeFileKind.Link ? Sha256.HexOf(OsText.ToBytes(entry.Content)) : entry.Content;
                files.Add(new TreeFile(paths[i], kind, digest));
            }
        }

        return new TreeListing(files);
    }

    /// <summary>The directory in which everything is; else the root.</summary>
    private int OnlyDirectory()
    {
        var only = Root;
        for (var i = 1; i < _entries.Count; i++)
        {
            if (_entries[i].Directory == Root)
            {
                if (only != Root || _entries[i].Kind is not null)
                {
                    return Root;
                }

                only = i;
            }
        }

        return only;
    }

    /// <summary>The path of each entry, as seen from <paramref name="root"/>. Directories come before what is in them.</summary>
    private string[] Paths(int root)
    {
        var paths = new string[_entries.Count];
        paths[Root] = "";
        for (var i = 1; i < paths.Length; i++)
        {
            var (directory, name) = (_entries[i].Directory, _entries[i].Name);
            paths[i] = i == root ? "" : directory == root || directory == Root ? name : $"{paths[directory]}/{name}";
        }

        return paths;
    }

    /// <summary>
    /// Follows the link as the kernel does, through the other links of the tree. It may lead to what does not exist, but not up again from
    /// there: in a file system that folds the case of names, something may be there after all, and lead elsewhere.
    /// </summary>
    private bool LeadsOut(Entry link, int root)
    {
        var (at, missing, followed) = (link.Directory, false, 1);
        var rest = new Stack<string>();
        Follow(link);
        while (rest.TryPop(out var name))
        {
            if (++_linkSteps > MaxLinkSteps)
            {
                throw new RunException(ExitStatus.Data, $"{_shown} holds too many links that lead through others");
            }

            if (name == "..")
            {
                if (missing || at == root)
                {
                    return true;
                }

                at = _entries[at].Directory;
            }
            else if (missing || !_places.TryGetValue((at, name), out var next)
                || _entries[next].Kind is TreeFileKind.Plain or TreeFileKind.Executable)
            {
                missing = true;
            }
            else if (_entries[next].Kind is null)
            {
                at = next;
            }
            else if (++followed > MaxLinks)
            {
                return false;
            }
            else
            {
                Follow(_entries[next]);
            }
        }

        return false;

        void Follow(Entry entry)
        {
            var names = entry.Content.Split('/');
            for (var i = names.Length - 1; i >= 0; i--)
            {
                if (names[i] is not ("" or "."))
                {
                    rest.Push(names[i]);
                }
            }
        }
    }

    /// <summary>A new entry, whose directory exists; its kind is still to be set.</summary>
    /// <param name="place">Its path, from the root of what is unpacked.</param>
    private Entry Place(string path, out string place)
    {
        var names = Names(path);
        if (names.Length == 0)
        {
            throw Refused("a file without a name", path);
        }

        var directory = Directory(names, names.Length - 1, path);
        place = string.Join('/', names);
        return _entries[Add(directory, names[^1], place)];
    }

    /// <summary>The directory of the first <paramref name="count"/> names. What is missing of it is created.</summary>
    private int Directory(string[] names, int count, string path)
    {
        var at = Root;
        for (var i = 0; i < count; i++)
        {
            if (_places.TryGetValue((at, names[i]), out var known))
            {
                at = _entries[known].Kind is not { } kind ? known
                    : i == names.Length - 1 ? throw Refused("two entries of one path", path)
                    : throw Refused(kind == TreeFileKind.Link ? "an entry below a link" : "an entry below a file", path);
                continue;
            }

            var place = string.Join('/', names, 0, i + 1);
            at = Add(at, names[i], place);
            var error = FilesAt.MakeDirectory(_directory, place, Permissions.PrivateDirectory);
            _ = error == Errno.None ? error : throw CannotCreate(place, error);
            Check(_umaskHides ? FilesAt.ChangeMode(_directory, place, Permissions.PrivateDirectory) : Errno.None, place);
        }

        return at;
    }

    private int Add(int directory, string name, string place)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, (directory, name), out var exists);
        if (exists)
        {
            throw Refused("two entries of one path", place);
        }

        Progressed?.Invoke();
        Count(_entries.Count);
        CountPath(place);
        known = _entries.Count;
        _entries.Add(new Entry(directory, name));
        return known;
    }

    private Entry? Find(string[] names)
    {
        var at = Root;
        foreach (var name in names)
        {
            if (!_places.TryGetValue((at, name), out at))
            {
                return null;
            }
        }

        return _entries[at];
    }

    private string[] Names(string path)
    {
        Count(++_added);
        var names = TreePath.Names(path, out var flaw);
        flaw ??= TreePath.Length(path) > _maxPath ? "a path that is too long" : null;
        return flaw is null ? names : throw Refused(flaw, path);
    }

    /// <summary>For what was added and for what exists: a directory may be added again, and those above a file need not be added.</summary>
    private void Count(int entries)
    {
        if (entries > MaxEntries)
        {
            throw new RunException(ExitStatus.Data, $"{_shown} holds more than 50,000 entries");
        }
    }

    private void CountPath(string path)
    {
        _pathBytes += TreePath.Length(path);
        if (_pathBytes > MaxPathBytes)
        {
            throw new RunException(ExitStatus.Data, $"{_shown} holds more than {MaxPathBytes >> 20} MiB of names");
        }
    }

    private void Unpack(int bytes)
    {
        Progressed?.Invoke();
        _bytes += bytes;
        if (_bytes > MaxBytes)
        {
            throw new RunException(ExitStatus.Data, $"{_shown} unpacks to more than {MaxBytes >> 20} MiB");
        }
    }

    private RunException Refused(string what, string path) => Refused(_shown, what, path);

    /// <summary>What exists although no entry has that name has a name that the file system takes for the same.</summary>
    private RunException CannotCreate(string place, Errno error) => error == Errno.Exists
        ? Refused("two entries that are one path in this file system", place)
        : CannotWrite(place, error);

    private void Check(Errno error, string place)
    {
        if (error != Errno.None)
        {
            throw CannotWrite(place, error);
        }
    }

    private RunException CannotWrite(string place, Errno error) =>
        new(ExitStatus.CannotWrite, $"{(place is "" ? _path : $"{_path}/{Unpacked}/{place}")}: cannot be written: {error.Describe()}");

    /// <summary>What is at one place of the tree.</summary>
    /// <param name="directory">The directory that it is in: an index of <see cref="_entries"/>.</param>
    private sealed class Entry(int directory, string name)
    {
        public int Directory => directory;

        public string Name => name;

        /// <summary>Null: a directory.</summary>
        public TreeFileKind? Kind { get; set; }

        /// <summary>The digest of a file, the target of a link.</summary>
        public string Content { get; set; } = "";
    }
}
