using System.Text;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Trees;

namespace Run.Git;

/// <summary>
/// The files of a commit, from git's own objects. Nothing is checked out: that would ask the repository's .gitattributes, and run the
/// filters, hooks and monitors that the user has configured for repositories of their own.
/// </summary>
internal sealed class CommitTree(ObjectReader objects, string commit, string shown)
{
    private const string Directory = "40000", Executable = "100755", Link = "120000", Submodule = "160000";

    // Octets of a tree object: 50,000 entries with long names.
    private const long MaxTree = 20L << 20;
    private const long MaxPathBytes = 16L << 20;

    // git's own tools write the first; the second is of early versions of git.
    private static readonly string[] s_plain = ["100644", "100664"];

    private readonly List<(string Path, string Mode, string Name)> _files = [];
    private readonly Queue<(string Path, string Name)> _directories = [];
    private int _entries;
    private long _pathBytes;

    /// <exception cref="RunException">65: something in it is refused. 73: something cannot be written.</exception>
    /// <exception cref="DamagedRepositoryException">An object is missing, or broken.</exception>
    public void Write(TreeWriter writer)
    {
        _directories.Enqueue(("", Root()));
        List(writer);
        WriteFiles(writer);
    }

    private string Root()
    {
        var (_, size) = Next(commit, ask: true, "commit");
        var start = new byte[commit.Length + 6];
        ReadAll(start, size);
        return Encoding.ASCII.GetString(start).Split(' ', '\n') is ["tree", var name, ..] && RefName.IsCommit(name) && objects.Skip()
            ? name
            : throw new DamagedRepositoryException();
    }

    /// <summary>Reads all directories, one level after the other, so that git always has some to go on with.</summary>
    private void List(TreeWriter writer)
    {
        var asked = new Queue<(string Path, string Name)>();
        while (_directories.Count > 0 || asked.Count > 0)
        {
            while (_directories.Count > 0 && asked.Count < ObjectReader.Ahead)
            {
                var directory = _directories.Dequeue();
                Ask(directory.Name);
                asked.Enqueue(directory);
            }

            var (path, name) = asked.Dequeue();
            var (_, size) = Next(name, ask: false, "tree");
            if (size > MaxTree)
            {
                throw TooMany();
            }

            var bytes = new byte[size];
            ReadAll(bytes, size);
            Close();
            Parse(bytes, path, writer);
        }
    }

    /// <summary>A tree object: for each entry its mode, a space, its name, a NUL, and the bytes of its object's name.</summary>
    private void Parse(ReadOnlySpan<byte> rest, string path, TreeWriter writer)
    {
        var length = commit.Length / 2;
        while (!rest.IsEmpty)
        {
            var space = rest.IndexOf((byte)' ');
            var end = rest.IndexOf((byte)0);
            if (space < 1 || end < space || rest.Length < end + 1 + length)
            {
                throw new DamagedRepositoryException();
            }

            var mode = Encoding.ASCII.GetString(rest[..space]).TrimStart('0');
            var name = OsText.FromBytes(rest[(space + 1)..end]);
            var id = Convert.ToHexStringLower(rest.Slice(end + 1, length));
            rest = rest[(end + 1 + length)..];
            Add(path, name, mode, id, writer);
        }
    }

    private void Add(string directory, string name, string mode, string id, TreeWriter writer)
    {
        var path = directory.Length == 0 ? name : $"{directory}/{name}";
        if (name is "" or "." or ".." || name.Contains('/', StringComparison.Ordinal))
        {
            throw Refused("a name that no file can have", path);
        }

        _pathBytes += TreePath.Length(path);
        if (++_entries > TreeWriter.MaxEntries || _pathBytes > MaxPathBytes)
        {
            throw TooMany();
        }

        switch (mode)
        {
            case Directory:
                // It refuses paths that are too long or too deep, before more of them are read.
                writer.AddDirectory(path);
                _directories.Enqueue((path, id));
                break;
            case Executable or Link:
                _files.Add((path, mode, id));
                break;
            case Submodule:
                break;
            default:
                _files.Add(s_plain.Contains(mode) ? (path, mode, id) : throw Refused("neither a file nor a link", path));
                break;
        }
    }

    private void WriteFiles(TreeWriter writer)
    {
        var (asked, bytes) = (0, 0L);
        for (var i = 0; i < _files.Count; i++)
        {
            for (; asked < _files.Count && asked < i + ObjectReader.Ahead; asked++)
            {
                Ask(_files[asked].Name);
            }

            var (path, mode, name) = _files[i];
            var (_, size) = Next(name, ask: false, "blob");
            bytes += size;
            if (bytes > TreeWriter.MaxBytes)
            {
                throw new RunException(ExitStatus.Data, $"{shown} unpacks to more than {TreeWriter.MaxBytes >> 20} MiB");
            }

            if (mode == Link)
            {
                var target = new byte[size <= TreePath.MaxBytes ? size : throw Refused("a link that leads nowhere", path)];
                ReadAll(target, size);
                writer.AddLink(path, OsText.FromBytes(target));
            }
            else
            {
                writer.AddFile(path, mode == Executable, buffer => Some(objects.Read(buffer)));
            }

            Close();
        }
    }

    private void Ask(string name) => _ = objects.Ask(name) ? true : throw new DamagedRepositoryException();

    private (string Type, long Size) Next(string name, bool ask, string type)
    {
        if (ask)
        {
            Ask(name);
        }

        return objects.Next() is { } found && found.Name == name && found.Type == type
            ? (found.Type, found.Size)
            : throw new DamagedRepositoryException();
    }

    private void ReadAll(Span<byte> into, long size)
    {
        if (size < into.Length)
        {
            throw new DamagedRepositoryException();
        }

        while (!into.IsEmpty)
        {
            into = into[Some(objects.Read(into))..];
        }
    }

    private void Close() => _ = objects.Close() ? true : throw new DamagedRepositoryException();

    private static int Some(int read) => read >= 0 ? read : throw new DamagedRepositoryException();

    private RunException TooMany() => new(ExitStatus.Data, $"{shown} holds more than 50,000 entries");

    private RunException Refused(string what, string path) => new(ExitStatus.Data, $"{shown} holds {what}: {path}");
}

/// <summary>What is in the repository is not what was fetched.</summary>
internal sealed class DamagedRepositoryException : Exception;
