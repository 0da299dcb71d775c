using System.Text;
using Run.Naming;
using Run.Reporting;

namespace Run.Git;

/// <summary>What git says when it fails, as an exit status, one line and a hint.</summary>
/// <param name="Urls">Those whose user name and password the server got: it may repeat them.</param>
/// <param name="Shown">The URL for messages.</param>
internal sealed record GitFailure(IReadOnlyList<string> Lines, IReadOnlyList<string> Urls, string Shown)
{
    /// <summary>No such ref, in the words of git and of the servers that send words of their own.</summary>
    private static readonly string[] s_noRef = ["couldn't find remote ref", "not our ref"];

    private static readonly string[] s_noRepository =
    [
        "does not appear to be a git repository", "epository not found", "The project you were looking for could not be found",
        "does not exist",
    ];

    private static readonly string[] s_refused =
    [
        "uthentication failed", "could not read Username", "could not read Password", "Permission denied", "Host key verification failed",
        "returned error: 401", "returned error: 403", "HTTP Basic: Access denied",
    ];

    private static readonly string[] s_certificate =
        ["SSL certificate problem", "certificate verification failed", "certificate subject name"];

    /// <summary>Of libcurl, for a redirect from https to http: it only knows that the protocol is not allowed.</summary>
    private static readonly string[] s_protocol = ["not supported or disabled in libcurl", "disabled in followed redirect", " not allowed"];

    private static readonly string[] s_cannotWrite =
        ["No space left on device", "Disk quota exceeded", "File too large", "Read-only file system", "unable to create temporary file"];

    /// <summary>What is said beside every failure of ssh and of a helper, and helps nobody.</summary>
    private static readonly string[] s_idle =
    [
        "Please make sure you have the correct access rights", "and the repository exists.", "Could not read from remote repository",
        "the remote end hung up", "early EOF", "fetch-pack: unexpected disconnect", "fetch-pack: invalid index-pack output",
        "index-pack failed", "expected flush after ref listing", "protocol error: bad pack header",
    ];

    /// <summary>Whether the server has no such ref. Then nothing else is wrong, and it is known what it has.</summary>
    public bool IsMissingRef => Says(s_noRef);

    /// <summary>Whether the repository names its objects by another hash than the one that was assumed.</summary>
    public bool IsOtherHash => Says(["mismatched algorithms", "mismatched object format", "unknown object format"]);

    /// <summary>Whether it may be the local repository that is wrong, and not the server.</summary>
    public bool IsDamage => Says(
    [
        "bad object", "corrupt", "packfile", "index file", "unable to read", "missing", "shallow", "did not send all necessary objects",
        "object file", "invalid object", "not a git repository",
    ]);

    public RunException ToException()
    {
        var words = $"git: {Words()}";
        return Says(s_cannotWrite) ? new(ExitStatus.CannotWrite, $"{Shown}: cannot be written to the cache", words)
            : Says(["dubious ownership"]) ? new(
                ExitStatus.Refused, $"{Shown}: git refuses a repository that another user owns",
                "if you trust its owner: git config --global --add safe.directory PATH")
            : Says(s_certificate) ? new(ExitStatus.Refused, $"{Shown}: the server's certificate cannot be verified", words)
            : Says(s_protocol) ? new(
                ExitStatus.Refused, $"{Shown}: a redirect, or the configuration, leads to a protocol that is refused", words)
            : Says(["terminal prompts disabled"]) ? new(
                ExitStatus.Refused, $"{Shown}: access denied",
                $"{words}; git's credential helpers and ~/.netrc can answer it")
            : Says(s_refused) ? new(ExitStatus.Refused, $"{Shown}: access denied", words)
            : Says(s_noRepository) || IsMissingOverHttp ? new(ExitStatus.NotFound, $"{Shown}: no such repository", words)
            : Says(["unadvertised object"]) ? new(ExitStatus.Unavailable, $"{Shown}: the server gives no commit by its digits", words)
            : new(ExitStatus.Unavailable, $"{Shown}: cannot be fetched", words);
    }

    /// <summary>git's own words for 404: <c>repository 'URL' not found</c>.</summary>
    private bool IsMissingOverHttp => Lines.Any(static line =>
        line.StartsWith("fatal: repository '", StringComparison.Ordinal) && line.EndsWith("' not found", StringComparison.Ordinal));

    private bool Says(string[] texts) => Lines.Any(line => Array.Exists(texts, text => line.Contains(text, StringComparison.Ordinal)));

    /// <summary>
    /// The line that says why: the last one that is not said beside every failure. If ssh is told to be quiet, there is none; then git's
    /// own first words are better than its advice, which is last.
    /// </summary>
    private string Words()
    {
        const int MostShown = 300;
        var line = Lines.Where(IsReason).Reverse().FirstOrDefault()
            ?? Lines.FirstOrDefault(static line => line.StartsWith("fatal: ", StringComparison.Ordinal))
            ?? (Lines.Count > 0 ? Lines[^1] : "it gave no reason");
        foreach (var prefix in (ReadOnlySpan<string>)["remote: ", "fatal: ", "error: ", "ERROR: ", "remote error: "])
        {
            line = line.StartsWith(prefix, StringComparison.Ordinal) ? line[prefix.Length..].TrimStart() : line;
        }

        line = Redacted(line);
        return line.Length > MostShown ? $"{line[..MostShown]}…" : line;
    }

    private static bool IsReason(string line) =>
        line is not ("remote:" or "ERROR:")
        && !Array.Exists(s_idle, text => line.Contains(text, StringComparison.Ordinal))
        && !line.StartsWith("From ", StringComparison.Ordinal)
        && !line.StartsWith("warning: ", StringComparison.Ordinal)
        && !line.StartsWith("hint: ", StringComparison.Ordinal);

    /// <summary>Without the user name, the password and the values of queries of any URL in it.</summary>
    private string Redacted(string line)
    {
        var text = new StringBuilder();
        for (var at = 0; at < line.Length;)
        {
            var end = at;
            while (end < line.Length && line[end] is not (' ' or '\'' or '"' or '<' or '>'))
            {
                end++;
            }

            text.Append(UrlText.Redacted(line[at..end]));
            if (end < line.Length)
            {
                text.Append(line[end++]);
            }

            at = end;
        }

        // A server may repeat what it was sent.
        var shown = text.ToString();
        foreach (var secret in Urls.SelectMany(Credential.Secrets))
        {
            shown = shown.Replace(secret, "***", StringComparison.Ordinal);
        }

        return shown;
    }
}
