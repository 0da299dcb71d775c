namespace Run.Locking;

/// <summary>
/// What stands in a lock file: which script it was last taken for. Two texts, each ended by a NUL, as in /proc/PID/cmdline, so that
/// whatever is left of a longer record behind them is no part of it. It says nothing about whether anybody holds the lock.
/// </summary>
/// <param name="Script">SCRIPT as it was typed.</param>
/// <param name="Identity">The URL, or the local file's real path.</param>
internal sealed record LockRecord(string Script, string Identity)
{
    public const int LargestSize = 32 * 1024;

    public byte[] ToBytes() => [.. OsText.ToCString(Script), .. OsText.ToCString(Identity)];

    public static LockRecord? FromBytes(ReadOnlySpan<byte> bytes)
    {
        var script = bytes.IndexOf((byte)0);
        var identity = script < 0 ? -1 : bytes[(script + 1)..].IndexOf((byte)0);
        return identity < 0
            ? null
            : new LockRecord(OsText.FromBytes(bytes[..script]), OsText.FromBytes(bytes.Slice(script + 1, identity)));
    }
}
