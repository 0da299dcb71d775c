using Run.Caching;
using Run.Git;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;
using Run.Trees;

namespace Run.Acquisition;

/// <summary>A script of many files: an archive, or a commit of a repository, unpacked.</summary>
internal sealed class TreeDownload : Download
{
    private readonly ResolvedScript _script;
    private readonly Cache _cache;
    private readonly StagingDirectory? _staging;
    private readonly TreeListing? _listing;
    private readonly CacheRecord _record;

    // The tree, if it was there already.
    private CachedTree? _same;

    private TreeDownload(
        ResolvedScript script, Cache cache, StagingDirectory? staging, TreeListing? listing, CacheRecord record) =>
        (_script, _cache, _staging, _listing, _record) = (script, cache, staging, listing, record);

    public override bool NotModified => _listing is null && _same is null;

    public override string Path => _same?.Root ?? $"{_staging!.Path}/{CachedTree.TreeName}";

    public override (string Path, int Files) Script
    {
        get
        {
            var tree = _same
                ?? new CachedTree(_staging!.Path, TreeStamps.Of(_listing!, Path, "") ?? throw TreeCache.WasChanged(Path), null);
            return ($"{Path}/{tree.File(_script.Tree!.Path, _record.Top, _script, isCached: false).Path}", tree.Stamps.Files.Count);
        }
    }

    public override string Sha256 => _record.Sha256;

    public override string? Tree => _record.Tree;

    public override TreeListing? Listing => _same?.Listing ?? _listing;

    public override string? Commit => _record.Commit;

    public override SignedBy? SignedBy => _record.SignedBy;

    public override long Size => _record.Size;

    /// <inheritdoc cref="Download.Fetch"/>
    public static TreeDownload FetchArchive(
        ResolvedScript script, TreeUrl tree, Cache cache, Signatures signatures, CachedScript? copy, SingleFlight? flight,
        bool mayBeUnsigned)
    {
        try
        {
            return Unpacked(script, tree, cache, signatures, copy, flight, mayBeUnsigned);
        }
        catch (RunException e) when (!e.MayPass && e.Status is ExitStatus.Data or ExitStatus.NotFound
            && tree.Package.EndsWith(".git", StringComparison.OrdinalIgnoreCase))
        {
            throw new RunException(e.Status, e.Message, $"did you mean {TreeUrl.GitPrefix}{UrlText.Redacted(script.Url)}?");
        }
    }

    private static TreeDownload Unpacked(
        ResolvedScript script, TreeUrl tree, Cache cache, Signatures signatures, CachedScript? copy, SingleFlight? flight,
        bool mayBeUnsigned)
    {
        using var archive = Cache.Stage(cache.Root);
        using var temporary = Signals.RemoveOnInterrupt(archive.Path);
        string[] packages = [.. script.Urls.Select(static url => TreeUrl.Parse(url)!.Package)];
        var result = Get(script, packages, archive, copy, flight, out var request);
        var record = Describe(script, tree, cache) with
        {
            Name = UrlText.FileName(tree.Package),
            Sha256 = result.Sha256,
            ETag = result.ETag,
            LastModified = result.LastModified,
        };
        if (result.NotModified)
        {
            return new TreeDownload(script, cache, null, null, record);
        }

        // Checked before anything of other bytes is unpacked.
        ExpectedDigest.Check(script, result.Sha256, null);
        var (signed, failure) = Signed(
            script, signatures, mayBeUnsigned, signers => signatures.OfFetched(script, signers, request, result, archive.Handle));
        record = record with { SignedBy = signed };
        return TheSame(script, tree, cache, record, failure) ?? Unpacked(script, tree, cache, record, failure, flight, (writer, staging) =>
        {
            var listing = Archive.Unpack(archive.Handle, writer, UrlText.Redacted(tree.Package));

            // The first one needs no flush: what a power failure has damaged is just fetched again.
            _ = archive.Finish(Permissions.PrivateData, $"{staging}/{CachedTree.ArchiveName}", flush: cache.Trees.HasRecord(tree));
            return listing;
        });
    }

    /// <inheritdoc cref="Download.Fetch"/>
    public static TreeDownload FetchCommit(
        ResolvedScript script, TreeUrl tree, Cache cache, ReadSet reads, Signatures signatures, CachedScript? copy, SingleFlight? flight,
        bool mayBeUnsigned)
    {
        using var @lock = new TreeLock(cache.Trees, tree);
        @lock.Take();
        var repository = RepositoryOf(tree, cache, reads);
        var (commit, tag) = (tree.Ref!, (string?)null);
        if (!repository.Has(commit))
        {
            (commit, tag) = repository.Fetch(
                commit,
                plainHttp: script.HasDigest || script.Source is { PlainHttpAllowed: true },
                new FetchTurn(@lock.Take, @lock.Release, () => flight?.Beat()));
        }

        var isSame = copy?.Record.Commit == commit;
        var (signed, failure) = Signed(
            script, signatures, mayBeUnsigned,
            signers => isSame && copy!.Record.Tag == tag && copy.Record.SignedBy is { } before
                ? before
                : signatures.OfCommit(script, signers, repository, commit, tag));
        var record = Describe(script, tree, cache) with { Commit = commit, Tag = tag, SignedBy = signed };
        return isSame
            ? new TreeDownload(script, cache, null, null, record) { Unsigned = failure }
            : TheSame(script, tree, cache, record, failure)
                ?? Unpacked(script, tree, cache, record, failure, flight, (writer, _) => Written(repository, commit, writer));
    }

    /// <summary>
    /// Makes the tree again from what was fetched: the archive, or the commit in the repository. Null if that is not possible.
    /// </summary>
    /// <exception cref="RunException">77: another user owns or can write something of it.</exception>
    public static CachedScript? Restore(TreeUrl tree, Cache cache, ReadSet reads)
    {
        try
        {
            using var @lock = cache.Trees.Lock(tree);

            // Another process may have done it in the meantime.
            if (cache.Trees.Find(tree, out var damaged) is var whole && damaged is null)
            {
                return whole;
            }

            using var staging = Cache.StageDirectory(cache.Root);
            using var writer = new TreeWriter(staging.Path, damaged.Record.Url);
            TreeListing listing;
            if (damaged.Record.Commit is { } commit)
            {
                var repository = RepositoryOf(tree, cache, reads);
                if (!repository.Has(commit))
                {
                    return null;
                }

                listing = Written(repository, commit, writer);
            }
            else
            {
                var version = TrustedPath.Parent(damaged.Path);
                using var archive = Files.Open($"{version}/{CachedTree.ArchiveName}", OpenFlags.ReadOnly | OpenFlags.NoFollow).Value;
                if (archive is null || Posix.Sha256.OfFile(archive).Value != damaged.Record.Sha256)
                {
                    return null;
                }

                listing = Archive.Unpack(archive, writer, damaged.Record.Url);
            }

            if (listing.Digest != damaged.Record.Tree)
            {
                return null;
            }

            Messages.Step(() => $"{damaged.Record.Url}: unpacked again, because files had changed");
            return cache.Trees.Restore(tree, staging, listing, damaged.Record);
        }
        catch (RunException e) when (e.Status != ExitStatus.Refused)
        {
            Messages.Step(() => e.Message);
            return null;
        }
    }

    /// <summary>The tree of a commit that was fetched before, for another ref; null if it was not, or if the ref is not a commit.</summary>
    public static CachedScript? FetchedBefore(
        ResolvedScript script, TreeUrl tree, Cache cache, ReadSet reads, Signatures signatures, Func<string, bool> isRunning)
    {
        if (!RefName.IsCommit(tree.Ref ?? "") || !cache.Trees.HasRepository(tree))
        {
            return null;
        }

        try
        {
            if (!RepositoryOf(tree, cache, reads).Has(tree.Ref!))
            {
                return null;
            }

            using var download = FetchCommit(script, tree, cache, reads, signatures, null, null, mayBeUnsigned: false);
            return download.Keep(null, isRunning);
        }
        catch (RunException e) when (e.Status is ExitStatus.CannotWrite or ExitStatus.Unavailable)
        {
            Messages.Step(() => e.Message);
            return null;
        }
    }

    public override CachedScript? Keep(CachedScript? copy, Func<string, bool> isRunning)
    {
        using var @lock = _cache.Trees.Lock(_script.Tree!);
        return NotModified && copy is not null
            ? _cache.Trees.Confirm(_script.Tree!, Same(copy), _record.Checked, _record.ETag, _record.LastModified)
            : _same is not null ? _cache.Trees.Store(_script, _same, _record)
            : _cache.Trees.Store(_script, _staging!, _listing!, _record, isRunning);
    }

    public override void Dispose() => _staging?.Dispose();

    /// <summary>The copy, whose tag may have been made anew.</summary>
    private CachedScript Same(CachedScript copy) => _record.Commit is null ? copy : copy with
    {
        Record = copy.Record with { Tag = _record.Tag, SignedBy = _record.SignedBy ?? copy.Record.SignedBy },
    };

    /// <summary>The tree that is there already; null if there is none.</summary>
    private static TreeDownload? TheSame(
        ResolvedScript script, TreeUrl tree, Cache cache, CacheRecord record, RunException? unsigned) =>
        cache.Trees.Same(tree, record) is { Tree: { } there, Record: var same }
            ? new TreeDownload(script, cache, null, null, record with { Tree = same.Tree, Top = same.Top, Size = same.Size })
            {
                _same = there,
                Unsigned = unsigned,
            }
            : null;

    private static TreeDownload Unpacked(
        ResolvedScript script, TreeUrl tree, Cache cache, CacheRecord record, RunException? unsigned, SingleFlight? flight,
        Func<TreeWriter, string, TreeListing> unpack)
    {
        var staging = Cache.StageDirectory(cache.Root);
        try
        {
            using var writer = new TreeWriter(staging.Path, UrlText.Redacted(tree.PackageAndRef)) { Progressed = () => flight?.Beat() };
            var listing = unpack(writer, staging.Path);
            record = record with { Tree = listing.Digest, Top = writer.Unwrapped, Size = writer.Bytes };
            return new TreeDownload(script, cache, staging, listing, record) { Unsigned = unsigned };
        }
        catch
        {
            staging.Dispose();
            throw;
        }
    }

    private static TreeListing Written(Repository repository, string commit, TreeWriter writer)
    {
        repository.Write(commit, writer);
        return writer.Finish(unwrap: false);
    }

    /// <summary>What was fetched of the tree's repository.</summary>
    public static Repository RepositoryOf(TreeUrl tree, Cache cache, ReadSet reads) =>
        new(cache.Trees.RepositoryOf(tree), tree.Package, UrlText.Redacted(tree.Package), reads, Terminal.IsThere);

    private static CacheRecord Describe(ResolvedScript script, TreeUrl tree, Cache cache) => new(
        script.DisplayName, UrlText.Redacted(script.Url), tree.FileName, "", 0, cache.Now, cache.Now, null, null);
}
