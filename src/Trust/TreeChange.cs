using Run.Posix;
using Run.Trees;

namespace Run.Trust;

/// <summary>
/// What differs between two trees, by their listings: so trees with different digests always differ in something that can be shown.
/// </summary>
/// <param name="OldRoot">The directory of the old tree; null if there is none.</param>
/// <param name="NewRoot">The directory of the new tree.</param>
/// <param name="Lines">What the contents of files don't show: modes, links and empty files.</param>
/// <param name="Contents">The regular files whose contents differ, or that only one of the trees has.</param>
internal sealed record TreeChange(
    string? OldRoot, string NewRoot, IReadOnlyList<string> Lines, IReadOnlyList<ChangedContent> Contents)
{
    private static readonly string s_empty = Sha256.HexOf([]);

    /// <param name="before">Null if everything is new.</param>
    public static TreeChange Of((string Root, TreeListing Listing)? before, (string Root, TreeListing Listing) after)
    {
        var old = new Dictionary<string, TreeFile>(before?.Listing.Files.Count ?? 0);
        foreach (var file in before?.Listing.Files ?? [])
        {
            old.Add(file.Path, file);
        }

        var pairs = new List<(string Path, TreeFile? Old, TreeFile? New)>();
        foreach (var file in after.Listing.Files)
        {
            _ = old.Remove(file.Path, out var known);
            if (known != file)
            {
                pairs.Add((file.Path, known, file));
            }
        }

        foreach (var file in old.Values)
        {
            pairs.Add((file.Path, file, null));
        }

        var (lines, contents) = (new List<string>(), new List<ChangedContent>());
        foreach (var (path, was, becomes) in pairs.OrderBy(static pair => pair.Path, StringComparer.Ordinal))
        {
            lines.AddRange(Describe(path, was, becomes, () => Target(before?.Root, path), () => Target(after.Root, path)));
            var (from, to) = (Content(was), Content(becomes));
            if ((from ?? s_empty) != (to ?? s_empty))
            {
                contents.Add(new ChangedContent(path, from is not null, to is not null));
            }
        }

        return new TreeChange(before?.Root, after.Root, lines, contents);
    }

    private static IEnumerable<string> Describe(
        string path, TreeFile? was, TreeFile? becomes, Func<string> oldTarget, Func<string> newTarget)
    {
        if (was is { Kind: not TreeFileKind.Link } before && becomes is { Kind: not TreeFileKind.Link } after)
        {
            return before.Kind == after.Kind ? [] : [$"mode change {Mode(before)} => {Mode(after)} {path}"];
        }

        if (was?.Kind == TreeFileKind.Link && becomes?.Kind == TreeFileKind.Link)
        {
            return [$"changed link {path} -> {newTarget()} (was {oldTarget()})"];
        }

        // What is neither empty nor executable is described by its contents.
        var deleted = was switch
        {
            null => null,
            { Kind: TreeFileKind.Link } => $"deleted link {path} -> {oldTarget()}",
            { Sha256: var digest } => digest == s_empty ? $"deleted file {path} (empty)" : null,
        };
        var added = becomes switch
        {
            null => null,
            { Kind: TreeFileKind.Link } => $"new link {path} -> {newTarget()}",
            { Kind: var kind, Sha256: var digest } => (digest == s_empty, kind == TreeFileKind.Executable) switch
            {
                (true, true) => $"new file {path} (empty, executable)",
                (true, false) => $"new file {path} (empty)",
                (false, true) => $"new file {path} (executable)",
                _ => null,
            },
        };
        return new[] { deleted, added }.WhereNotNull();
    }

    private static string Mode(TreeFile file) => file.Kind == TreeFileKind.Executable ? "100755" : "100644";

    private static string? Content(TreeFile? file) => file is { Kind: not TreeFileKind.Link } ? file.Sha256 : null;

    private static string Target(string? root, string path) => Files.LinkTarget($"{root}/{path}").Value ?? "?";
}

/// <summary>A regular file whose contents differ.</summary>
/// <param name="Path">In the trees.</param>
/// <param name="IsInOld">Whether the old tree has it.</param>
/// <param name="IsInNew">Whether the new tree has it.</param>
internal sealed record ChangedContent(string Path, bool IsInOld, bool IsInNew);
