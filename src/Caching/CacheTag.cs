using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// The file CACHEDIR.TAG, which marks a directory as a cache of run. Only from such a directory is anything removed: RUN_CACHE may name any
/// directory. The file also keeps the cache out of backups (https://bford.info/cachedir/).
/// </summary>
internal sealed class CacheTag(string root)
{
    private const string Name = "CACHEDIR.TAG";

    // The first line is that of all cache directory tags. The second one tells this cache from those of other programs.
    private const string Text = """
        Signature: 8a477f597d28d172789f06886806bc55
        # This file is a cache directory tag created by run.
        # It marks a directory in which run removes what it no longer needs.

        """;

    private bool _exists;

    private string Path => $"{root}/{Name}";

    /// <summary>Whether the directory is marked.</summary>
    /// <exception cref="RunException">77: another user owns or can write the file.</exception>
    public bool Exists => _exists = _exists || IsThere();

    /// <summary>Marks the directory. A failure is ignored: then nothing is ever removed from it.</summary>
    public void Write()
    {
        try
        {
            using var staging = Cache.Stage(root);
            staging.Write(OsText.ToBytes(Text));
            _ = staging.Finish(Permissions.PrivateFile, Path, flush: false);
            _exists = true;
        }
        catch (RunException e) when (e.Status == ExitStatus.CannotWrite)
        {
            Messages.Step(() => e.Message);
        }
    }

    /// <summary>
    /// Marks a directory that is not marked but clearly run's: one that is empty, or whose creator was killed before it had marked it, or a
    /// cache of an earlier version. Such a cache contains at least one script, or tree, with its record, and nothing that run has not
    /// written.
    /// </summary>
    public void Adopt()
    {
        if (!Exists && Files.Names(root).Value is { } names
            && (names.TrueForAll(IsBeginning) || (names.TrueForAll(IsOurs) && (names.Exists(Cache.IsKey) || TreeCache.HasTrees(root)))))
        {
            Write();
        }
    }

    /// <exception cref="RunException">73: the directory is not marked.</exception>
    public void Require()
    {
        Adopt();
        if (!Exists)
        {
            throw new RunException(
                ExitStatus.CannotWrite, $"{root}: not marked as a cache of run, so nothing is removed from it",
                $"it has no {Name} of run's, and contains other files; remove the cached scripts by hand, or set RUN_CACHE");
        }
    }

    private bool IsThere() => Read(Path) is { } bytes && bytes.AsSpan().SequenceEqual(OsText.ToBytes(Text));

    /// <summary>Whether it is the directory in which the tag is written before it has its name, and contains nothing else.</summary>
    private bool IsBeginning(string name)
    {
        var path = $"{root}/{name}";
        return name == Cache.StagingName && Contains(
            path,
            entry => Cache.IsStagingName(entry) && Read($"{path}/{entry}") is { } bytes && OsText.ToBytes(Text).AsSpan().StartsWith(bytes));
    }

    /// <summary>As much of a file as the tag is long; null if it is no regular file.</summary>
    private static byte[]? Read(string path)
    {
        using var file = Files.Open(path, OpenFlags.ReadOnly | OpenFlags.NoFollow | OpenFlags.NonBlock).Value;
        return file is not null && TrustedPath.Check(path, Files.Status(file)) is { IsRegular: true }
            ? Files.Read(file, Text.Length).Value : null;
    }

    private bool IsOurs(string name)
    {
        var path = $"{root}/{name}";
        return name switch
        {
            Cache.StagingName => Contains(path, Cache.IsStagingName),
            SingleFlight.DirectoryName => Contains(path, Cache.IsKey),
            Cache.PlansName => Contains(path, Cache.IsPlanName),
            TreeCache.DirectoryName => Contains(path, name => Cache.IsKey(name) && TreeCache.IsTreeDirectory($"{path}/{name}")),
            _ => Cache.IsKey(name) && Cache.IsScriptDirectory(path),
        };
    }

    private static bool Contains(string path, Predicate<string> isOurs) =>
        Files.LinkStatus(path).Value is { IsDirectory: true } && Files.Names(path).Value is { } names && names.TrueForAll(isOurs);
}
