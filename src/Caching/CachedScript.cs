using Run.Inputs;
using Run.Naming;
using Run.Reporting;

namespace Run.Caching;

/// <summary>A script in the cache, complete and with the bytes that were fetched; or a tree, with all its files.</summary>
/// <param name="Path">The file, or the directory. Its bytes never change: another version of the script has another path.</param>
/// <param name="Record">Its description.</param>
internal sealed record CachedScript(string Path, CacheRecord Record)
{
    /// <summary>The record's file; null if this process has just written the record.</summary>
    public Input.File? RecordFile { get; init; }

    /// <summary>The tree, if it is one, or if the script is a file of one; else null.</summary>
    public CachedTree? Tree { get; init; }

    /// <summary>Whether it is a tree, and no script of it.</summary>
    public bool IsWholeTree => Tree is not null && Path == Tree.Root;

    /// <summary>Whether it has the digests that are asked for.</summary>
    public bool Fits(ResolvedScript script) =>
        (script.Digest is null || Record.Sha256 == script.Digest) && (script.TreeDigest is null || Record.Tree == script.TreeDigest);

    /// <summary>The script itself: if this is a tree, the file of it.</summary>
    /// <exception cref="RunException">126: it is not a regular file. 127: the tree has no such file.</exception>
    public CachedScript At(ResolvedScript script)
    {
        if (Tree is null)
        {
            return this;
        }

        var file = Tree.File(script.Tree!.Path, Record.Top, script);
        return this with { Path = $"{Tree.Root}/{file.Path}", Record = Record with { Stamp = file.Stamp } };
    }

    /// <summary>
    /// Whether the server need not be asked again. A copy from the future (the clock was set back) is not fresh.
    /// </summary>
    public bool IsFresh(TimeSpan? maxAge, DateTimeOffset now)
    {
        if (maxAge is not { } limit)
        {
            return true;
        }

        var age = now - Record.Checked;
        return age >= TimeSpan.Zero && age <= limit;
    }

    /// <summary>The period in which it is fresh, in seconds since 1970: from the first (inclusive) until the second (exclusive).</summary>
    public (long From, long Until) FreshBetween(TimeSpan? maxAge) => maxAge is { } limit
        ? (Record.Checked.ToUnixTimeSeconds(), Record.Checked.ToUnixTimeSeconds() + (long)limit.TotalSeconds)
        : (long.MinValue, long.MaxValue);
}
