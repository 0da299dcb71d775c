using Run.Posix;

namespace Run.Locking;

/// <summary>
/// What stands in a lock file: which script it was last taken for. Two texts, each ended by a NUL, as in /proc/PID/cmdline, so that
/// whatever is left of a longer record behind them is no part of it. It says nothing about whether anybody holds the lock.
/// </summary>
/// <param name="Script">SCRIPT as it was typed.</param>
/// <param name="Key">The digest of its URL or real path: under <c>--lock=NAME</c> the file's name is another's.</param>
internal sealed record LockRecord(string Script, string Key)
{
    public const int LargestSize = 32 * 1024;

    public byte[] ToBytes() => [.. OsText.ToCString(Script), .. OsText.ToCString(Key)];

    public static LockRecord? FromBytes(ReadOnlySpan<byte> bytes)
    {
        var script = bytes.IndexOf((byte)0);
        var key = script < 0 ? -1 : bytes[(script + 1)..].IndexOf((byte)0);
        return key < 0
            ? null
            : new LockRecord(OsText.FromBytes(bytes[..script]), OsText.FromBytes(bytes.Slice(script + 1, key)));
    }
}
