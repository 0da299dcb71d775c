using Run.Reporting;

namespace Run.Naming;

/// <summary>
/// What SCRIPT stands for: a local file, or URLs and the digest that their bytes must have. It is made from the command line and run.conf
/// only; no file or server has been looked at yet.
/// </summary>
/// <param name="DisplayName">The script's name in messages: SCRIPT without its digest and without secrets.</param>
/// <param name="Local">The path of a local file, relative if it was typed that way; null for a script that is fetched.</param>
/// <param name="Source">The source it is fetched from; null for a full URL.</param>
/// <param name="Urls">Its URL, then those of the mirrors. Empty for a local file.</param>
/// <param name="Digest">The digest that its bytes must have, or those of the archive it is in, in lower case; null for none.</param>
internal sealed record ResolvedScript(string DisplayName, string? Local, Source? Source, IReadOnlyList<string> Urls, string? Digest)
{
    public string Url => Urls[0];

    /// <summary>The URL's parts, if the script is one file of many; null for a script that is one file.</summary>
    public TreeUrl? Tree => Local is null ? TreeUrl.Parse(Url) : null;

    /// <summary>The digest that the tree must have which the script is a file of; null for none.</summary>
    public string? TreeDigest { get; init; }

    /// <summary>Whether what is run is known beforehand, byte for byte.</summary>
    public bool HasDigest => (Digest ?? TreeDigest) is not null;

    /// <summary>The script's file name: what <c>basename "$0"</c> gives.</summary>
    public string FileName => Tree?.FileName ?? UrlText.FileName(Url);

    /// <summary>The display name, quoted for commands that a message suggests.</summary>
    public string ShellQuoted => ShellWords.Join([DisplayName]);

    /// <summary>The URL that SCRIPT itself stands for, even if a pin has chosen another ref of its source.</summary>
    public string NamedUrl { get; } = Urls is [var url, ..] ? url : "";

    /// <summary>The URLs under which there may be a copy: of a pinned script, also the one without the pin.</summary>
    public IEnumerable<string> CachedUrls => Url == NamedUrl ? [Url] : [Url, NamedUrl];

    /// <summary>The part of SCRIPT after the source's name, including the ref; null for a script without a source.</summary>
    public string? PathAndRef { get; init; }

    /// <summary>Whether SCRIPT as it was typed has parts that must not be written down: see <see cref="UrlText.Redacted"/>.</summary>
    public bool HidesSecrets { get; init; }

    /// <summary>The run.pins that <see cref="Urls"/> and <see cref="Digest"/> come from; null if no line of one names the script.</summary>
    public string? PinnedBy { get; init; }

    public bool IsPinned => PinnedBy is not null;

    /// <summary>Whether SCRIPT is a bare NAME: the source <c>default</c> was meant without being named.</summary>
    public bool IsBare { get; init; }

    /// <summary>Whether SCRIPT is a bare NAME, and no run.conf says where such names come from.</summary>
    public bool IsBareAndBuiltIn => IsBare && Source is { IsBuiltIn: true };

    /// <summary>The same script at another ref. Only for a script of a source.</summary>
    public ResolvedScript At(string reference) => this with { Urls = Source!.At(Source.SplitRef(PathAndRef!).Path, reference) };

    /// <param name="script">SCRIPT as typed.</param>
    /// <param name="digest">The digest of <c>--sha256</c>; null for none.</param>
    /// <param name="source">Finds a source by name; called only if SCRIPT needs one.</param>
    /// <param name="home">Returns the user's home; called only for <c>~/</c>.</param>
    /// <exception cref="RunException">64: SCRIPT names nothing that can be run. 78: run.conf has a mistake.</exception>
    public static ResolvedScript From(string script, string? digest, Func<string, Source> source, Func<string?> home)
    {
        var name = ScriptName.Parse(script);
        digest = Naming.Digest.Same(name.Digest, digest);
        var found = From(name, digest, source, home) with { TreeDigest = name.TreeDigest };
        var tree = found.Tree;
        return tree is null && found.TreeDigest is not null
            ? throw new RunException(
                ExitStatus.Usage, $"{found.DisplayName}: {Naming.Digest.TreeFragment} is the digest of many files, and this is one",
                $"use {Naming.Digest.Fragment}HEX")
            : tree is { IsRepository: true } && found.Digest is not null
            ? throw new RunException(
                ExitStatus.Usage, $"{found.DisplayName}: a repository has no SHA-256 digest of its own",
                $"use {Naming.Digest.TreeFragment}HEX, which is the digest of its files")
            : found;
    }

    private static ResolvedScript From(ScriptName name, string? digest, Func<string, Source> source, Func<string?> home)
    {
        switch (name)
        {
            case ScriptName.Local local:
                return new ResolvedScript(local.Text, local.Path(home), null, [], digest);
            case ScriptName.Remote remote:
                // As a browser shows the page of a repository: https://github.com/o/r/.
                var withoutFragment = remote.Url.Split('#')[0];
                if (withoutFragment.EndsWith('/') && RawUrl.FileInRepository(withoutFragment.TrimEnd('/')) is { } inIt)
                {
                    throw new RunException(
                        ExitStatus.Usage, $"{UrlText.Redacted(remote.Url)}: the page of a repository, not a script",
                        $"name a file in it: {inIt}");
                }

                if (RawUrl.FileInGist(remote.Url) is { } inGist)
                {
                    throw new RunException(
                        ExitStatus.Usage, $"{UrlText.Redacted(withoutFragment)}: the page of a gist, which may have several files",
                        $"name the file: {inGist}");
                }

                var url = UrlText.Normalize(remote.Url);
                TreeUrl.RefusePathInQuery(url);
                var tree = TreeUrl.Parse(url);
                var page = url;
                url = tree?.ToString() ?? RawUrl.ToRaw(url);

                // A page's fragment is a place on it. Another one may be meant as a digest, and must not be dropped.
                if (remote.Url.Contains('#', StringComparison.Ordinal) && (tree is not null || url == page))
                {
                    throw UrlText.WrongFragment(remote.Url);
                }

                if (RawUrl.FileInRepository(tree is null ? url : tree.IsRepository ? "" : tree.Package) is { } file)
                {
                    throw new RunException(
                        ExitStatus.Usage,
                        $"{UrlText.Redacted(remote.Text)}: the page of a repository, not {(tree is null ? "a script" : "an archive")}",
                        tree is null ? $"name a file in it: {file}"
                            : $"did you mean {RawUrl.TreeIn(file, tree.Path) ?? TreeUrl.GitPrefix + UrlText.Redacted(url)}?");
                }

                var shown = UrlText.Redacted(remote.Text);
                return new ResolvedScript(shown, null, null, [UrlText.Checked(url)], digest) { HidesSecrets = shown != remote.Text };
            default:
                var scoped = (ScriptName.Scoped)name;
                var found = source(scoped.Scope);
                if (found.IsDirectory)
                {
                    return new ResolvedScript(scoped.Text, found.FileFor(scoped.PathAndRef, home), found, [], digest);
                }

                IReadOnlyList<string> urls = [.. found.Expand(scoped.PathAndRef).Select(UrlText.Checked)];
                return new ResolvedScript(scoped.Text, null, found, urls, digest)
                {
                    PathAndRef = scoped.PathAndRef,
                    IsBare = scoped.PathAndRef.Length == scoped.Text.Length,
                };
        }
    }
}
