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

    private readonly Dictionary<string, AllowedSigners> _read = [];

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
    /// <returns>With who that is; null if the signature is not here, and the copy must be fetched again.</returns>
    /// <exception cref="RunException">65: none of the signers has signed it. 69, 77, 78: that cannot be found out.</exception>
    public CachedScript? Held(CachedScript copy, ResolvedScript script)
    {
        if (Of(script) is not { } signers)
        {
            return copy;
        }

        if (copy.Record.SignedBy?.Signers == signers.Digest)
        {
            return copy;
        }

        try
        {
            return Again(copy, script, signers) is { } signed ? cache.Note(script, copy, signed) : null;
        }
        catch (RunException e) when (e.Status == ExitStatus.Data)
        {
            throw new RunException(
                e.Status, $"{e.Message}, so the cached copy is not run",
                e.Hint ?? $"run -u {script.ShellQuoted} asks the server for one that is signed")
            {
                Unsigned = UnsignedBytes.Cached,
            };
        }
    }

    /// <summary>As <see cref="Held"/>, but a copy that none of the signers has signed counts as none.</summary>
    public CachedScript? HeldOrNone(CachedScript copy, ResolvedScript script)
    {
        try
        {
            return Held(copy, script);
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
