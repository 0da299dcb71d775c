using Run.Inputs;
using Run.Locking;
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
/// trees/                 scripts of many files: see <see cref="TreeCache"/>
/// plans/                 what the next warm run of a script needs to start without the runtime
/// CACHEDIR.TAG           marks the directory as a cache of run, so that files may be removed from it
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

    /// <summary>The directory of files that are not complete yet.</summary>
    public const string StagingName = "tmp";

    private const string RecordName = "record";
    private const int KeyLength = 32;
    private const int PlanNameLength = 4; // native/plan_key.c

    // A signature is in it, which may have 64 KiB.
    private const int MaxRecordBytes = 128 << 10;

    // Removing takes a lock for each script, and a process may have only so many descriptors.
    private const int RemovedAtOnce = 100;

    private readonly CacheTag _tag = new(root);

    public string Root => root;

    /// <summary>The scripts of many files.</summary>
    public TreeCache Trees => field ??= new TreeCache(this);

    /// <summary>Whether run may remove anything from it: see <see cref="CacheTag"/>.</summary>
    public bool IsMarked => _tag.Exists;

    public DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>The name of a URL's directory: 128 bits of the digest of the URL without user name and password.</summary>
    public static string Key(string url) => Sha256.HexOf(OsText.ToBytes(UrlText.WithoutUser(url)))[..KeyLength];

    /// <summary>
    /// The URL's cached copy; null if there is none, or if its bytes are no longer those that were fetched.
    /// </summary>
    /// <exception cref="RunException">77: another user owns or can write the cache, or what is in it.</exception>
    public CachedScript? Find(string url) => FindByKey(Key(url));

    /// <summary>All copies of what was fetched, sorted by script name.</summary>
    public IReadOnlyList<CachedScript> All() =>
        Names().Where(IsKey).Select(FindByKey).WhereNotNull().Where(static c => !c.Record.IsOfLocalFile)
            .Concat(Trees.All())
            .OrderBy(static c => c.Record.Script, StringComparer.Ordinal).ThenBy(static c => c.Record.Url, StringComparer.Ordinal)
            .ToList();

    /// <summary>Creates a file in the cache that is still to be written.</summary>
    /// <exception cref="RunException">73: it cannot be created. 77: another user owns or can write its directory.</exception>
    public static StagingFile Stage(string root)
    {
        var directory = $"{root}/{StagingName}";
        TrustedPath.MakePrivateDirectory(directory);
        return StagingFile.Create(directory, $"{Processes.Id}-", null, () => TrustedPath.MakePrivateDirectory(directory));
    }

    /// <summary>Creates a directory in the cache that is still to be filled.</summary>
    /// <inheritdoc cref="Stage"/>
    public static StagingDirectory StageDirectory(string root)
    {
        var directory = $"{root}/{StagingName}";
        TrustedPath.MakePrivateDirectory(directory);
        return StagingDirectory.Create(directory, $"{Processes.Id}-");
    }

    /// <exception cref="RunException">73: the directory is not marked as a cache of run.</exception>
    public void RequireMark() => _tag.Require();

    /// <summary>
    /// Stores a new version: renames the staging file into place, then writes the record.
    /// </summary>
    /// <param name="staging">A complete file, not yet flushed.</param>
    /// <param name="record">Its description; the stamp and the size are filled in here.</param>
    /// <param name="isRunning">Whether another process is running the script: see <see cref="VersionSweeper"/>.</param>
    /// <exception cref="RunException">73: it cannot be written. 77: another user owns or can write a directory of the script.</exception>
    public CachedScript Store(string url, StagingFile staging, CacheRecord record, Func<bool> isRunning)
    {
        var directory = $"{root}/{Key(url)}";
        var version = $"{directory}/{VersionName(record)}";
        var path = $"{version}/{record.Name}";
        MakeVersion();
        MakeRoom(path);
        MakeRoom($"{directory}/{RecordName}");
        var before = ReadRecord(directory);

        // The status is that of the file that was hashed, not of whatever the path leads to.
        var status = staging.Finish(Permissions.PrivateScript, path, flush: true, MakeVersion);
        record = record with { Stamp = status.Stamp, Size = status.Size };

        // A first record needs no flush: a power failure can lose only what this fetch has stored, because a damaged record counts as none.
        Write(root, directory, record, flush: before is not null);
        if (_tag.Exists)
        {
            VersionSweeper.Sweep(
                directory, [VersionName(record)], before is { } old ? VersionName(old.Record) : null, Now, VersionSweeper.KeepTime,
                isRunning);
        }

        return new CachedScript(path, record);

        void MakeVersion()
        {
            TrustedPath.MakePrivateDirectory(directory);
            TrustedPath.MakePrivateDirectory(version);
        }
    }

    /// <summary>Records that the server has confirmed the copy as current.</summary>
    /// <returns>Null if another process has removed it in the meantime.</returns>
    /// <exception cref="RunException">73: the record cannot be written.</exception>
    public CachedScript? Confirm(string url, CachedScript copy, DateTimeOffset now, string? etag, string? lastModified)
    {
        if (IsGone(copy.Path))
        {
            return null;
        }

        var record = copy.Record with
        {
            Checked = now,
            ETag = etag ?? copy.Record.ETag,
            LastModified = lastModified ?? copy.Record.LastModified,
        };
        Write(root, $"{root}/{Key(url)}", record, flush: true);
        return copy with { Record = record };
    }

    /// <summary>Records who has signed the copy. If that cannot be written, the next run finds it out again.</summary>
    public CachedScript Note(ResolvedScript script, CachedScript copy, SignedBy signed)
    {
        var record = copy.Record with { SignedBy = signed };
        try
        {
            if (script.Tree is { } tree)
            {
                Trees.Write(tree, record);
            }
            else
            {
                Write(root, $"{root}/{Key(script.Url)}", record, flush: true);
            }
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            Messages.Step(() => e.Message);
        }

        return copy with { Record = record, RecordFile = null };
    }

    /// <summary>
    /// Removes all versions of a script. One that is running or being fetched keeps its copy.
    /// </summary>
    /// <param name="holders">Finds out who is running which script now.</param>
    /// <param name="kept">Called for each script that keeps its copy: its name, and why.</param>
    /// <returns>Whether there was a copy.</returns>
    /// <exception cref="RunException">73: one cannot be removed. 77: another user owns or can write the cache.</exception>
    public bool Remove(ResolvedScript script, Func<RunningScripts> holders, Action<string, string> kept)
    {
        if (TrustedPath.CheckTarget(root) is null)
        {
            return false;
        }

        if (script.Tree is not null)
        {
            return Trees.Remove(script, holders, kept);
        }

        var keys = script.CachedUrls.Select(Key).Where(key => TrustedPath.Check($"{root}/{key}") is not null).ToList();
        if (keys.Count > 0)
        {
            _tag.Require();
            RemoveKeys(keys, holders, kept, static _ => true);
        }

        return keys.Count > 0;
    }

    /// <summary>Whether another process has removed a copy since it was found.</summary>
    internal static bool IsGone(string path) => Files.Status(path).Error == Errno.NoEntry;

    /// <summary>The key of a copy: the name of its directory.</summary>
    public static string KeyOf(CachedScript copy) => Path.GetFileName(DirectoryOf(copy));

    /// <summary>Whether the copy of that key was neither confirmed nor replaced since.</summary>
    public bool IsUnchanged(string key, DateTimeOffset since) =>
        ReadRecord($"{root}/{key}") is var (record, _) && record.Checked < since
        && Files.Status($"{root}/{key}").Value is { } status && status.Modified / 1_000_000 < since.ToUnixTimeMilliseconds();

    /// <summary>Removes those of these copies that nobody uses, with the earlier versions of their scripts.</summary>
    /// <param name="isUnused">Asked once more about each copy while nobody can fetch it.</param>
    /// <inheritdoc cref="Remove"/>
    public void RemoveUnused(List<string> keys, Func<RunningScripts> holders, Predicate<string> isUnused)
    {
        if (keys.Count > 0)
        {
            _tag.Require();
            RemoveKeys(keys, holders, static (_, _) => { }, isUnused);
        }
    }

    /// <summary>Removes the plans that are older than that; a cache that is not marked is left alone.</summary>
    public void RemovePlans(DateTimeOffset before)
    {
        var plans = $"{root}/{PlansName}";
        if (!_tag.Exists || TrustedPath.Check(plans) is not { IsDirectory: true })
        {
            return;
        }

        foreach (var path in (Files.Names(plans).Value ?? []).Where(IsPlanName).Select(name => $"{plans}/{name}"))
        {
            if (Files.LinkStatus(path).Value is { IsRegular: true } status && status.Modified / 1_000_000 < before.ToUnixTimeMilliseconds())
            {
                _ = Files.Remove(path);
            }
        }
    }

    /// <summary>Removes everything that the cache has created and that no process needs, and nothing else.</summary>
    /// <inheritdoc cref="Remove"/>
    public void RemoveAll(Func<RunningScripts> holders, Action<string, string> kept)
    {
        if (TrustedPath.CheckTarget(root) is null || Names() is not { Count: > 0 } names)
        {
            return;
        }

        // A cache that another process is creating has these at first, and no mark yet.
        _tag.Adopt();
        if (!_tag.Exists && names.TrueForAll(static name => name is StagingName or SingleFlight.DirectoryName))
        {
            return;
        }

        _tag.Require();
        RemoveKeys(names.FindAll(IsKey), holders, kept, static _ => true);
        Trees.RemoveAll(holders, kept);
        Sweep();
        var plans = $"{root}/{PlansName}";
        if (TrustedPath.Check(plans) is { IsDirectory: true })
        {
            foreach (var name in (Files.Names(plans).OrAbsent(error => Unreadable(plans, error)) ?? []).Where(IsPlanName))
            {
                DirectoryTree.Remove($"{plans}/{name}");
            }
        }
    }

    /// <summary>Removes what killed processes have left behind. Failures are ignored: the next fetch tries again.</summary>
    public void Sweep()
    {
        if (_tag.Exists)
        {
            if (TrustedPath.Check($"{root}/{StagingName}") is { IsDirectory: true })
            {
                StagingFile.Sweep($"{root}/{StagingName}", IsStagingName);
            }

            if (TrustedPath.Check($"{root}/{SingleFlight.DirectoryName}") is { IsDirectory: true })
            {
                SingleFlight.Sweep($"{root}/{SingleFlight.DirectoryName}");
            }
        }
    }

    /// <summary>Creates the cache's directory, for the user only.</summary>
    /// <exception cref="RunException">73: it cannot be created. 77: another user owns it or can write it.</exception>
    public void Make()
    {
        var isNew = TrustedPath.MakeDirectory(root);
        if (TrustedPath.CheckTarget(root) is { IsDirectory: false })
        {
            throw new RunException(ExitStatus.CannotWrite, $"{root}: not a directory, so nothing can be cached there");
        }

        if (isNew)
        {
            _tag.Write();
        }
    }

    /// <summary>As <see cref="Make"/>, before a fetch: also marks a cache that an earlier version of run has created.</summary>
    /// <inheritdoc cref="Make"/>
    public void Prepare()
    {
        Make();
        _tag.Adopt();
    }

    internal static bool IsKey(string name) => name.Length == KeyLength && CharChecks.AreLowerHex(name);

    internal static bool IsPlanName(string name) => name.Length == PlanNameLength && CharChecks.AreLowerHex(name);

    /// <summary>Whether it is a name from <see cref="Stage"/>, or from the planner: PID-HEX, PID-plan.</summary>
    internal static bool IsStagingName(string name) => name.Split('-') is [{ Length: > 0 } process, { Length: > 0 } rest]
        && process.All(char.IsAsciiDigit) && (rest == "plan" || CharChecks.AreLowerHex(rest));

    /// <summary>Whether a directory, which is named like a key, contains what this class writes there, and nothing else.</summary>
    internal static bool IsScriptDirectory(string directory) =>
        ReadRecord(directory) is not null
        && (Files.Names(directory).Value ?? []).TrueForAll(static name => name == RecordName || IsKey(name));

    /// <summary>
    /// Removes the directories of these keys. A run takes its script's lock before it looks for the copy. So a run that locks it after the
    /// record is gone finds no copy and fetches, and one that has locked it before is found here, and keeps its copy.
    /// </summary>
    private void RemoveKeys(List<string> keys, Func<RunningScripts> holders, Action<string, string> kept, Predicate<string> isToGo)
    {
        for (var i = 0; i < keys.Count; i += RemovedAtOnce)
        {
            RemoveSome(keys.GetRange(i, Math.Min(RemovedAtOnce, keys.Count - i)), holders, kept, isToGo);
        }
    }

    private void RemoveSome(List<string> keys, Func<RunningScripts> holders, Action<string, string> kept, Predicate<string> isToGo)
    {
        var removed = new List<(string Directory, string Key, string? Script, SingleFlight Flight)>();
        try
        {
            var running = holders();
            foreach (var key in keys)
            {
                var directory = $"{root}/{key}";
                _ = TrustedPath.Check(directory);
                var script = ReadRecord(directory)?.Record.Script;
                if (running.Holder(key, script) is { } holder)
                {
                    kept(script ?? key, $"is running ({holder.Name})");
                }
                else if (SingleFlight.TryEnter(this, key) is not { } flight)
                {
                    kept(script ?? key, "is being fetched");
                }
                else if (!isToGo(key))
                {
                    flight.Dispose();
                }
                else
                {
                    removed.Add((directory, key, script, flight));
                    DirectoryTree.Remove($"{directory}/{RecordName}");
                }
            }

            running = holders();
            foreach (var (directory, key, script, _) in removed)
            {
                if (running.Holder(key, script) is { } holder)
                {
                    // It has found the copy just before the record was removed. The next run fetches again.
                    kept(script ?? key, $"is running ({holder.Name})");
                }
                else
                {
                    DirectoryTree.Remove(directory);
                }
            }
        }
        finally
        {
            removed.ForEach(static one => one.Flight.Dispose());
        }
    }

    private static string VersionName(CacheRecord record) => record.Sha256[..KeyLength];

    private static string DirectoryOf(CachedScript copy) => TrustedPath.Parent(TrustedPath.Parent(copy.Path));

    private CachedScript? FindByKey(string key)
    {
        // The root may be a symbolic link; what is below it must not be one.
        var directory = $"{root}/{key}";
        if (TrustedPath.CheckTarget(root) is null || TrustedPath.Check(directory) is null
            || ReadRecord(directory) is not var (record, file) || record.Sha256.Length == 0)
        {
            return null;
        }

        var version = $"{directory}/{VersionName(record)}";
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
    private CachedScript? Rehash(string directory, string path, CacheRecord record)
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
            Write(root, directory, copy.Record, flush: true);
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            // The cache is read-only or full. The bytes are still right, and the next run hashes them again.
        }

        return copy;
    }

    /// <summary>The record, and its file with the stamp it had when it was read.</summary>
    internal static (CacheRecord Record, Input.File File)? ReadRecord(string directory, string name = RecordName)
    {
        var path = $"{directory}/{name}";
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
        return file is not null
            && TrustedPath.Check(path, Files.Status(file)) is { IsRegular: true } status
            && Files.Read(file, MaxRecordBytes, status.Size).Value is { } bytes
            && CacheRecord.Parse(OsText.FromBytes(bytes)) is { } record
            ? (record, new Input.File(path, status.Stamp))
            : null;
    }

    /// <summary>Removes a directory in a file's place: a file is not renamed over one.</summary>
    private void MakeRoom(string path)
    {
        if (_tag.Exists && Files.LinkStatus(path).Value is { IsDirectory: true })
        {
            DirectoryTree.Remove(path);
        }
    }

    internal static void Write(string root, string directory, CacheRecord record, bool flush, string name = RecordName)
    {
        using var staging = Stage(root);
        staging.Write(OsText.ToBytes(record.ToText()));
        _ = staging.Finish(
            Permissions.PrivateFile, $"{directory}/{name}", flush, () => TrustedPath.MakePrivateDirectory(directory));
    }

    /// <summary>The names in the root; empty if it does not exist yet.</summary>
    private List<string> Names() => Files.Names(root) is var names && names.Error == Errno.NotDirectory ? []
        : names.OrAbsent(error => Unreadable(root, error)) ?? [];

    private static RunException Unreadable(string path, Errno error) =>
        new(ExitStatus.CannotWrite, $"{path}: cannot be read: {error.Describe()}");
}
