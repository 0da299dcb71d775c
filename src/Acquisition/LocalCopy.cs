using Run.Caching;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Acquisition;

/// <summary>
/// A local script whose digest was given. It is executed by its path, so nobody else must be able to change it between hashing and
/// execution. If another user could, a private copy in the cache is executed instead, which has the same file name.
/// </summary>
internal static class LocalCopy
{
    /// <summary>The path to execute: that of the script itself, unless it must be copied.</summary>
    /// <exception cref="RunException">65: another digest. 73, 77: it must be copied, and the cache cannot be used. 126, 127.</exception>
    public static string PathFor(ResolvedScript script, Cache cache)
    {
        var path = script.Local!;
        if (script.Digest is not { } expected)
        {
            return path;
        }

        using var file = LocalScript.Open(path, script.DisplayName);
        var status = Files.Status(file).OrThrow(error => LocalScript.Unreadable(script.DisplayName, error));
        LocalScript.CheckDigest(file, script);
        if (IsOursAlone(path, status))
        {
            return path;
        }

        Messages.Step(() => $"{script.DisplayName}: other users could exchange it, so a copy is executed");
        var url = Messages.Printable(CacheRecord.LocalScheme + LocalScript.RealPath(path, script.DisplayName));
        if (cache.Find(url) is { } copy && copy.Record.Sha256 == expected)
        {
            return copy.Path;
        }

        cache.Prepare();
        using var staging = Cache.Stage(cache.Root);
        var buffer = new byte[64 << 10];
        for (long at = 0; ;)
        {
            var length = Files.ReadAt(file, buffer, at).OrThrow(error => LocalScript.Unreadable(script.DisplayName, error));
            if (length == 0)
            {
                break;
            }

            staging.Write(buffer.AsSpan(0, length));
            at += length;
        }

        // The file may have changed since it was hashed, so the copy is hashed too.
        LocalScript.CheckDigest(staging.Handle, script);
        var name = Messages.Printable(path[(path.LastIndexOf('/') + 1)..]);
        var record = new CacheRecord(
            Messages.Printable(script.DisplayName), url, name, expected, status.Size, cache.Now, cache.Now, null, null);
        return cache.Store(url, staging, record, static () => true).Path;
    }

    /// <summary>Whether only this user and root can write the file, and exchange it or a directory or link on the way to it.</summary>
    private static bool IsOursAlone(string path, FileStatus file)
    {
        var absolute = path is ['/', ..] ? path : Files.RealPath(".").Value is { } here ? $"{here}/{path}" : null;
        var isOpen = false;
        return absolute is not null && TrustedPath.IsTrusted(file.Owner) && !file.OthersCanWrite
            && TrustedPath.FindForeign(absolute, (_, directory) => isOpen |= directory.OthersCanExchange) is null
            && !isOpen
            && Files.Status(path).Value is { } there && there.IsSameFile(file);
    }
}
