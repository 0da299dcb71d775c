using System.Text;
using Run.Reporting;

namespace Run.Naming;

/// <summary>When the scripts of a source may run: <c>trust:</c> in run.conf.</summary>
internal enum TrustLevel
{
    Always,
    Ask,
    Pinned,
}

/// <summary>
/// A source of scripts in run.conf: a URL pattern, and how its scripts are fetched, locked and trusted.
/// </summary>
/// <param name="Name">The part of SCRIPT before the colon.</param>
/// <param name="Pattern">A URL with <c>%s</c> for each part of SCRIPT and, optionally, <c>{ref}</c>.</param>
internal sealed record Source(string Name, string Pattern)
{
    public const string Part = "%s";
    public const string RefPlace = "{ref}";
    private const string DefaultRef = "HEAD";
    private const string Mark = "/-/";
    private const string HomePrefix = "~/";
    private const string FilePrefix = "file://";

    /// <summary>Patterns like <see cref="Pattern"/>, tried in this order if the source itself fails.</summary>
    public IReadOnlyList<string> Mirrors { get; init; } = [];

    /// <summary>The branch, tag or commit for a SCRIPT without <c>@REF</c>; null for HEAD.</summary>
    public string? Ref { get; init; }

    /// <summary>Whether no run.conf of the user's or the system's defines it.</summary>
    public bool IsBuiltIn { get; init; }

    /// <summary>Header fields as written, with <c>${VARIABLE}</c> not yet expanded.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>How old a copy may be before the server is asked again; null for no limit.</summary>
    public TimeSpan? MaxAge { get; init; }

    public bool LockExclusive { get; init; }

    /// <summary>The place of <c>lock: PLACE</c>, where the lock is taken too, and where run.conf says so; null for none.</summary>
    public (string Name, SourceLocation At)? LockPlace { get; init; }

    public TrustLevel Trust { get; init; }

    public bool PlainHttpAllowed { get; init; }

    /// <summary>How to ask the server which commit a ref is; null if it cannot be asked.</summary>
    public CommitQuestion? Commit { get; init; }

    /// <summary>
    /// The file of those whose signature a script must have, in ssh's format (ALLOWED SIGNERS in ssh-keygen(1)): absolute, or in the home
    /// by <c>~/</c>. Null if scripts need not be signed.
    /// </summary>
    public string? Signers { get; init; }

    /// <summary>Whether the pattern is a path on this machine: its scripts are local files.</summary>
    public bool IsDirectory => IsPath(Pattern);

    /// <summary>Whether its scripts are files of git repositories.</summary>
    public bool IsRepository => TreeUrl.IsGit(Pattern);

    /// <summary>Whether its scripts are files of many: in archives, or in repositories.</summary>
    public bool IsTree => TreeUrl.Is(Pattern);

    /// <summary>Whether a SCRIPT of this source may end in <c>@REF</c>.</summary>
    public bool TakesRef => IsRepository || Pattern.Contains(RefPlace, StringComparison.Ordinal);

    /// <summary>What a SCRIPT of this source looks like, for messages and completion: <c>OWNER/REPO/PATH[@REF]</c>.</summary>
    public string Expects => Shape(Pattern) + (TakesRef ? "[@REF]" : "");

    /// <summary>For a source of archives or repositories: what names one of them, such as <c>OWNER/REPO/</c>.</summary>
    public string ExpectsBeforePath => Shape(Pattern).Replace("PATH", "", StringComparison.Ordinal);

    /// <summary>
    /// How SCRIPT would name a file in a project of a subgroup, if it may have been meant that way and the source has subgroups (GitLab);
    /// else null.
    /// </summary>
    /// <param name="rest">The part of SCRIPT after the source's name.</param>
    public string? InSubgroup(string rest)
    {
        var path = SplitRef(rest).Path;
        var slash = path.LastIndexOf('/');
        return HasMark(Pattern) && !path.Contains(Mark, StringComparison.Ordinal) && path.Count('/') > Count(Pattern) - 1
            ? Shown($"{path[..slash]}{Mark}{path[(slash + 1)..]}{rest[path.Length..]}")
            : null;
    }

    /// <summary>The URL for <paramref name="rest"/>, then those of the mirrors.</summary>
    /// <exception cref="RunException">64: too few parts, an empty part, one that is <c>.</c> or <c>..</c>, an empty ref.</exception>
    public IReadOnlyList<string> Expand(string rest)
    {
        var (path, reference) = SplitRef(rest);
        return At(path, reference);
    }

    /// <summary>Whether a pattern is that of a directory: <c>/srv/%s</c>, <c>~/scripts/%s</c>, <c>file:///srv/%s</c>.</summary>
    public static bool IsPath(string pattern) =>
        pattern.StartsWith('/') || pattern.StartsWith(HomePrefix, StringComparison.Ordinal)
        || pattern.StartsWith(FilePrefix + "/", StringComparison.Ordinal);

    /// <summary>The pattern of a directory as a path, with <c>~/</c> expanded.</summary>
    /// <exception cref="RunException">64: there is no home.</exception>
    public string PathPattern(Func<string?> home) =>
        Pattern.StartsWith(FilePrefix, StringComparison.Ordinal) ? UrlText.DecodedPath(Pattern[FilePrefix.Length..])
        : !Pattern.StartsWith(HomePrefix, StringComparison.Ordinal) ? Pattern
        : home() is { } directory ? $"{directory}/{Pattern[HomePrefix.Length..]}"
        : throw new RunException(ExitStatus.Usage, $"{Name}: HOME is not set, so there is no ~");

    /// <summary>The path of <see cref="Signers"/>, with <c>~/</c> expanded; null if there is none.</summary>
    /// <exception cref="RunException">78: there is no home.</exception>
    public string? SignersPath(Func<string?> home) =>
        Signers is null || !Signers.StartsWith(HomePrefix, StringComparison.Ordinal) ? Signers
        : home() is { } directory ? $"{directory}/{Signers[HomePrefix.Length..]}"
        : throw new RunException(ExitStatus.Configuration, $"{Name}: HOME is not set, so its signers cannot be found in {Signers}");

    /// <summary>The file for <paramref name="rest"/>, if the source is a directory.</summary>
    /// <inheritdoc cref="Expand"/>
    public string FileFor(string rest, Func<string?> home)
    {
        var (path, reference) = SplitRef(rest);
        var pattern = PathPattern(home);
        var parts = Checked(pattern, path, reference);
        var file = new StringBuilder();
        var next = 0;
        for (var i = 0; i < pattern.Length;)
        {
            var isPart = string.CompareOrdinal(pattern, i, Part, 0, Part.Length) == 0;
            var isRef = string.CompareOrdinal(pattern, i, RefPlace, 0, RefPlace.Length) == 0;
            file.Append(isPart ? parts[next++] : isRef ? reference : pattern[i].ToString());
            i += isPart ? Part.Length : isRef ? RefPlace.Length : 1;
        }

        return file.ToString();
    }

    /// <summary>The URL of that path at that ref, then those of the mirrors.</summary>
    public IReadOnlyList<string> At(string path, string reference)
    {
        var urls = new List<string>(1 + Mirrors.Count) { Fill(Pattern, path, reference) };
        foreach (var mirror in Mirrors)
        {
            urls.Add(Fill(mirror, path, reference));
        }

        return urls;
    }

    /// <summary>Splits off the ref, if the pattern has <c>{ref}</c>: everything after the last <c>@</c>, including slashes.</summary>
    public (string Path, string Ref) SplitRef(string rest)
    {
        var at = TakesRef ? rest.LastIndexOf('@') : -1;
        if (at < 0)
        {
            return (rest, Ref ?? DefaultRef);
        }

        return at < rest.Length - 1
            ? (rest[..at], rest[(at + 1)..])
            : throw new RunException(ExitStatus.Usage, $"{Shown(rest)}: no branch, tag or commit after the '@'");
    }

    /// <summary>Whether <paramref name="rest"/> itself names a branch, tag or commit.</summary>
    public bool NamesRef(string rest) => SplitRef(rest).Path.Length < rest.Length;

    /// <summary>
    /// The path of a file as SCRIPT has it, behind the source's name: with the ref if the path has an <c>@</c>, which would begin one.
    /// </summary>
    public string WithRefIfNeeded(string path) =>
        TakesRef && path.Contains('@', StringComparison.Ordinal) ? $"{path}@{Ref ?? DefaultRef}" : path;

    /// <summary>The URL that returns the commit of a ref. Its pattern is filled with the first parts of the path.</summary>
    public string CommitUrl(CommitQuestion question, string path, string reference)
    {
        var parts = Split(path, Pattern);
        return Fill(question.Pattern, parts.AsSpan(0, Count(question.Pattern)), reference, asOneSegment: true);
    }

    /// <summary>
    /// For a source of archives or repositories: what of SCRIPT names the archive or repository, and what the path in it begins with. Null
    /// if too little is there to name one.
    /// </summary>
    /// <param name="prefix">What SCRIPT begins with behind the source's name; it may end in <c>@REF</c>.</param>
    public TreePrefix? InTree(string prefix)
    {
        var (path, reference) = SplitRef(prefix);
        var (package, inTree) = TreeUrl.SplitPattern(Pattern);
        var before = Count(package);
        var parts = path.Split('/');
        if (parts.Length < before || parts.AsSpan(0, before).Contains(""))
        {
            return null;
        }

        var head = string.Concat(parts.Take(before).Select(static part => part + "/"));
        var tail = path.Length < prefix.Length ? prefix[path.Length..] : "";
        var any = string.Join('/', Sequence.Range(0, Count(inTree)).Select(static _ => "x"));
        inTree = inTree.Replace("@" + RefPlace, "", StringComparison.Ordinal).Replace(RefPlace, reference, StringComparison.Ordinal);
        return new TreePrefix(head + any + tail, head, string.Join('/', parts.Skip(before)), tail, inTree.Split(Part));
    }

    /// <summary>The number of parts that a pattern takes.</summary>
    public static int Count(string pattern)
    {
        var count = 0;
        var at = pattern.IndexOf(Part, StringComparison.Ordinal);
        while (at >= 0)
        {
            count++;
            at = pattern.IndexOf(Part, at + Part.Length, StringComparison.Ordinal);
        }

        return count;
    }

    /// <summary>Fills the parts of the path and the ref into the pattern, each encoded for its position.</summary>
    public string Fill(string pattern, string path, string reference)
    {
        var url = Fill(pattern, Checked(pattern, path, reference), reference, asOneSegment: false);
        if (TreeUrl.IsGit(pattern) && !pattern.Contains(RefPlace, StringComparison.Ordinal))
        {
            // Always, because there may be an '@' in the path.
            var text = new StringBuilder(url).Append('@');
            TreeUrl.AppendRef(text, reference);
            url = text.ToString();
        }

        return TreeUrl.Parse(url)?.ToString() ?? url;
    }

    /// <summary>The parts of the path, if they and the ref may be filled into the pattern.</summary>
    private string[] Checked(string pattern, string path, string reference)
    {
        var parts = Split(path, pattern);
        if (parts.Length < Count(pattern))
        {
            throw new RunException(ExitStatus.Usage, $"{Name}: expects {Shape(pattern)}", $"{Shown(path)} has too few parts");
        }

        CheckSegments(path, path);
        CheckSegments(reference, $"{path}@{reference}");
        return parts;
    }

    /// <summary>
    /// Splits the path into the parts of a pattern; the last takes the rest. GitLab's <c>/-/</c>, if both have it, separates the parts for
    /// the project, of which the last takes the subgroups, from those for the path.
    /// </summary>
    private static string[] Split(string path, string pattern)
    {
        var mark = HasMark(pattern) ? path.IndexOf(Mark, StringComparison.Ordinal) : -1;
        if (mark < 0)
        {
            return path.Split('/', Count(pattern));
        }

        var before = Count(pattern[..pattern.IndexOf(Mark, StringComparison.Ordinal)]);
        string[] project = path[..mark].Split('/', before), file = path[(mark + Mark.Length)..].Split('/', Count(pattern) - before);
        return project.Length < before ? project : [.. project, .. file];
    }

    private static bool HasMark(string pattern) =>
        pattern.IndexOf(Mark, StringComparison.Ordinal) is >= 0 and var at
        && pattern.IndexOf(Part, StringComparison.Ordinal) is >= 0 and var first && first < at
        && pattern.LastIndexOf(Part, StringComparison.Ordinal) > at;

    /// <param name="asOneSegment">Whether the slashes in a part are encoded too.</param>
    private string Fill(string pattern, ReadOnlySpan<string> parts, string reference, bool asOneSegment)
    {
        var url = new StringBuilder(pattern.Length + 64);
        var host = pattern.IndexOf("://", StringComparison.Ordinal) + 3;
        var refs = TreeUrl.IsGit(pattern) ? TreeUrl.SplitPattern(pattern).Package.Length : pattern.Length;
        var next = 0;
        for (var i = 0; i < pattern.Length;)
        {
            var isPart = string.CompareOrdinal(pattern, i, Part, 0, Part.Length) == 0;
            if (!isPart && string.CompareOrdinal(pattern, i, RefPlace, 0, RefPlace.Length) != 0)
            {
                url.Append(pattern[i++]);
                continue;
            }

            var text = isPart ? parts[next++] : reference;
            var slash = pattern.IndexOf('/', host);
            if (slash < 0 || i < slash)
            {
                url.Append(HostPart(text));
            }
            else if (!isPart && i > refs)
            {
                TreeUrl.AppendRef(url, text);
            }
            else
            {
                UrlText.AppendEncoded(url, text, inQuery: pattern.AsSpan(0, i).Contains('?'), encodeSlash: asOneSegment);
            }

            i += isPart ? Part.Length : RefPlace.Length;
        }

        return url.ToString();
    }

    private void CheckSegments(string text, string path)
    {
        foreach (var segment in text.Split('/'))
        {
            if (segment.Length == 0)
            {
                throw new RunException(
                    ExitStatus.Usage,
                    path.Length == 0 ? $"{Name}: expects {Expects}" : $"{Shown(path)}: an empty part",
                    path.Length == 0 ? null : $"{Name}: expects {Expects}");
            }

            if (segment is "." or "..")
            {
                throw new RunException(ExitStatus.Usage, $"{Shown(path)}: a part that is '{segment}'");
            }
        }
    }

    /// <summary>A part in the host name. Encoding could not make it harmless, so only letters, digits, '-' and '.' are allowed.</summary>
    private string HostPart(string text) =>
        CharChecks.AreAlphanumericOr("-.", text)
            ? text
            : throw new RunException(ExitStatus.Usage, $"{Name}: {text} cannot be part of a host name");

    private string Shown(string rest) => Name == ScriptName.DefaultScope ? rest : $"{Name}:{rest}";

    private static string Shape(string pattern) => Count(pattern) switch
    {
        1 => "PATH",
        2 => "REPO/PATH",
        3 => pattern.StartsWith("https://gist.", StringComparison.Ordinal) ? "OWNER/ID/FILE" : "OWNER/REPO/PATH",
        var parts => string.Concat(Sequence.Range(1, parts - 1).Select(static i => $"PART{i}/")) + "PATH",
    };
}

/// <summary>
/// A request that the server answers with a commit: only its full hash, or a JSON object with the hash as <c>sha</c> or <c>id</c>.
/// </summary>
/// <param name="Pattern">A URL with <c>{ref}</c> and at most as many <c>%s</c> as the source's pattern.</param>
/// <param name="Accept">The media type to ask for; null for any.</param>
internal sealed record CommitQuestion(string Pattern, string? Accept);

/// <summary>The archive or repository that the beginning of a SCRIPT names.</summary>
/// <param name="Any">Some SCRIPT in it, behind the source's name; the file need not exist.</param>
/// <param name="Head">What SCRIPT begins with, and ends with, for all files in it.</param>
/// <param name="Path">What the rest of SCRIPT begins with.</param>
/// <param name="Tail">See <paramref name="Head"/>: the ref.</param>
/// <param name="Literals">What is before, between and behind the parts of a file's path in it.</param>
internal sealed record TreePrefix(string Any, string Head, string Path, string Tail, string[] Literals);
