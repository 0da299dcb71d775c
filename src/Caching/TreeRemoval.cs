using Run.Locking;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Caching;

/// <summary>
/// Removes one script from a directory of trees: that it was used, then the records that no other script was found by, then the versions
/// that no record describes any more, and in the end all of it. What another script needs stays.
/// </summary>
/// <remarks>
/// As with single scripts (<see cref="Cache.Remove"/>), a run locks its script before it looks for the copy, and so either is seen here or
/// finds that something has gone. A planned run does not note its use. So a record that stays is touched, and then its plans count no more.
/// </remarks>
/// <param name="directory">Exists, and is this user's alone.</param>
/// <param name="holders">Finds out who is running which script now.</param>
internal sealed class TreeRemoval(Cache cache, string directory, Func<RunningScripts> holders)
{
    /// <param name="records">The records that the script may have been found by.</param>
    /// <param name="packages">The archive, or the repository with its refs: what is not to be fetched meanwhile.</param>
    /// <param name="kept">Called if its copy stays: its name, and why.</param>
    /// <returns>Whether there was a copy of it.</returns>
    /// <exception cref="RunException">73: something cannot be removed. 77: another user owns it, or can write it.</exception>
    public bool Remove(ResolvedScript script, IEnumerable<string> records, IEnumerable<string> packages, Action<string, string> kept)
    {
        var flights = packages.Select(package => SingleFlight.TryEnter(cache, Cache.Key(package))).ToList();
        using var handle = TreeCache.Open(directory).Value;
        try
        {
            if (handle is not null && flights.TrueForAll(static flight => flight is not null)
                && Files.Lock(handle, wait: false) != Errno.Again)
            {
                return Remove(script, records, kept);
            }

            kept(script.DisplayName, "is being fetched");
            return true;
        }
        finally
        {
            flights.ForEach(static flight => flight?.Dispose());
        }
    }

    private bool Remove(ResolvedScript script, IEnumerable<string> records, Action<string, string> kept)
    {
        var key = Cache.Key(script.NamedUrl);
        var uses = TreeCache.Used(directory);
        var own = uses.Find(use => use.Key == key);
        var found = records.Append(own?.Record ?? "").Distinct().Where(name => Cache.ReadRecord(directory, name) is not null).ToList();
        var needed = found.FindAll(name => uses.Exists(use => use.Key != key && use.Record == name));
        if (found.Count == 0 || (own is null && needed.Count == found.Count))
        {
            return false;
        }

        if (IsKept())
        {
            return true;
        }

        needed.ForEach(name => _ = Files.Touch($"{directory}/{name}"));
        found.RemoveAll(needed.Contains);
        var removed = found.ConvertAll(name => Cache.ReadRecord(directory, name)?.Record);
        found.ForEach(name => DirectoryTree.Remove($"{directory}/{name}"));
        DirectoryTree.Remove($"{directory}/{TreeCache.UsedName}/{key}");
        if (IsKept())
        {
            // It has found the tree just before. If its record has been removed, the next run fetches again.
            if (own is not null)
            {
                TreeCache.Note(cache.Root, directory, own);
            }

            return true;
        }

        RemoveVersions(removed);
        return true;

        bool IsKept()
        {
            if (holders().Holder(key, own?.Script ?? script.DisplayName) is not { } holder)
            {
                return false;
            }

            kept(script.DisplayName, $"is running ({holder.Name})");
            return true;
        }
    }

    /// <summary>Removes what no record describes, unless a script is running that may have been started from it.</summary>
    /// <param name="removed">The records that were removed.</param>
    private void RemoveVersions(IEnumerable<CacheRecord?> removed)
    {
        var left = TreeCache.Records(directory);
        foreach (var commit in removed.Select(static record => record?.Commit).WhereNotNull())
        {
            if (!left.Exists(record => record.Commit == commit))
            {
                DirectoryTree.Remove($"{directory}/{TreeCache.RepositoryName}/{TreeCache.CommitsName}/{commit}");
            }
        }

        var running = holders();
        if (TreeCache.Used(directory).Exists(use => running.Holder(use.Key, use.Script) is not null))
        {
            return;
        }

        if (left.Count == 0 && !TreeCache.IsFetching(directory))
        {
            DirectoryTree.Remove(directory);
            return;
        }

        var current = left.ConvertAll(TreeCache.VersionName);
        foreach (var name in (Files.Names(directory).Value ?? []).Where(name => Cache.IsKey(name) && !current.Contains(name)))
        {
            DirectoryTree.Remove($"{directory}/{name}");
        }
    }
}
