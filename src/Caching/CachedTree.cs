using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Trees;

namespace Run.Caching;

/// <summary>A tree in the cache, whole and with the files that were unpacked.</summary>
/// <param name="Version">Its directory in the cache, which has the listing and the archive as well.</param>
/// <param name="Stamps">The state of its files.</param>
/// <param name="StampsFile">The file with the stamps; null if this process has just written it.</param>
internal sealed record CachedTree(string Version, TreeStamps Stamps, Input.File? StampsFile)
{
    public const string TreeName = "tree", ListingName = "listing", StampsName = "stamps", ArchiveName = "archive";

    /// <summary>The directory of its files.</summary>
    public string Root => $"{Version}/{TreeName}";

    /// <summary>The digest of each file.</summary>
    /// <exception cref="RunException">73: it cannot be read.</exception>
    public TreeListing Listing => ReadListing(Version) ?? throw new RunException(
        ExitStatus.CannotWrite, $"{Version}/{ListingName}: cannot be read");

    /// <summary>The listing of a version; null if it cannot be read, or is damaged.</summary>
    public static TreeListing? ReadListing(string version)
    {
        using var file = Files.Open($"{version}/{ListingName}", OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
        return file is not null && Files.Status(file).Value is { IsRegular: true } status
            && Files.Read(file, TreeStamps.MaxBytes, status.Size).Value is { } text
            ? TreeListing.Parse(text)
            : null;
    }

    /// <summary>The file of that path. One directory around all files of an archive may be named too.</summary>
    /// <param name="top">That directory; null if there is none.</param>
    /// <param name="isCached">Whether it is the tree that the next run would find.</param>
    /// <exception cref="RunException">126: it is not a regular file, or leads through a link. 127: there is none.</exception>
    public TreeStamp File(string path, string? top, ResolvedScript script, bool isCached = true)
    {
        var file = Find(path, top);
        if (file is { IsLink: false } regular)
        {
            return regular;
        }

        var shown = Messages.Printable(path);
        var below = Stamps.Files.Select(static one => one.Path)
            .FirstOrDefault(one => one.StartsWith(path + "/", StringComparison.Ordinal));
        if (file is not null || below is not null)
        {
            var target = file is null ? null : Files.LinkTarget($"{Root}/{path}").Value;
            throw new RunException(
                ExitStatus.CannotStart,
                $"{script.DisplayName}: {shown} is {(file is null ? "a directory" : "a symbolic link")}, not a regular file",
                target is not null ? $"it leads to {Messages.Printable(target)}"
                    : below is not null ? $"name a file in it, such as {Messages.Printable(below)}"
                    : null);
        }

        if (ThroughLinks(path) is { } real)
        {
            throw new RunException(
                ExitStatus.CannotStart, $"{script.DisplayName}: {shown} leads through a symbolic link, and is not a file of its own",
                $"did you mean {Messages.Printable(real)}?");
        }

        const int MostCompared = 2000;
        var nearest = Suggestion.For(path, Stamps.Files.Take(MostCompared).Select(static one => one.Path))
            ?? Stamps.Files.Select(static one => one.Path).FirstOrDefault(
                one => one[(one.LastIndexOf('/') + 1)..] == path[(path.LastIndexOf('/') + 1)..]);
        throw new RunException(
            ExitStatus.NotFound, $"{script.DisplayName}: no file {shown} in {UrlText.Redacted(script.Tree!.PackageAndRef)}",
            nearest is not null ? $"did you mean {Messages.Printable(nearest)}?"
                : !isCached ? null
                : script is { Source: { } source, PathAndRef: { } rest } && source.InTree(rest) is { } tree
                    ? $"run --list {source.Name}:{tree.Head}{tree.Tail} shows what is in it"
                : script.HasDigest || RefName.IsCommit(script.Tree!.Ref ?? "") ? null
                : "run -u asks the server for a newer version");
    }

    /// <summary>The file, or link, of that path; null if there is none. See <see cref="File"/>.</summary>
    public TreeStamp? Find(string path, string? top) => Find(path)
        ?? (top is not null && path.StartsWith(top + "/", StringComparison.Ordinal) ? Find(path[(top.Length + 1)..]) : null);

    /// <summary>Whether it has a script of that path: a regular file. See <see cref="File"/>.</summary>
    public bool HasScript(string path, string? top) => Find(path, top) is { IsLink: false };

    /// <summary>The file to which a path leads through links to directories; null if there is none.</summary>
    private string? ThroughLinks(string path)
    {
        const int MaxLinks = 40; // as in the kernel (path_resolution(7))
        var (at, rest, followed) = (new List<string>(), new Stack<string>(), 0);
        Push(path);
        while (rest.TryPop(out var name))
        {
            if (name == "..")
            {
                if (at.Count == 0)
                {
                    return null;
                }

                at.RemoveAt(at.Count - 1);
                continue;
            }

            at.Add(name);
            if (Find(string.Join('/', at)) is { IsLink: true } link)
            {
                if (++followed > MaxLinks || Files.LinkTarget($"{Root}/{link.Path}").Value is not { } target)
                {
                    return null;
                }

                at.RemoveAt(at.Count - 1);
                Push(target);
            }
        }

        return Find(string.Join('/', at)) is { IsLink: false } file ? file.Path : null;

        void Push(string names)
        {
            var parts = names.Split('/');
            for (var i = parts.Length - 1; i >= 0; i--)
            {
                if (parts[i] is not ("" or "."))
                {
                    rest.Push(parts[i]);
                }
            }
        }
    }

    private TreeStamp? Find(string path)
    {
        foreach (var file in Stamps.Files)
        {
            if (file.Path == path)
            {
                return file;
            }
        }

        return null;
    }
}
