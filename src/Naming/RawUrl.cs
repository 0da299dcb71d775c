namespace Run.Naming;

/// <summary>Turns the URL of a page that shows a script, as copied from a browser, into the URL of the script itself.</summary>
internal static class RawUrl
{
    /// <summary>The script's own URL if <paramref name="url"/> is that of a page that shows it; else the URL unchanged.</summary>
    public static string ToRaw(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var page))
        {
            return url;
        }

        // The text itself is split, not the parsed Uri, so that percent-encoding stays unchanged.
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var slash = url.IndexOf('/', start);
        if (slash < 0)
        {
            return url;
        }

        var root = url[..slash];
        var end = url.AsSpan(slash).IndexOfAny('?', '#') is >= 0 and var cut ? slash + cut : url.Length;
        var path = url[(slash + 1)..end].Split('/');
        var host = page.Host.ToLowerInvariant();
        return host switch
        {
            "github.com" or "www.github.com" => GitHub(root, path),
            "gist.github.com" => Gist(root, path),
            "bitbucket.org" => path is [var owner, var repo, "src", var commit, _, ..]
                ? Join(root, owner, repo, "raw", commit, path[4..])
                : null,
            "codeberg.org" or "gitea.com" => path is [var owner, var repo, "src" or "blob", var kind, _, ..]
                ? Join(root, owner, repo, "raw", kind, path[4..])
                : null,
            _ => null,
        }
        ?? SelfHosted(root, path)
        ?? url;
    }

    /// <summary>
    /// For the page of a repository or of a directory in one: what SCRIPT would look like for a file in it. Null for any other URL.
    /// </summary>
    public static string? FileInRepository(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var page))
        {
            return null;
        }

        var scope = page.Host.ToLowerInvariant() switch
        {
            "github.com" or "www.github.com" => "github",
            "gitlab.com" => "gitlab",
            "codeberg.org" => "codeberg",
            "bitbucket.org" => "bitbucket",
            _ => null,
        };
        return scope is null ? null : page.AbsolutePath.Trim('/').Split('/') switch
        {
            [var owner, var repo] => $"{scope}:{owner}/{WithoutGit(repo)}/PATH",
            [var owner, var repo, "tree", var reference] => $"{scope}:{owner}/{repo}/PATH@{reference}",
            [var owner, var repo, "tree", var reference, .. var path] =>
                $"{scope}:{owner}/{repo}/{string.Join('/', path)}/FILE@{reference}",
            [var owner, var repo, "-", "tree", var reference] => $"{scope}:{owner}/{repo}/PATH@{reference}",
            _ => null,
        };

        static string WithoutGit(string name) => name.EndsWith(".git", StringComparison.Ordinal) ? name[..^4] : name;
    }

    /// <summary>
    /// For the page of a gist with the anchor of one of its files: what SCRIPT would look like for that file. The anchor does not tell the
    /// file's name, in which other characters may be where it has hyphens. Null for any other URL.
    /// </summary>
    public static string? FileInGist(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var page) && page.Host.Equals("gist.github.com", StringComparison.OrdinalIgnoreCase)
        && page.Fragment.StartsWith("#file-", StringComparison.OrdinalIgnoreCase)
            ? page.AbsolutePath.Trim('/').Split('/') switch
            {
                [var id] when IsId(id) => $"gist:OWNER/{id}/FILE",
                [var user, var id] when IsId(id) => $"gist:{user}/{id}/FILE",
                [var user, var id, var revision] when IsId(id) && IsId(revision) =>
                    $"https://gist.githubusercontent.com/{user}/{id}/raw/{revision}/FILE",
                _ => null,
            }
            : null;

    /// <summary>
    /// For the page of a directory at a ref: SCRIPT for a file in it, with all its neighbours. Null for the page of a whole repository.
    /// </summary>
    /// <param name="file">What <see cref="FileInRepository"/> has returned.</param>
    /// <param name="path">The file's path in the directory.</param>
    public static string? TreeIn(string file, string path) => !file.Contains('@', StringComparison.Ordinal) ? null
        : file.Replace(":", "-tree:", StringComparison.Ordinal).Replace(
            file.Contains("/FILE@", StringComparison.Ordinal) ? "/FILE@" : "/PATH@", $"/{path}@", StringComparison.Ordinal);

    /// <summary>github.com/OWNER/REPO/blob/REF/PATH is raw.githubusercontent.com/OWNER/REPO/REF/PATH.</summary>
    private static string? GitHub(string root, string[] path) => path is [var owner, var repo, "blob", var reference, _, ..]
        ? Join(Host(root, "raw.githubusercontent.com"), owner, repo, reference, path[4], path[5..])
        : null;

    /// <summary>gist.github.com/USER/ID, optionally with a revision, has its only file at …/raw.</summary>
    private static string? Gist(string root, string[] path) => path switch
    {
        [var user, var id] when IsId(id) => Join(Host(root, "gist.githubusercontent.com"), user, id, "raw", []),
        [var user, var id, var revision] when IsId(id) && IsId(revision) =>
            Join(Host(root, "gist.githubusercontent.com"), user, id, "raw", revision, []),
        [var id] when IsId(id) => $"{root}/{id}/raw",
        _ => null,
    };

    /// <summary>
    /// GitLab separates its part of a path with <c>/-/</c>; Gitea and Forgejo name the kind of ref. Both can be recognized on any host. A
    /// bare <c>/blob/</c> or <c>/src/</c> cannot: it may be an ordinary directory.
    /// </summary>
    private static string? SelfHosted(string root, string[] path)
    {
        var mark = Array.IndexOf(path, "-");
        if (mark >= 2 && path.Length > mark + 3 && path[mark + 1] == "blob")
        {
            path[mark + 1] = "raw";
            return $"{root}/{string.Join('/', path)}";
        }

        return path is [var owner, var repo, "src", "branch" or "tag" or "commit", _, _, ..]
            ? Join(root, owner, repo, "raw", path[3], path[4..])
            : null;
    }

    private static bool IsId(string text) => text.Length >= 20 && text.All(char.IsAsciiHexDigit);

    /// <summary>The same scheme, user name and password with another host of the same owner.</summary>
    private static string Host(string root, string host)
    {
        var start = Math.Max(root.LastIndexOf('@'), root.IndexOf("://", StringComparison.Ordinal) + 2) + 1;
        return root[..start] + host;
    }

    private static string Join(string root, string a, string b, string c, string d, string[] rest) =>
        $"{root}/{a}/{b}/{c}/{d}" + string.Concat(rest.Select(static part => "/" + part));

    private static string Join(string root, string a, string b, string c, string[] rest) =>
        $"{root}/{a}/{b}/{c}" + string.Concat(rest.Select(static part => "/" + part));
}
