using Run.Reporting;

namespace Run.Naming;

/// <summary>
/// SCRIPT as typed, parsed: a local file, a URL, or a path in a source. Nothing is looked up and nothing is sent.
/// </summary>
/// <param name="Text">As typed, without the digest.</param>
/// <param name="Digest">The digest after <c>#sha256=</c>, in lower case; null for none.</param>
internal abstract record ScriptName(string Text, string? Digest)
{
    /// <summary>The source of a SCRIPT without a <c>SCOPE:</c>.</summary>
    public const string DefaultScope = "default";

    /// <summary>The digest after <c>#tree=</c>, in lower case; null for none.</summary>
    public string? TreeDigest { get; private init; }

    private static readonly string[] s_localPrefixes = ["./", "../", "~/"];

    /// <summary>A file on this machine: <c>./x</c>, <c>../x</c>, <c>/x</c>, <c>~/x</c>.</summary>
    internal sealed record Local(string Text, string? Digest) : ScriptName(Text, Digest)
    {
        /// <summary>The path for the kernel: relative if it was typed that way, with <c>~/</c> replaced by the home.</summary>
        /// <param name="home">Returns the user's home; called only for <c>~/</c>.</param>
        /// <exception cref="RunException">64: there is no home.</exception>
        public string Path(Func<string?> home) => !Text.StartsWith("~/", StringComparison.Ordinal) ? Text
            : home() is { } directory ? $"{directory}/{Text[2..]}"
            : throw new RunException(ExitStatus.Usage, $"{Text}: HOME is not set, so there is no ~");
    }

    /// <summary>A full URL.</summary>
    internal sealed record Remote(string Text, string? Digest, string Url) : ScriptName(Text, Digest);

    /// <summary><c>SCOPE:rest</c>, or <c>rest</c> of the source <c>default</c>.</summary>
    internal sealed record Scoped(string Text, string? Digest, string Scope, string PathAndRef) : ScriptName(Text, Digest);

    /// <exception cref="RunException">64: the text is not a valid SCRIPT.</exception>
    public static ScriptName Parse(string typed)
    {
        var (text, digest, tree) = SplitDigest(typed);
        return Parse(text, digest) with { TreeDigest = tree };
    }

    private static ScriptName Parse(string text, string? digest)
    {
        if (IsLocal(text))
        {
            return new Local(text, digest);
        }

        RefuseControlCharacters(text);
        if (IsUrl(text))
        {
            return new Remote(text, digest, text);
        }

        return text switch
        {
            "" => throw new RunException(ExitStatus.Usage, "the script name is empty"),
            "-" => throw new RunException(ExitStatus.Usage, "-: a script cannot be read from standard input", "use sh -s for that"),
            "." or ".." => throw new RunException(ExitStatus.Usage, $"{text}: not a script name"),
            _ => ParseScope(text, digest),
        };
    }

    /// <summary>
    /// Whether the text is a valid source name: letters, digits, <c>-</c>, <c>_</c>, <c>.</c>, not beginning with <c>-</c> or <c>.</c>.
    /// </summary>
    public static bool IsScope(string text) =>
        text.Length > 0 && text[0] is not ('-' or '.') && CharChecks.AreAlphanumericOr("-_.", text);

    /// <summary>Whether the text names a file on this machine; see <see cref="Local"/>.</summary>
    public static bool IsLocal(string text) =>
        text.StartsWith('/') || s_localPrefixes.Any(prefix => text.StartsWith(prefix, StringComparison.Ordinal));

    public static bool IsUrl(string text) =>
        text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || TreeUrl.IsGit(text);

    private static Scoped ParseScope(string text, string? digest)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (colon < 0 || (slash >= 0 && slash < colon))
        {
            return new Scoped(text, digest, DefaultScope, text);
        }

        var scope = text[..colon];
        if (text[colon..].StartsWith("://", StringComparison.Ordinal))
        {
            throw new RunException(
                ExitStatus.Usage, $"{UrlText.Redacted(text)}: only https:// and http:// URLs are fetched", OtherUrl(scope, text[colon..]));
        }

        if (AsGit(text) is { } git)
        {
            throw new RunException(ExitStatus.Usage, $"{text}: not the URL of a repository", $"did you mean {git}?");
        }

        return IsScope(scope)
            ? new Scoped(text, digest, scope, text[(colon + 1)..])
            : throw new RunException(
                ExitStatus.Usage, $"{text}: the part before the colon is not a source name",
                "a source name has letters, digits, '-', '_' and '.', and does not begin with '-' or '.'");
    }

    /// <summary>What was probably meant by a URL that is not fetched; null if that cannot be told.</summary>
    private static string? OtherUrl(string scheme, string rest)
    {
        var isFile = scheme.Equals("file", StringComparison.OrdinalIgnoreCase);
        return scheme is "ssh" || (isFile && rest.Contains(".git" + TreeUrl.Separator, StringComparison.Ordinal))
                ? $"did you mean {TreeUrl.GitPrefix}{UrlText.Redacted(scheme + rest)}?"
            : scheme is "git" ? $"did you mean {TreeUrl.GitPrefix}https{UrlText.Redacted(rest)}?"
            : isFile ? "a file of this machine is named by its path, as in /x or ./x"
            : scheme.StartsWith(TreeUrl.GitPrefix, StringComparison.OrdinalIgnoreCase)
                ? "a repository's URL begins with git+https://, git+ssh:// or git+file://"
            : null;
    }

    /// <summary>The URL of a repository that is written as git takes it too: <c>git@host:o/r.git//x</c>. Null for any other text.</summary>
    private static string? AsGit(string text)
    {
        var hasPrefix = text.StartsWith(TreeUrl.GitPrefix, StringComparison.OrdinalIgnoreCase);
        var plain = hasPrefix ? text[TreeUrl.GitPrefix.Length..] : text;
        var colon = plain.IndexOf(':', StringComparison.Ordinal);
        var (host, path) = (plain[..colon], plain[(colon + 1)..]);
        return host.Equals("file", StringComparison.OrdinalIgnoreCase) && hasPrefix ? $"{TreeUrl.GitPrefix}file://{path}"
            : host.Split('@') is [var user, var name]
                && CharChecks.AreAlphanumericOr("-_.", user) && CharChecks.AreAlphanumericOr("-.", name)
                ? $"{TreeUrl.GitPrefix}ssh://{host}/{path.TrimStart('/')}"
            : null;
    }

    private static (string Text, string? Digest, string? Tree) SplitDigest(string typed)
    {
        string? digest = null, tree = null;
        while (true)
        {
            var ofBytes = typed.LastIndexOf(Naming.Digest.Fragment, StringComparison.OrdinalIgnoreCase);
            var ofTree = typed.LastIndexOf(Naming.Digest.TreeFragment, StringComparison.OrdinalIgnoreCase);
            if (ofBytes < 0 && ofTree < 0)
            {
                break;
            }

            if (ofBytes > ofTree)
            {
                digest = Naming.Digest.Same(Naming.Digest.Parse(typed[(ofBytes + Naming.Digest.Fragment.Length)..]), digest);
                typed = typed[..ofBytes];
            }
            else
            {
                tree = Naming.Digest.Same(
                    Naming.Digest.Parse(typed[(ofTree + Naming.Digest.TreeFragment.Length)..], "run --dry-run"), tree);
                typed = typed[..ofTree];
            }
        }

        var hash = typed.LastIndexOf('#');
        if (hash >= 0 && Naming.Digest.InOtherSpelling(typed[(hash + 1)..]) is { } hex)
        {
            throw new RunException(
                ExitStatus.Usage, $"{UrlText.Redacted(typed)}: a digest is written {Naming.Digest.Fragment}HEX",
                $"did you mean {UrlText.Redacted(typed[..hash])}{Naming.Digest.Fragment}{hex}?");
        }

        if (hash >= 0 && Naming.Digest.OfTreeInOtherSpelling(typed[(hash + 1)..]) is { } treeHex)
        {
            throw new RunException(
                ExitStatus.Usage, $"{UrlText.Redacted(typed)}: the digest of a tree is written {Naming.Digest.TreeFragment}HEX",
                $"did you mean {UrlText.Redacted(typed[..hash])}{Naming.Digest.TreeFragment}{treeHex}?");
        }

        if (hash >= 0 && Naming.Digest.IsMeant(typed[(hash + 1)..]))
        {
            throw new RunException(
                ExitStatus.Usage, $"{UrlText.Redacted(typed)}: not a digest: {typed[hash..]}", Naming.Digest.HintFor(typed[(hash + 1)..]));
        }

        return (typed, digest, tree);
    }

    private static void RefuseControlCharacters(string text)
    {
        if (CharChecks.HasControl(text))
        {
            throw new RunException(ExitStatus.Usage, $"{UrlText.Redacted(text)}: a control character in the script name");
        }
    }
}
