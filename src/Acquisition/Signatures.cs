using Microsoft.Win32.SafeHandles;
using Run.Caching;
using Run.Git;
using Run.Http;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Signing;

namespace Run.Acquisition;

/// <summary>
/// Holds scripts against the <c>signers:</c> of their source: what arrives before it is kept, and what is cached whenever the file of
/// signers has changed.
/// </summary>
internal sealed class Signatures(Cache cache, ReadSet reads)
{
    // A commit or a tag with a very long message.
    private const int MostObjectBytes = 4 << 20;

    // The digest of no file.
    private static readonly string s_noSigners = new('0', Sha256.HexLength);

    private readonly Dictionary<string, AllowedSigners> _read = [];

    // What was judged by this process, and was good. A fetch looks at its copy more than once.
    private readonly HashSet<string> _judged = [];

    /// <summary>The signers of the script's source; null if it need not be signed.</summary>
    /// <exception cref="RunException">77, 78: their file cannot be used.</exception>
    public AllowedSigners? Of(ResolvedScript script)
    {
        if (script.Local is not null || script.Source is not { } source || source.SignersPath(() => XdgPaths.Home(reads)) is not { } path)
        {
            return null;
        }

        lock (_read)
        {
            if (!_read.TryGetValue(path, out var signers))
            {
                _read.Add(path, signers = AllowedSigners.Read(path, source, reads));
            }

            return signers;
        }
    }

    /// <summary>Who has signed a file that was fetched.</summary>
    /// <param name="request">The fetch of it.</param>
    /// <exception cref="RunException">65: none of the signers. 69, 77, 78: that cannot be found out.</exception>
    public SignedBy OfFetched(ResolvedScript script, AllowedSigners signers, FetchRequest request, FetchResult result, SafeFileHandle bytes)
    {
        var text = Fetcher.GetSignature(request, result, out var shown) ?? throw new RunException(
            ExitStatus.Data, $"{script.DisplayName}: not signed: there is no {shown}",
            $"its source {script.Source!.Name} has signers, so its scripts must be signed");
        return Told(script, SignedBytes.Check(script.DisplayName, signers, text, shown, bytes, reads), signers);
    }

    /// <summary>Who has signed a commit that was fetched, or the tag that it was asked for by.</summary>
    /// <param name="tag">The name of the tag object; null if the ref is not an annotated tag.</param>
    /// <exception cref="RunException">65: none of the signers. 69: git or ssh-keygen cannot be used.</exception>
    public SignedBy OfCommit(ResolvedScript script, AllowedSigners signers, Repository repository, string commit, string? tag)
    {
        var signed = SignedIn(repository, commit, tag) ?? throw new RunException(
            ExitStatus.Data,
            tag is null
                ? $"{script.DisplayName}: not signed: the commit {commit} has no signature"
                : $"{script.DisplayName}: not signed: neither the tag nor the commit {commit} has a signature",
            $"its source {script.Source!.Name} has signers, so its {(tag is null ? "commits" : "tags or commits")} must be signed");
        var what = $"{script.DisplayName}: the {(signed.IsTag ? $"tag {script.Tree!.Ref}" : $"commit {commit}")}";
        return Told(script, SignedBytes.Check(what, signers, signed, reads), signers);
    }

    /// <summary>The copy, if it is still signed by one of those who are signers now.</summary>
    /// <param name="copy">A script, or a tree.</param>
    /// <param name="anew">Whether it is judged again even if the file of signers is the same: a key may have expired.</param>
    /// <returns>With who that is; null if the signature is not here, and the copy must be fetched again.</returns>
    /// <exception cref="RunException">65: none of the signers has signed it. 69, 77, 78: that cannot be found out.</exception>
    public CachedScript? Held(CachedScript copy, ResolvedScript script, bool anew = false)
    {
        if (Of(script) is not { } signers)
        {
            return copy;
        }

        var before = copy.Record.SignedBy;
        var isKnown = before?.Signers == signers.Digest;
        if (isKnown && (!anew || IsJudged(copy, script)))
        {
            return copy;
        }

        try
        {
            if (Again(copy, script, signers) is not { } signed)
            {
                return null;
            }

            var held = signed == before ? copy : cache.Note(script, copy, signed);
            Judged(held, script);
            return held;
        }
        catch (RunException e) when (e.Status == ExitStatus.Data)
        {
            if (isKnown)
            {
                // So that the next run, which would not look at a signature that is known, does not run it either.
                _ = cache.Note(script, copy, before! with { Signers = s_noSigners });
            }

            throw new RunException(
                e.Status, $"{e.Message}, so the cached copy is not run",
                e.Hint ?? $"run -u {script.ShellQuoted} asks the server for one that is signed")
            {
                Unsigned = UnsignedBytes.Cached,
            };
        }
    }

    /// <summary>As <see cref="Held"/>, but a copy that none of the signers has signed counts as none.</summary>
    public CachedScript? HeldOrNone(CachedScript copy, ResolvedScript script, bool anew = false)
    {
        try
        {
            return Held(copy, script, anew);
        }
        catch (RunException e) when (e.Status == ExitStatus.Data)
        {
            Messages.Step(() => e.Message);
            return null;
        }
    }

    private SignedBy? Again(CachedScript copy, ResolvedScript script, AllowedSigners signers)
    {
        var record = copy.Record;
        if (record.Commit is { } commit && script.Tree is { } tree)
        {
            var repository = TreeDownload.RepositoryOf(tree, cache, reads);
            return repository.Has(commit) ? OfCommit(script, signers, repository, commit, record.Tag) : null;
        }

        if (record.SignedBy?.Signature is not { } base64 || Blob(base64) is not { } signature)
        {
            return null;
        }

        var path = copy.Tree is { } unpacked ? $"{unpacked.Version}/{CachedTree.ArchiveName}" : copy.Path;
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow).Value;
        return file is not null && Sha256.OfFile(file).Value == record.Sha256
            ? Told(script, SignedBytes.Check(script.DisplayName, signers, signature, file, reads), signers)
            : null;
    }

    private bool IsJudged(CachedScript copy, ResolvedScript script)
    {
        lock (_judged)
        {
            return _judged.Contains(Identity(copy, script));
        }
    }

    private void Judged(CachedScript copy, ResolvedScript script)
    {
        lock (_judged)
        {
            _ = _judged.Add(Identity(copy, script));
        }
    }

    private static string Identity(CachedScript copy, ResolvedScript script)
    {
        var record = copy.Record;
        return string.Join(
            '\n', script.Tree?.PackageAndRef ?? script.Url, record.Sha256, record.Commit, record.Tag, record.SignedBy?.Signers,
            record.SignedBy?.Signature);
    }

    private static SshSignature? Blob(string base64)
    {
        var blob = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, blob, out var length) ? SshSignature.Of(blob[..length]) : null;
    }

    /// <summary>The signature that counts: that of the tag if it has one, else that of the commit.</summary>
    private static SignedObject? SignedIn(Repository repository, string commit, string? tag) =>
        (tag is not null && repository.Object(tag, MostObjectBytes) is { } tagged ? SignedObject.OfTag(tagged) : null)
        ?? (repository.Object(commit, MostObjectBytes) is { } bytes ? SignedObject.OfCommit(bytes, RefName.IsSha256(commit)) : null);

    private static SignedBy Told(ResolvedScript script, SignedBy signed, AllowedSigners signers)
    {
        Messages.Step(() => $"{script.DisplayName}: signed by {signed}, whom {signers.Path} names");
        return signed;
    }
}
