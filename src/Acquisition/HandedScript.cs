using Run.Caching;
using Run.Naming;
using Run.Pinning;
using Run.Reporting;

namespace Run.Acquisition;

/// <summary>
/// What another machine is told to run: the bytes that were found here, by their digest, and where they are. It runs these bytes or
/// nothing, whatever the server has by then.
/// </summary>
/// <param name="Name">What stands in SCRIPT's place.</param>
/// <param name="Digest">Null only if it is not known without a fetch.</param>
internal sealed record HandedScript(string Name, string? Digest)
{
    /// <summary>Stands for a digest that is not known, where a command is only shown.</summary>
    private const string UnknownDigest = "HEX";

    /// <summary>Whether the digest is that of a tree.</summary>
    public required bool IsTree { get; init; }

    /// <summary>The name as it may be shown and written down.</summary>
    public required string ShownName { get; init; }

    /// <summary>The URL's own identity for a lock, if the name has another one: that of one commit.</summary>
    public string? LockIdentity { get; init; }

    /// <summary>The words of <c>run</c>'s command line that name it, SCRIPT the last.</summary>
    /// <remarks>The only place that knows how a digest is handed on.</remarks>
    public IEnumerable<string> Words(bool shown)
    {
        var name = shown ? ShownName : Name;
        if (IsTree)
        {
            name = $"{name}{Naming.Digest.TreeFragment}{Digest ?? UnknownDigest}";
            return name.StartsWith('-') ? ["--", name] : [name];
        }

        return ["--sha256", Digest ?? UnknownDigest, .. name.StartsWith('-') ? (string[])["--", name] : [name]];
    }

    /// <summary>What is known without a request: for <c>--dry-run</c>.</summary>
    public static HandedScript Known(ResolvedScript script, Cache cache, ScriptProvider scripts)
    {
        var digest = scripts.Find(script)?.Record.Content ?? script.TreeDigest ?? script.Digest;
        return Of(digest is null || MustBeNamed(script) ? script : AtKnownCommit(script, digest, cache, scripts) ?? script, script, digest);
    }

    /// <summary>The copy's script, at the commit that has its bytes if the server can tell.</summary>
    public static HandedScript From(ResolvedScript script, CachedScript copy, Cache cache, ScriptProvider scripts, bool offline)
    {
        var digest = copy.Record.Content;
        var place = MustBeNamed(script) ? script
            : AtKnownCommit(script, digest, cache, scripts) ?? (offline ? script : AtPresentCommit(script, digest, scripts));
        return Of(place, script, digest);
    }

    /// <param name="place">The script with the URL to hand on.</param>
    /// <param name="script">The script as it was named.</param>
    private static HandedScript Of(ResolvedScript place, ResolvedScript script, string? digest)
    {
        var shown = UrlText.Redacted(place.Url, script.Source?.Pattern);
        return MustBeNamed(script)
            ? new HandedScript(script.DisplayName, digest) { IsTree = script.Tree is not null, ShownName = script.DisplayName }
            : new HandedScript(place.Url, digest)
            {
                IsTree = script.Tree is not null,
                ShownName = shown,
                LockIdentity = place.Url == script.NamedUrl ? null : UrlText.WithoutUser(script.NamedUrl),
            };
    }

    /// <summary>
    /// Whether the other machine must find the script by its own run.conf: there are header fields to send with the request, or the URL
    /// has a password or a token of run.conf in it, and neither is handed on. Or it must be signed, and the other machine says by whom.
    /// </summary>
    private static bool MustBeNamed(ResolvedScript script) =>
        script.Source is { } source
        && (source.Headers.Count > 0 || source.Signers is not null || UrlText.Redacted(script.Url, source.Pattern) != script.Url);

    /// <summary>
    /// The script at a commit that is known to have these bytes: its pin's, or one whose copy is cached. Null if there is none.
    /// </summary>
    private static ResolvedScript? AtKnownCommit(ResolvedScript script, string digest, Cache cache, ScriptProvider scripts)
    {
        if (script.Tree is { IsRepository: true } tree)
        {
            // A repository's copy always is that of a commit.
            return scripts.Find(script)?.Record.Commit is { } commit
                ? script with { Urls = [(tree with { Ref = commit }).ToString()] }
                : null;
        }

        if (script.IsPinned || !CommitLookup.IsNeeded(script))
        {
            return script;
        }

        foreach (var other in cache.All())
        {
            if (other.Record.Content == digest && PinnedUrl.RefOf(other.Record.Url, script) is { } reference
                && RefName.IsCommit(reference))
            {
                var there = WithDigest(script.At(reference), digest);
                if (scripts.Find(there) is not null)
                {
                    return there;
                }
            }
        }

        return null;
    }

    private static ResolvedScript WithDigest(ResolvedScript script, string digest) =>
        script.Tree is null ? script with { Digest = digest } : script with { TreeDigest = digest };

    /// <summary>
    /// The script at the commit that its ref is now. Its bytes are fetched, because the ref may have moved since those here were; then, and
    /// if the server does not tell, the ref itself is handed on, and the digest decides.
    /// </summary>
    private static ResolvedScript AtPresentCommit(ResolvedScript script, string digest, ScriptProvider scripts)
    {
        try
        {
            var there = WithDigest(CommitLookup.Resolve(script), digest);
            _ = scripts.Get(there, update: false);
            return there;
        }
        catch (RunException e) when (e.Status == ExitStatus.Data)
        {
            Messages.Note(
                $"{script.DisplayName}: the server has another version by now; the one that is cached here is handed on",
                $"run -u runs what the server has; a machine that can get only that refuses it");
        }
        catch (RunException e) when (e.Status is not (ExitStatus.Interrupted or ExitStatus.Internal))
        {
            Messages.Note($"{script.DisplayName}: handed on without its commit: {e.Message}");
        }

        return script;
    }
}
