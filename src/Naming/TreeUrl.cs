using System.Text;
using Run.Reporting;

namespace Run.Naming;

/// <summary>
/// The URL of one file of many. A <c>//</c> after the host separates what is fetched as a whole, an archive or (with <c>git+</c>) a
/// repository, from the file's path in it. The query of an archive's URL stays at the end: <c>https://h/x.tgz//bin/x?token=…</c>.
/// </summary>
/// <param name="Package">The URL of the archive, or of the repository as git takes it: without <c>git+</c>.</param>
/// <param name="Path">The path in it, decoded, without <c>.</c>, <c>..</c> and empty segments.</param>
/// <param name="Ref">The branch, tag or commit of a repository; null for an archive.</param>
internal sealed record TreeUrl(string Package, string Path, string? Ref)
{
    public const string GitPrefix = "git+";
    public const string Separator = "//";
    private const string SchemeEnd = "://";
    private const string DefaultRef = "HEAD";
    private static readonly string[] s_archives = [".tar", ".tar.gz", ".tgz", ".zip"];
    private static readonly string[] s_gitSchemes = ["git+https", "git+http", "git+ssh", "git+file"];

    public bool IsRepository => Ref is not null;

    /// <summary>Whether no branch, tag or commit is named.</summary>
    public bool IsAtHead => Ref == DefaultRef;

    /// <summary>The last segment of the path.</summary>
    public string FileName => Path[(Path.LastIndexOf('/') + 1)..];

    /// <summary>What is fetched as a whole, as it is known by: for a repository, with the ref.</summary>
    public string PackageAndRef => IsRepository ? $"{GitPrefix}{Package}@{Ref}" : Package;

    public static bool IsGit(string url) => url.StartsWith(GitPrefix, StringComparison.OrdinalIgnoreCase)
        && s_gitSchemes.Any(scheme => url.StartsWith(scheme + SchemeEnd, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether the URL, or the pattern of one, is that of a file of many.</summary>
    public static bool Is(string url) => IsGit(url) || SeparatorIn(url) >= 0;

    /// <summary>What a source's pattern has before and behind the <c>//</c>.</summary>
    public static (string Package, string Path) SplitPattern(string pattern) => SeparatorIn(pattern) is >= 0 and var at
        ? (pattern[..at], pattern[(at + Separator.Length)..])
        : (pattern, "");

    /// <summary>The parts of the URL; null if it is that of a single file.</summary>
    /// <exception cref="RunException">64: a repository without a path, or what cannot be part of such a URL.</exception>
    public static TreeUrl? Parse(string url)
    {
        var isGit = IsGit(url);
        var at = SeparatorIn(url);
        if (at < 0)
        {
            return !isGit ? null : throw new RunException(
                ExitStatus.Usage, $"{UrlText.Redacted(url)}: names no file in the repository",
                "put // and the file's path behind the repository's URL");
        }

        var (package, rest) = (url[..at], url[(at + Separator.Length)..]);
        if (!isGit)
        {
            var (path, query) = rest.IndexOf('?', StringComparison.Ordinal) is >= 0 and var question
                ? (rest[..question], rest[question..])
                : (rest, "");
            return new TreeUrl(package + query, Decoded(path, url), null);
        }

        if (url.AsSpan().IndexOfAny('?', '#') >= 0)
        {
            throw new RunException(
                ExitStatus.Usage, $"{UrlText.Redacted(url)}: the URL of a repository has no query", "in a file's name, write ? as %3F");
        }

        var sign = rest.LastIndexOf('@');
        var reference = sign < 0 ? DefaultRef : UrlText.Decode(rest[(sign + 1)..]);
        return new TreeUrl(
            WithoutLocalhost(package[GitPrefix.Length..]),
            Decoded(sign < 0 ? rest : rest[..sign], url),
            RefName.Checked(reference, UrlText.Redacted(url)));
    }

    /// <summary>The whole URL, in one spelling: what a lock and a pin go by.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(IsRepository ? GitPrefix : "");
        var question = IsRepository ? -1 : Package.IndexOf('?', StringComparison.Ordinal);
        text.Append(question < 0 ? Package : Package[..question]).Append(Separator);
        UrlText.AppendEncoded(text, Path, inQuery: false);
        if (question >= 0)
        {
            text.Append(Package, question, Package.Length - question);
        }

        if (IsRepository && (Ref != DefaultRef || Path.Contains('@', StringComparison.Ordinal)))
        {
            text.Append('@');
            AppendRef(text, Ref!);
        }

        return text.ToString();
    }

    /// <summary>Appends a branch, tag or commit, encoded so that the <c>@</c> before it is the last one: a tag may have one.</summary>
    public static void AppendRef(StringBuilder url, string reference)
    {
        var start = url.Length;
        UrlText.AppendEncoded(url, reference, inQuery: false);
        url.Replace("@", "%40", start, url.Length - start);
    }

    /// <summary>The URL unchanged, if it is valid.</summary>
    /// <exception cref="RunException">64.</exception>
    public static string Checked(string url)
    {
        var tree = Parse(url)!;
        if (!tree.IsRepository)
        {
            _ = UrlText.Checked(tree.Package);
            return url;
        }

        var shown = UrlText.Redacted(url);
        if (!Uri.TryCreate(tree.Package, UriKind.Absolute, out var uri))
        {
            throw new RunException(ExitStatus.Usage, $"{shown}: not a URL that git could fetch");
        }

        // What begins with a dash could be taken for an option, by git or by ssh.
        if (uri.Scheme == Uri.UriSchemeFile ? uri.Host.Length > 0 : uri.Host.Length == 0 || uri.Host[0] == '-' || uri.UserInfo is ['-', ..])
        {
            throw new RunException(
                ExitStatus.Usage, uri.Host is [] or ['-', ..] || uri.UserInfo is ['-', ..]
                    ? $"{shown}: not the name of a host"
                    : $"{shown}: a file URL names no other host");
        }

        UrlText.CheckSegments(tree.Package, shown);
        return url;
    }

    /// <summary>Refuses the link to an archive with the path behind its query, where it would be a part of a value.</summary>
    /// <exception cref="RunException">64.</exception>
    public static void RefusePathInQuery(string url)
    {
        if (Is(url) || url.IndexOf('?', StringComparison.Ordinal) is not (>= 0 and var question)
            || !s_archives.Any(suffix => url.AsSpan(0, question).EndsWith(suffix, StringComparison.OrdinalIgnoreCase)))
        {
            return;
        }

        var at = url.LastIndexOf(Separator, StringComparison.Ordinal);
        if (at > question && at + Separator.Length < url.Length && url[at - 1] is not (':' or '/')
            && url.AsSpan(at).IndexOfAny('&', '=') < 0)
        {
            throw new RunException(
                ExitStatus.Usage, $"{UrlText.Redacted(url)}: the path of a file is behind the query",
                $"did you mean {UrlText.Redacted(url[..question] + url[at..] + url[question..at])}?");
        }
    }

    /// <summary>A file URL may name this machine as its host (RFC 8089, 2), which git does not take.</summary>
    private static string WithoutLocalhost(string package)
    {
        const string Prefix = "file://", Host = "localhost";
        return package.StartsWith($"{Prefix}{Host}/", StringComparison.OrdinalIgnoreCase)
            ? Prefix + package[(Prefix.Length + Host.Length)..]
            : package;
    }

    private static int SeparatorIn(string url)
    {
        var scheme = url.IndexOf(SchemeEnd, StringComparison.Ordinal);
        if (scheme < 0)
        {
            return -1;
        }

        var start = scheme + SchemeEnd.Length;
        var end = IsGit(url) ? url.Length
            : url.AsSpan(start).IndexOfAny('?', '#') is >= 0 and var length ? start + length
            : url.Length;
        var host = url.IndexOf('/', start, end - start);

        // Directly behind the host there is nothing that could be fetched.
        return host < 0 ? -1 : url.IndexOf(Separator, host + 1, end - host - 1, StringComparison.Ordinal);
    }

    private static string Decoded(string path, string url)
    {
        var segments = path.Split('/');
        for (var i = 0; i < segments.Length; i++)
        {
            segments[i] = UrlText.Decode(segments[i]);
            var wrong = segments[i].Length == 0 ? "an empty part"
                : segments[i] is "." or ".." ? $"a part that is '{segments[i]}'"
                : segments[i].Contains('/', StringComparison.Ordinal) ? "an encoded slash"
                : CharChecks.HasControl(segments[i]) ? "a control character"
                : null;
            if (wrong is not null)
            {
                throw new RunException(ExitStatus.Usage, path.Length == 0
                    ? $"{UrlText.Redacted(url)}: names no file behind the //"
                    : $"{UrlText.Redacted(url)}: {wrong} in the path");
            }
        }

        return string.Join('/', segments);
    }
}
