using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// The cached scripts. Below the root, a directory for each URL, named by its digest:
/// <code>
/// KEY/record             what is known of the current version
/// KEY/VERSION/NAME       its bytes, and those of versions that some process may still be running
/// flights/KEY            held by the process that fetches that URL now
/// tmp/                   files that are not whole yet
/// plans/                 what the next warm run of a script needs to know, so that it needs no runtime
/// </code>
/// A version is written to tmp/, flushed and renamed; then the record is, in the same way, and that is the moment at which the new version
/// is there. The bytes of each are flushed before its rename (but those of a first record: without it the script is fetched again), and
/// a journal keeps renames in their order, so the directories need no flush: what a loss of power may undo is the last step, and then the
/// one before it. What is in place is never written again, so that nobody can catch it half written, and a script that runs keeps its bytes.
/// </summary>
/// <param name="clock">What tells when a copy came, and how old a version is.</param>
internal sealed class Cache(string root, TimeProvider clock)
{
    /// <summary>Where the plans of warm runs are: see <see cref="Planning.Planner"/>.</summary>
    public const string PlansName = "plans";

    private const string RecordName = "record";
    private const int KeyLength = 32;
    private const int MostRecordBytes = 16 << 10;

    public string Root => root;

    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>The name of a URL's directory: 128 bits of the digest of the URL, which may hold secrets but for the user's.</summary>
    public static string Key(string url) => Sha256.HexOf(OsText.ToBytes(UrlText.WithoutUser(url)))[..KeyLength];

    /// <summary>
    /// The copy of what the URL leads to. Null where there is none, or one whose bytes are no longer those that arrived.
    /// </summary>
    /// <exception cref="RunException">77: another user owns or can write the cache, or what is in it.</exception>
    public CachedScript? Find(string url) => FindByKey(Key(url));

    /// <summary>All copies, by the name of the script.</summary>
    public IReadOnlyList<CachedScript> All() =>
        [.. Names().Where(IsKey).Select(FindByKey).OfType<CachedScript>()
            .OrderBy(static c => c.Record.Script, StringComparer.Ordinal).ThenBy(static c => c.Record.Url, StringComparer.Ordinal)];

    /// <summary>
    /// Puts a version into the cache: renames the temporary file into its place, then the record that names it.
    /// </summary>
    /// <param name="staging">A whole file, written and not yet flushed.</param>
    /// <param name="record">What is known of it; its identity is filled in here.</param>
    /// <param name="isRunning">Whether another process runs the script now: see <see cref="VersionSweeper"/>.</param>
    /// <exception cref="RunException">73.</exception>
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

        // Where there was no record, all that a loss of power can take is what this fetch has brought: a record that is not whole counts as none.
        Write(directory, record, flush: before is not null);
        VersionSweeper.Sweep(directory, current: record, superseded: before?.Record, Now, isRunning);
        return new CachedScript(path, record);
    }

    /// <summary>Writes down that the server was asked, and that the copy is current.</summary>
    /// <exception cref="RunException">73.</exception>
    public CachedScript Confirm(string url, CachedScript copy, DateTimeOffset now, string? etag, string? lastModified)
    {
        var record = copy.Record with { Checked = now, ETag = etag ?? copy.Record.ETag, LastModified = lastModified ?? copy.Record.LastModified };
        Write($"{root}/{Key(url)}", record, flush: true);
        return copy with { Record = record };
    }

    /// <summary>Removes the copies of that URL. False where there are none.</summary>
    /// <exception cref="RunException">73.</exception>
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

    /// <summary>Removes all copies, and leaves what is not the cache's own.</summary>
    /// <exception cref="RunException">73, 77.</exception>
    public void RemoveAll()
    {
        _ = TrustedPath.CheckTarget(root);
        foreach (var name in Names().Where(static n => IsKey(n) || n is StagingFile.DirectoryName or SingleFlight.DirectoryName or PlansName))
        {
            DirectoryTree.Remove($"{root}/{name}");
        }
    }

    /// <summary>Makes the cache's own directory, for the user alone.</summary>
    /// <exception cref="RunException">73, 77.</exception>
    public void Make()
    {
        TrustedPath.MakeDirectory(root);
        if (TrustedPath.CheckTarget(root) is { IsDirectory: false })
        {
            throw new RunException(ExitStatus.CannotWrite, $"{root}: not a directory, so nothing can be cached there");
        }
    }

    private static bool IsKey(string name) => name.Length == KeyLength && CharChecks.AreLowerHex(name);

    private CachedScript? FindByKey(string key)
    {
        // The root may be a symbolic link that the user made; what is below it may not.
        var directory = $"{root}/{key}";
        if (TrustedPath.CheckTarget(root) is null || TrustedPath.Check(directory) is null || ReadRecord(directory) is not var (record, file))
        {
            return null;
        }

        var version = $"{directory}/{record.Sha256[..KeyLength]}";
        var path = $"{version}/{record.Name}";
        if (TrustedPath.Check(version) is null || TrustedPath.Check(path) is not { IsRegular: true } status)
        {
            return null;
        }

        // A file that was written in the same tick of the clock as the record could have changed after it was looked at:
        // only a record that is younger than the last change proves anything.
        if (record.Stamp == status.Stamp && file.Stamp?.Modified > status.Changed)
        {
            return new CachedScript(path, record) { RecordFile = file };
        }

        return Reread(directory, path, record);
    }

    /// <summary>The file does not look as it did: its bytes decide, and where they are right it is written down how it looks now.</summary>
    private static CachedScript? Reread(string directory, string path, CacheRecord record)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow).Value;
        if (file is null || Files.Status(file).Value is not { } status || status.Size != record.Size
            || Sha256.OfFile(file).Value != record.Sha256)
        {
            Messages.Step(() => $"{path}: not the bytes that arrived");
            return null;
        }

        var copy = new CachedScript(path, record with { Stamp = status.Stamp });
        try
        {
            Write(directory, copy.Record, flush: true);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            // A cache that is read-only, or full: the bytes are right all the same, and are read again next time.
        }

        return copy;
    }

    /// <summary>The record, and its file as it was.</summary>
    private static (CacheRecord Record, Input.File File)? ReadRecord(string directory)
    {
        var path = $"{directory}/{RecordName}";
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
        return file is not null
            && TrustedPath.Check(path, Files.Status(file)) is { IsRegular: true } status
            && Files.Read(file, MostRecordBytes, status.Size).Value is { } bytes
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

    /// <summary>What is in the cache; nothing if there is none yet.</summary>
    private List<string> Names() => Files.Names(root) is var names && names.Error == Errno.NotDirectory ? [] : names
        .OrAbsent(error => new RunException(ExitStatus.CannotWrite, $"{root}: cannot be read: {error.Describe()}")) ?? [];
}
