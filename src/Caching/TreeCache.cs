using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;
using Run.Trees;

namespace Run.Caching;

/// <summary>
/// The cached trees: archives and repositories with all their files. Each has a directory, named like those of single scripts:
/// <code>
/// trees/KEY/record              the description of an archive's current version
/// trees/KEY/record-REF          that of a branch, tag or commit of a repository; REF is from a digest
/// trees/KEY/VERSION/tree/       the files, not writable; VERSION is from the archive's digest, or from the commit
/// trees/KEY/VERSION/listing     the digest of each file
/// trees/KEY/VERSION/stamps      the state of each file: see <see cref="TreeStamps"/>
/// trees/KEY/VERSION/archive     what was fetched
/// trees/KEY/repository/         what was fetched of a repository, for all refs
/// trees/KEY/used/LOCK           a script of it that was started: its lock file has that name
/// </code>
/// A version is unpacked in tmp/ and renamed into place, and then its record is written. The files are not flushed: the stamps name the
/// boot in which they were taken, and after another boot all files are hashed again, once. An archive that takes another one's place is
/// flushed, and so are git's packs, so the files can be unpacked again if that shows that some were lost. A first archive is not: if it is
/// lost as well, there was nothing before it that would have to stay.
/// </summary>
internal sealed class TreeCache(Cache cache)
{
    public const string DirectoryName = "trees";

    /// <summary>What is being fetched to a repository, in directories of it that are locked.</summary>
    public const string IncomingPrefix = "incoming-";

    /// <summary>In the repository: a file for each commit that is there.</summary>
    public const string CommitsName = "commits";

    internal const string UsedName = "used", RepositoryName = "repository";
    private const string RecordName = "record", RefInfix = "-";
    private const int VersionLength = 32, RefLength = 16;

    // Nothing but work on this machine is done with the lock. Whoever has it for so long has been stopped, or hangs.
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(2);

    /// <summary>The directory of an archive, or of a repository with all its refs.</summary>
    public string DirectoryOf(TreeUrl tree) => $"{Root}/{Cache.Key(tree.Package)}";

    /// <summary>The bare repository that commits are fetched to. Its directory is created.</summary>
    /// <exception cref="RunException">73, 77.</exception>
    public string RepositoryOf(TreeUrl tree)
    {
        MakeDirectory(tree);
        return $"{DirectoryOf(tree)}/{RepositoryName}";
    }

    /// <summary>Whether commits of the repository may have been fetched.</summary>
    public bool HasRepository(TreeUrl tree) => TrustedPath.CheckTarget(cache.Root) is not null && TrustedPath.Check(Root) is not null
        && TrustedPath.Check(DirectoryOf(tree)) is not null && TrustedPath.Check($"{DirectoryOf(tree)}/{RepositoryName}") is not null;

    /// <summary>Whether there is a tree of that ref, be it whole or not.</summary>
    public bool HasRecord(TreeUrl tree) => Cache.ReadRecord(DirectoryOf(tree), RecordNameOf(tree)) is not null;

    private string Root => $"{cache.Root}/{DirectoryName}";

    /// <summary>
    /// The cached tree; null if there is none, or if a file of it is no longer what was unpacked. <see cref="CachedScript.Path"/> is the
    /// directory of its files.
    /// </summary>
    /// <param name="isDamaged">Whether there is one that has to be unpacked again.</param>
    /// <exception cref="RunException">77: another user owns or can write the cache, or what is in it.</exception>
    public CachedScript? Find(TreeUrl tree, out CachedScript? isDamaged)
    {
        isDamaged = null;
        return TrustedPath.CheckTarget(cache.Root) is null || TrustedPath.Check(Root) is null
            ? null
            : Find(DirectoryOf(tree), RecordNameOf(tree), out isDamaged);
    }

    /// <summary>All trees: those that a script was started from as often as there are such scripts.</summary>
    public IEnumerable<CachedScript> All()
    {
        foreach (var directory in Directories())
        {
            foreach (var name in RecordNames(directory))
            {
                if (Find(directory, name, out _) is not { } tree)
                {
                    continue;
                }

                var scripts = Used(directory).Where(use => use.Record == name)
                    .Select(use => InTree(tree, use)).WhereNotNull().ToList();
                foreach (var script in scripts.Count > 0 ? scripts : [tree])
                {
                    yield return script;
                }
            }
        }
    }

    /// <summary>Waits until this process alone changes the tree. Its directory is created.</summary>
    /// <returns>To be disposed of at the end.</returns>
    /// <exception cref="RunException">69: another process does not release it. 73, 77: the directory cannot be used.</exception>
    public SafeFileHandle Lock(TreeUrl tree)
    {
        var waiting = Stopwatch.StartNew();
        var backoff = new Backoff();
        while (true)
        {
            MakeDirectory(tree);
            var opened = Open(DirectoryOf(tree));
            if (opened.Value is { } handle)
            {
                // A file system without locks has nobody to wait for.
                var isFree = Files.Lock(handle, wait: false) != Errno.Again;
                if (isFree && Files.IsAt(handle, DirectoryOf(tree)))
                {
                    return handle;
                }

                handle.Dispose();
                if (waiting.Elapsed > s_longestWait)
                {
                    throw new RunException(
                        ExitStatus.Unavailable, $"{UrlText.Redacted(tree.Package)}: another process is changing what is cached of it, "
                        + "and does not end", $"it has locked {DirectoryOf(tree)}");
                }

                if (Signals.IsInterrupted)
                {
                    throw new RunException(ExitStatus.Interrupted, $"{UrlText.Redacted(tree.Package)}: interrupted");
                }

                if (!isFree)
                {
                    backoff.Wait();
                }
            }
            else if (opened.Error != Errno.NoEntry)
            {
                throw CannotWrite(DirectoryOf(tree), opened.Error);
            }
        }
    }

    /// <summary>Whether a process has locked a directory, so that it is still at work there. True if that cannot be told.</summary>
    public static bool IsLocked(string directory)
    {
        using var handle = Open(directory).Value;
        return handle is not null && Files.Lock(handle, wait: false) != Errno.None;
    }

    /// <summary>
    /// Notes that the script is about to be started, so that <c>--clean</c> finds its lock. To be called before its tree is looked up, and
    /// when a new one is stored. Failures are ignored: a cache that cannot be written cannot be cleaned either.
    /// </summary>
    /// <returns>Whether it had been noted before.</returns>
    public bool NoteUse(ResolvedScript script)
    {
        var tree = script.Tree!;
        var directory = DirectoryOf(tree);
        var use = new Use(script.DisplayName, UrlText.Redacted(script.Url), RecordNameOf(tree), Cache.Key(script.NamedUrl));
        if (TrustedPath.CheckTarget(cache.Root) is null || TrustedPath.Check(directory) is null)
        {
            return false;
        }

        var before = Use.Read($"{directory}/{UsedName}/{use.Key}", use.Key);
        if (before == use)
        {
            return true;
        }

        try
        {
            Note(cache.Root, directory, use);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            Messages.Step(() => e.Message);
        }

        return before is not null;
    }

    /// <summary>Whether a use of the script is noted.</summary>
    public bool IsNoted(ResolvedScript script) =>
        Cache.Key(script.NamedUrl) is var key && Use.Read($"{DirectoryOf(script.Tree!)}/{UsedName}/{key}", key) is not null;

    /// <summary>
    /// Removes the note of a script that this process alone has noted, if its tree does not have it: else the tree would be kept for it.
    /// </summary>
    public void ForgetUse(ResolvedScript script)
    {
        var tree = script.Tree!;
        try
        {
            // Whoever stores a tree that has the script notes it with this lock.
            using var handle = Open(DirectoryOf(tree)).Value;
            if (cache.IsMarked && handle is not null && Files.Lock(handle, wait: false) == Errno.None
                && (Find(tree, out var damaged) is { } copy
                    ? !copy.Tree!.HasScript(tree.Path, copy.Record.Top)
                    : damaged is null))
            {
                _ = Files.Remove($"{DirectoryOf(tree)}/{UsedName}/{Cache.Key(script.NamedUrl)}");
            }
        }
        catch (RunException e)
        {
            // The run has failed for another reason.
            Messages.Step(() => e.Message);
        }
    }

    /// <exception cref="RunException">73: it cannot be written.</exception>
    internal static void Note(string root, string directory, Use use)
    {
        TrustedPath.MakePrivateDirectory($"{directory}/{UsedName}");
        using var staging = Cache.Stage(root);
        staging.Write(OsText.ToBytes(use.ToText()));
        var path = $"{directory}/{UsedName}/{use.Key}";
        try
        {
            _ = staging.Finish(Permissions.PrivateFile, path, flush: false);
        }
        catch (RunException e) when (e.Status == ExitStatus.Refused && TrustedPath.Check(path) is { IsRegular: true })
        {
            // Another process of this user has just noted the same URL, which it calls by another name. Either will do.
        }
    }

    /// <summary>Makes an unpacked tree the current version.</summary>
    /// <param name="staging">Has the files, and the archive if there is one.</param>
    /// <param name="record">Its description.</param>
    /// <param name="isRunning">Whether another process runs a script of the tree: see <see cref="VersionSweeper"/>.</param>
    /// <exception cref="RunException">73: it cannot be written.</exception>
    public CachedScript Store(
        ResolvedScript script, StagingDirectory staging, TreeListing listing, CacheRecord record, Func<string, bool> isRunning)
    {
        var tree = script.Tree!;
        MakeDirectory(tree);
        NoteUse(script);
        var directory = DirectoryOf(tree);
        var name = RecordNameOf(tree);
        var before = Cache.ReadRecord(directory, name);
        var stored = Install(directory, staging, listing, record);
        Cache.Write(cache.Root, directory, record, flush: before is not null, name);
        if (cache.IsMarked)
        {
            string[] current = [.. Records(directory).Select(VersionName)];

            // A script may read any of its files at any time, so age alone takes none away from it.
            VersionSweeper.Sweep(
                directory, current, before is { } old ? VersionName(old.Record) : null, cache.Now, TimeSpan.MaxValue,
                () => Used(directory).Exists(use => isRunning(use.Key)));
        }

        return new CachedScript(stored.Root, record) { Tree = stored };
    }

    /// <summary>
    /// The tree of these bytes, or of this commit, if it is there already: it was fetched for another ref, or the server has sent it again.
    /// Null if it is not, or is damaged.
    /// </summary>
    /// <param name="record">Its description, as far as it is known.</param>
    public CachedScript? Same(TreeUrl tree, CacheRecord record)
    {
        var directory = DirectoryOf(tree);
        foreach (var name in RecordNames(directory))
        {
            if (Cache.ReadRecord(directory, name) is var (other, _) && VersionName(other) == VersionName(record))
            {
                return Find(directory, name, out _);
            }
        }

        return null;
    }

    /// <summary>Makes a tree that is there already the current version. Null if another process has removed it in the meantime.</summary>
    /// <exception cref="RunException">73: it cannot be written.</exception>
    public CachedScript? Store(ResolvedScript script, CachedTree same, CacheRecord record)
    {
        if (Cache.IsGone(same.Root))
        {
            return null;
        }

        NoteUse(script);
        var (directory, name) = (DirectoryOf(script.Tree!), RecordNameOf(script.Tree!));
        Cache.Write(cache.Root, directory, record, flush: Cache.ReadRecord(directory, name) is not null, name);
        return new CachedScript(same.Root, record) { Tree = same };
    }

    /// <summary>Mends a damaged tree by one of the same content. Scripts that are running from it go on.</summary>
    /// <exception cref="RunException">73: it cannot be written. 77: another user owns or can write something of it.</exception>
    public CachedScript Restore(TreeUrl tree, StagingDirectory staging, TreeListing listing, CacheRecord record)
    {
        var stored = Install(DirectoryOf(tree), staging, listing, record);
        return new CachedScript(stored.Root, record) { Tree = stored };
    }

    /// <inheritdoc cref="Cache.Confirm"/>
    public CachedScript? Confirm(TreeUrl tree, CachedScript copy, DateTimeOffset now, string? etag, string? lastModified)
    {
        if (Cache.IsGone(copy.Path))
        {
            return null;
        }

        var record = copy.Record with
        {
            Checked = now,
            ETag = etag ?? copy.Record.ETag,
            LastModified = lastModified ?? copy.Record.LastModified,
        };
        Write(tree, record);
        return copy with { Record = record };
    }

    /// <summary>Replaces the record of a tree that is there.</summary>
    /// <exception cref="RunException">73: it cannot be written.</exception>
    public void Write(TreeUrl tree, CacheRecord record) =>
        Cache.Write(cache.Root, DirectoryOf(tree), record, flush: true, RecordNameOf(tree));

    /// <summary>
    /// Removes a script, and of its tree what no other one needs: see <see cref="TreeRemoval"/>. One that is running, or that is being
    /// fetched, stays.
    /// </summary>
    /// <inheritdoc cref="Cache.Remove"/>
    public bool Remove(ResolvedScript script, Func<Locking.RunningScripts> holders, Action<string, string> kept)
    {
        var trees = script.CachedUrls.Select(TreeUrl.Parse).WhereNotNull().Distinct().ToList();
        var found = false;
        foreach (var directory in trees.Select(DirectoryOf).Distinct().Where(static path => TrustedPath.Check(path) is not null).ToList())
        {
            cache.RequireMark();
            var its = trees.FindAll(tree => DirectoryOf(tree) == directory);
            found |= new TreeRemoval(cache, directory, holders)
                .Remove(script, its.ConvertAll(RecordNameOf), its.ConvertAll(static tree => tree.PackageAndRef), kept);
        }

        return found;
    }

    /// <summary>
    /// Removes all trees, with all their versions and refs. One that a script is running from, or that is being fetched, stays.
    /// </summary>
    /// <inheritdoc cref="Cache.RemoveAll"/>
    public void RemoveAll(Func<Locking.RunningScripts> holders, Action<string, string> kept)
    {
        foreach (var directory in Directories())
        {
            Remove(directory, holders, kept, static () => true);
        }

        _ = Files.RemoveDirectory(Root);
    }

    /// <summary>The scripts that were started from trees, by tree.</summary>
    public IEnumerable<(string Directory, TreeUse Use)> Uses() => Directories().Select(static directory => (directory, UseOf(directory)));

    /// <summary>The scripts that were started from a tree, and when it was last confirmed or replaced.</summary>
    public static TreeUse UseOf(string directory)
    {
        var changed = DateTimeOffset.FromUnixTimeMilliseconds((Files.Status(directory).Value?.Modified ?? 0) / 1_000_000);
        return new TreeUse(
            Used(directory).Select(static use => use.Key).ToList(),
            Records(directory).Select(static record => record.Checked).Append(changed).Max());
    }

    /// <summary>Removes a tree that nobody uses, with all its versions.</summary>
    /// <param name="isUnused">Asked once more while nobody can fetch it.</param>
    /// <inheritdoc cref="Cache.RemoveAll"/>
    public void RemoveUnused(string directory, Func<Locking.RunningScripts> holders, Func<bool> isUnused) =>
        Remove(directory, holders, static (_, _) => { }, isUnused);

    /// <summary>Whether a cache has a tree with its record.</summary>
    internal static bool HasTrees(string root) => (Files.Names($"{root}/{DirectoryName}").Value ?? [])
        .Exists(name => RecordNames($"{root}/{DirectoryName}/{name}").Any(
            record => Cache.ReadRecord($"{root}/{DirectoryName}/{name}", record)?.Record.Tree is not null));

    /// <summary>Whether a directory, which is named like a key, contains nothing that this class does not write there.</summary>
    internal static bool IsTreeDirectory(string directory) =>
        Files.LinkStatus(directory).Value is { IsDirectory: true } && Files.Names(directory).Value is { } names
        && names.TrueForAll(static name => name is RecordName or UsedName or RepositoryName || Cache.IsKey(name)
            || name.StartsWith(RecordName + RefInfix, StringComparison.Ordinal));

    private static string RecordNameOf(TreeUrl tree) =>
        tree.Ref is { } reference ? RecordName + RefInfix + Sha256.HexOf(OsText.ToBytes(reference))[..RefLength] : RecordName;

    internal static string VersionName(CacheRecord record) => (record.Commit ?? record.Sha256)[..VersionLength];

    /// <summary>The files are not those that this process has written.</summary>
    public static RunException WasChanged(string files) =>
        new(ExitStatus.Refused, $"{files}: changed by another process while it was written, so it is not used");

    private static CachedScript? InTree(CachedScript tree, Use use)
    {
        if (TreeUrl.Parse(use.Url) is not { } url
            || tree.Tree!.Find(url.Path, tree.Record.Top) is not { IsLink: false } file)
        {
            return null;
        }

        return tree with
        {
            Path = $"{tree.Path}/{file.Path}",
            Record = tree.Record with { Script = use.Script, Url = use.Url, Stamp = file.Stamp },
        };
    }

    /// <summary>
    /// Puts an unpacked tree into its place, unless another process has done so. The directory of a version is never moved or replaced:
    /// scripts may be running from it.
    /// </summary>
    private CachedTree Install(string directory, StagingDirectory staging, TreeListing listing, CacheRecord record)
    {
        var version = $"{directory}/{VersionName(record)}";
        if (Whole(version, listing.Digest) is { } there)
        {
            return there;
        }

        var files = $"{staging.Path}/{CachedTree.TreeName}";
        var stamps = TreeStamps.Of(listing, files, Boot.Id ?? "") ?? throw WasChanged(files);
        Put(staging, CachedTree.ListingName, listing.ToText());
        Put(staging, CachedTree.StampsName, stamps.ToBytes());
        if (staging.TryFinish(version))
        {
            return new CachedTree(version, stamps, null);
        }

        // What is wrong in it is replaced file by file. Until the last one is, it counts as damaged.
        TreeMender.Mend($"{version}/{CachedTree.TreeName}", files, listing);
        foreach (var name in (ReadOnlySpan<string>)[CachedTree.ListingName, CachedTree.ArchiveName])
        {
            var error = Files.Rename($"{staging.Path}/{name}", $"{version}/{name}");
            if (error is not (Errno.None or Errno.NoEntry))
            {
                throw CannotWrite($"{version}/{name}", error);
            }
        }

        return Rehash(version, listing.Digest, null) ?? throw WasChanged($"{version}/{CachedTree.TreeName}");
    }

    private static void Put(StagingDirectory staging, string name, byte[] bytes)
    {
        var path = $"{staging.Path}/{name}";
        using var file = Files.Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive, Permissions.PrivateFile)
            .OrThrow(error => CannotWrite(path, error));
        var error = Files.Write(file, bytes);
        if (error != Errno.None)
        {
            throw CannotWrite(path, error);
        }
    }

    private void MakeDirectory(TreeUrl tree)
    {
        TrustedPath.MakePrivateDirectory(Root);
        TrustedPath.MakePrivateDirectory(DirectoryOf(tree));
    }

    private CachedScript? Find(string directory, string name, out CachedScript? isDamaged)
    {
        isDamaged = null;
        if (TrustedPath.Check(directory) is null || Cache.ReadRecord(directory, name) is not var (record, file)
            || record.Tree is not { } digest)
        {
            return null;
        }

        var version = $"{directory}/{VersionName(record)}";
        var root = $"{version}/{CachedTree.TreeName}";
        if (Whole(version, digest) is { } tree)
        {
            return new CachedScript(root, record) { RecordFile = file, Tree = tree };
        }

        Messages.Step(() => $"{root}: a file has changed since it was unpacked");
        isDamaged = new CachedScript(root, record);
        return null;
    }

    /// <summary>The tree of a version; null if it is not there, or is damaged.</summary>
    /// <exception cref="RunException">77: another user owns or can write something of it.</exception>
    private CachedTree? Whole(string version, string digest)
    {
        var root = $"{version}/{CachedTree.TreeName}";
        if (TrustedPath.Check(version) is null || TrustedPath.Check(root) is not { IsDirectory: true })
        {
            return null;
        }

        var read = ReadStamps(version);
        if (read is var (stamps, stampsFile) && stamps.Tree == digest && stamps.Boot == Boot.Id
            && stampsFile.Stamp?.Modified > stamps.LastChange && stamps.Hold(root))
        {
            return new CachedTree(version, stamps, stampsFile);
        }

        return Rehash(version, digest, read?.Stamps);
    }

    /// <summary>
    /// Hashes the files: after another boot all of them, else those whose stamps have changed. If they are those of the listing, notes
    /// their stamps; else returns null.
    /// </summary>
    private CachedTree? Rehash(string version, string digest, TreeStamps? before)
    {
        var root = $"{version}/{CachedTree.TreeName}";
        var boot = Boot.Id ?? "";
        if (CachedTree.ReadListing(version) is not { } listing || listing.Digest != digest
            || TreeStamps.Of(listing, root, boot) is not { } now)
        {
            return null;
        }

        var same = before is not null && before.Boot == boot && before.Tree == digest && before.Files.Count == now.Files.Count;
        for (var i = 0; i < now.Files.Count; i++)
        {
            // A file that was changed in the tick in which its stamp was taken has the same one, so all of that tick are hashed.
            var isSame = same && before!.Files[i] == now.Files[i] && now.Files[i].Stamp.Changed < before.LastChange;
            if (!isSame && !TreeMender.IsRight($"{root}/{listing.Files[i].Path}", listing.Files[i], now.Files[i].Stamp))
            {
                return null;
            }
        }

        // A run that mended it may have been killed before it could do this.
        TreeMender.Seal(root, listing);
        try
        {
            using var staging = Cache.Stage(cache.Root);
            staging.Write(now.ToBytes());
            _ = staging.Finish(Permissions.PrivateFile, $"{version}/{CachedTree.StampsName}", flush: false);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            // The cache is read-only or full. The files are still right, and the next run hashes them again.
        }

        return new CachedTree(version, now, null);
    }

    private static (TreeStamps Stamps, Input.File File)? ReadStamps(string version)
    {
        var path = $"{version}/{CachedTree.StampsName}";
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
        return file is not null && TrustedPath.Check(path, Files.Status(file)) is { IsRegular: true } status
            && Files.Read(file, TreeStamps.MaxBytes, status.Size).Value is { } bytes && TreeStamps.Parse(bytes) is { } stamps
            ? (stamps, new Input.File(path, status.Stamp))
            : null;
    }

    /// <summary>As <see cref="Cache.Remove"/> does: first the records, then, if nobody has found one before, all else.</summary>
    private void Remove(
        string directory, Func<Locking.RunningScripts> holders, Action<string, string> kept, Func<bool> isToGo)
    {
        cache.RequireMark();
        _ = TrustedPath.Check(directory);

        // That of an archive. A repository has one for each ref, and what git is fetching is locked in another way.
        using var flight = SingleFlight.TryEnter(cache, Path.GetFileName(directory));
        using var handle = Open(directory).Value;
        if (flight is null || handle is null || Files.Lock(handle, wait: false) == Errno.Again || IsFetching(directory))
        {
            // Before its first fetch has ended nothing says yet what it is.
            kept(Records(directory).Select(static record => record.Script).FirstOrDefault() ?? "a script", "is being fetched");
            return;
        }

        if (Running() is { } before)
        {
            kept(before.Script, $"is running ({before.Holder})");
            return;
        }

        if (!isToGo())
        {
            return;
        }

        foreach (var name in RecordNames(directory))
        {
            DirectoryTree.Remove($"{directory}/{name}");
        }

        if (Running() is { } running)
        {
            // It has found the tree just before the records were removed. The next run fetches again.
            kept(running.Script, $"is running ({running.Holder})");
            return;
        }

        DirectoryTree.Remove(directory);

        (string Script, string Holder)? Running()
        {
            var now = holders();
            foreach (var use in Used(directory))
            {
                if (now.Holder(use.Key, use.Script) is { } holder)
                {
                    return (use.Script, holder.Name);
                }
            }

            return null;
        }
    }

    /// <summary>Whether something is being fetched to the repository.</summary>
    internal static bool IsFetching(string directory) => (Files.Names($"{directory}/{RepositoryName}").Value ?? []).Exists(
        name => name.StartsWith(IncomingPrefix, StringComparison.Ordinal) && IsLocked($"{directory}/{RepositoryName}/{name}"));

    internal static Result<SafeFileHandle> Open(string directory) =>
        Files.Open(directory, OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.NoFollow);

    private IEnumerable<string> Directories() => TrustedPath.CheckTarget(cache.Root) is null || TrustedPath.Check(Root) is null
        ? []
        : (Files.Names(Root).Value ?? []).Where(Cache.IsKey).Select(name => $"{Root}/{name}");

    internal static List<CacheRecord> Records(string directory) =>
        RecordNames(directory).Select(name => Cache.ReadRecord(directory, name)?.Record).WhereNotNull().ToList();

    private static IEnumerable<string> RecordNames(string directory) => (Files.Names(directory).Value ?? [])
        .Where(static name => name == RecordName || name.StartsWith(RecordName + RefInfix, StringComparison.Ordinal));

    internal static List<Use> Used(string directory) => (Files.Names($"{directory}/{UsedName}").Value ?? []).Where(Cache.IsKey)
        .Select(name => Use.Read($"{directory}/{UsedName}/{name}", name)).WhereNotNull().ToList();

    private static RunException CannotWrite(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be written: {error.Describe()}");

    /// <summary>How a tree was used.</summary>
    /// <param name="Locks">The names of the lock files of the scripts that were started from it.</param>
    /// <param name="Checked">When it was last confirmed or replaced.</param>
    internal sealed record TreeUse(IReadOnlyList<string> Locks, DateTimeOffset Checked);

    /// <summary>A script that was started from a tree.</summary>
    /// <param name="Record">The name of the record that it was found by.</param>
    /// <param name="Key">The name of its lock file.</param>
    internal sealed record Use(string Script, string Url, string Record, string Key)
    {
        private const int MaxBytes = 64 << 10;

        public string ToText() => $"{Script}\n{Url}\n{Record}\n";

        public static Use? Read(string path, string key)
        {
            using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
            return file is not null && Files.Read(file, MaxBytes).Value is { } bytes
                && OsText.FromBytes(bytes).Split('\n') is [var script, var url, var record, ""]
                ? new Use(script, url, record, key)
                : null;
        }
    }
}
