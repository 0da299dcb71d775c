using Run.Posix;

namespace Run.Locking;

/// <summary>
/// The content of a lock file: the script that it was last locked for. It is two texts, each with a final NUL, as in /proc/PID/cmdline, so
/// the rest of a longer, older record after them is ignored. It does not tell whether the lock is held.
/// </summary>
/// <param name="Script">SCRIPT as typed, without secrets.</param>
/// <param name="Key">The digest of its URL or real path. With <c>--lock=NAME</c> the file's name is another digest.</param>
internal sealed record LockRecord(string Script, string Key)
{
    public const int MaxBytes = 32 * 1024;

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
