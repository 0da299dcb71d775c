using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// The cached scripts. The root has a directory for each URL, named by the URL's digest:
/// <code>
/// KEY/record             the description of the current version
/// KEY/VERSION/NAME       its bytes, and those of older versions that a process may still be running
/// flights/KEY            locked by the process that is fetching that URL
/// tmp/                   staging files
/// plans/                 what the next warm run of a script needs to start without the runtime
/// </code>
/// A version is written to tmp/, flushed and renamed. Then the record is written in the same way; its rename makes the new version current.
/// Each file is flushed before its rename, except a first record: without it the script is just fetched again. A journal keeps renames in
/// order, so the directories need no flush: a power failure can undo only the last rename, or the last two. A file in place is never
/// written again, so no process sees half a file, and a running script keeps its bytes.
/// </summary>
/// <param name="clock">The clock for when a copy was fetched and how old a version is.</param>
internal sealed class Cache(string root, TimeProvider clock)
{
    /// <summary>The directory of the plans of warm runs: see <see cref="Planning.Planner"/>.</summary>
    public const string PlansName = "plans";

    private const string RecordName = "record";
    private const int KeyLength = 32;
    private const int MaxRecordBytes = 16 << 10;

    public string Root => root;

    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>The name of a URL's directory: 128 bits of the digest of the URL without user name and password.</summary>
    public static string Key(string url) => Sha256.HexOf(OsText.ToBytes(UrlText.WithoutUser(url)))[..KeyLength];

    /// <summary>
    /// The URL's cached copy; null if there is none, or if its bytes are no longer those that were fetched.
    /// </summary>
    /// <exception cref="RunException">77: another user owns or can write the cache, or what is in it.</exception>
    public CachedScript? Find(string url) => FindByKey(Key(url));

    /// <summary>All copies, sorted by script name.</summary>
    public IReadOnlyList<CachedScript> All() =>
        [.. Names().Where(IsKey).Select(FindByKey).OfType<CachedScript>()
            .OrderBy(static c => c.Record.Script, StringComparer.Ordinal).ThenBy(static c => c.Record.Url, StringComparer.Ordinal)];

    /// <summary>
    /// Stores a new version: renames the staging file into place, then writes the record.
    /// </summary>
    /// <param name="staging">A complete file, not yet flushed.</param>
    /// <param name="record">Its description; the stamp and the size are filled in here.</param>
    /// <param name="isRunning">Whether another process is running the script: see <see cref="VersionSweeper"/>.</param>
    /// <exception cref="RunException">73: it cannot be written.</exception>
    public CachedScript Store(string url, StagingFile staging, CacheRecord record, Func<bool> isRunning)
    {
        var directory = $"{root}/{Key(url)}";
        var version = $"{directory}/{record.Sha256[..KeyLength]}";
        var path = $"{version}/{record.Name}";
        TrustedPath.MakeDirectory(version);
        var before = ReadRecord(directory);
        staging.Finish(Permissions.PrivateScript, path);

        var status = Files.Status(path).OrThrow(error =>
            new RunException(ExitStatus.CannotWrite, $"{path}: cannot be written: {error.Describe()}"));
        record = record with { Stamp = status.Stamp, Size = status.Size };

        // A first record needs no flush: a power failure can lose only what this fetch has stored, because a damaged record counts as none.
        Write(directory, record, flush: before is not null);
        VersionSweeper.Sweep(directory, current: record, superseded: before?.Record, Now, isRunning);
        return new CachedScript(path, record);
    }

    /// <summary>Records that the server has confirmed the copy as current.</summary>
    /// <exception cref="RunException">73: the record cannot be written.</exception>
    public CachedScript Confirm(string url, CachedScript copy, DateTimeOffset now, string? etag, string? lastModified)
    {
        var record = copy.Record with
        {
            Checked = now,
            ETag = etag ?? copy.Record.ETag,
            LastModified = lastModified ?? copy.Record.LastModified,
        };
        Write($"{root}/{Key(url)}", record, flush: true);
        return copy with { Record = record };
    }

    /// <summary>Removes all versions of that URL; false if there are none.</summary>
    /// <exception cref="RunException">73: one cannot be removed. 77: another user owns or can write the cache.</exception>
    public bool Remove(string url)
    {
        var directory = $"{root}/{Key(url)}";
        if (TrustedPath.CheckTarget(root) is null || TrustedPath.Check(directory) is null)
        {
            return false;
        }

        DirectoryTree.Remove(directory);
        return true;
    }

    /// <summary>The key of a copy: the name of its directory.</summary>
    public static string KeyOf(CachedScript copy) => Path.GetFileName(DirectoryOf(copy));

    /// <summary>When something in a copy's directory was last replaced, or <see cref="Touch"/> was called.</summary>
    public static DateTimeOffset Touched(CachedScript copy) =>
        DateTimeOffset.FromUnixTimeMilliseconds((Files.Status(DirectoryOf(copy)).Value?.Modified ?? 0) / 1_000_000);

    /// <summary>Records that a copy is used, for runs whose lock file does not.</summary>
    public static void Touch(CachedScript copy) => _ = Files.Touch(DirectoryOf(copy));

    /// <summary>Removes a copy, and the earlier versions of its script.</summary>
    /// <exception cref="RunException">73.</exception>
    public static void Remove(CachedScript copy) => DirectoryTree.Remove(DirectoryOf(copy));

    /// <summary>Removes everything that the cache has created, and nothing else.</summary>
    /// <exception cref="RunException">73: something cannot be removed. 77: another user owns or can write the cache.</exception>
    public void RemoveAll()
    {
        _ = TrustedPath.CheckTarget(root);
        foreach (var name in Names())
        {
            if (!IsKey(name) && name is not (StagingFile.DirectoryName or SingleFlight.DirectoryName or PlansName))
            {
                continue;
            }

            DirectoryTree.Remove($"{root}/{name}");
        }
    }

    /// <summary>Creates the cache's directory, for the user only.</summary>
    /// <exception cref="RunException">73: it cannot be created. 77: another user owns it or can write it.</exception>
    public void Make()
    {
        TrustedPath.MakeDirectory(root);
        if (TrustedPath.CheckTarget(root) is { IsDirectory: false })
        {
            throw new RunException(ExitStatus.CannotWrite, $"{root}: not a directory, so nothing can be cached there");
        }
    }

    private static string DirectoryOf(CachedScript copy) => TrustedPath.Parent(TrustedPath.Parent(copy.Path));

    private static bool IsKey(string name) => name.Length == KeyLength && CharChecks.AreLowerHex(name);

    private CachedScript? FindByKey(string key)
    {
        // The root may be a symbolic link; what is below it must not be one.
        var directory = $"{root}/{key}";
        if (TrustedPath.CheckTarget(root) is null || TrustedPath.Check(directory) is null
            || ReadRecord(directory) is not var (record, file))
        {
            return null;
        }

        var version = $"{directory}/{record.Sha256[..KeyLength]}";
        var path = $"{version}/{record.Name}";
        if (TrustedPath.Check(version) is null || TrustedPath.Check(path) is not { IsRegular: true } status)
        {
            return null;
        }

        // If the file last changed in the same clock tick in which the record was written, it could have changed after its stamp was taken.
        // So the stamp counts only if the record is younger than that change.
        if (record.Stamp == status.Stamp && file.Stamp?.Modified > status.Changed)
        {
            return new CachedScript(path, record) { RecordFile = file };
        }

        return Rehash(directory, path, record);
    }

    /// <summary>The file's stamp has changed: if its bytes still have the digest, records the new stamp; else returns null.</summary>
    private static CachedScript? Rehash(string directory, string path, CacheRecord record)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow).Value;
        if (file is null || Files.Status(file).Value is not { } status || status.Size != record.Size
            || Sha256.OfFile(file).Value != record.Sha256)
        {
            Messages.Step(() => $"{path}: the bytes have changed since they were fetched");
            return null;
        }

        var copy = new CachedScript(path, record with { Stamp = status.Stamp });
        try
        {
            Write(directory, copy.Record, flush: true);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            // The cache is read-only or full. The bytes are still right, and the next run hashes them again.
        }

        return copy;
    }

    /// <summary>The record, and its file with the stamp it had when it was read.</summary>
    private static (CacheRecord Record, Input.File File)? ReadRecord(string directory)
    {
        var path = $"{directory}/{RecordName}";
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
        return file is not null
            && TrustedPath.Check(path, Files.Status(file)) is { IsRegular: true } status
            && Files.Read(file, MaxRecordBytes, status.Size).Value is { } bytes
            && CacheRecord.Parse(OsText.FromBytes(bytes)) is { } record
            ? (record, new Input.File(path, status.Stamp))
            : null;
    }

    private static void Write(string directory, CacheRecord record, bool flush)
    {
        var root = directory[..directory.LastIndexOf('/')];
        using var staging = StagingFile.Create(root);
        staging.Write(OsText.ToBytes(record.ToText()));
        staging.Finish(Permissions.PrivateFile, $"{directory}/{RecordName}", flush);
    }

    /// <summary>The names in the root; empty if it does not exist yet.</summary>
    private List<string> Names() => Files.Names(root) is var names && names.Error == Errno.NotDirectory ? [] : names
        .OrAbsent(error => new RunException(ExitStatus.CannotWrite, $"{root}: cannot be read: {error.Describe()}")) ?? [];
}
