using Microsoft.Win32.SafeHandles;
using Run.Posix;
using Run.Reporting;

namespace Run.Trees;

/// <summary>A file, or a part of it, as a stream: what the decompressors of .NET read from. It has an offset of its own.</summary>
internal sealed class ArchiveFile(SafeFileHandle file, long start, long length, string shown) : Stream
{
    private long _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _at;
        set => throw new NotSupportedException();
    }

    public static ArchiveFile Whole(SafeFileHandle file, string shown)
    {
        var status = Files.Status(file).OrThrow(error => CannotRead(shown, error));
        return new ArchiveFile(file, 0, status.Size, shown);
    }

    public ArchiveFile Part(long from, long size) => new(file, start + from, size, shown);

    /// <summary>The bytes from that offset on: fewer than there is room for only at the end.</summary>
    public int ReadAt(Span<byte> into, long offset)
    {
        var total = 0;
        for (int read; total < into.Length && (read = ReadSome(into[total..], offset + total)) > 0;)
        {
            total += read;
        }

        return total;
    }

    public override int Read(Span<byte> buffer)
    {
        var read = ReadSome(buffer, _at);
        _at += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int ReadSome(Span<byte> into, long offset)
    {
        var rest = Math.Max(0, Math.Min(into.Length, length - offset));
        return rest == 0 ? 0 : Files.ReadAt(file, into[..(int)rest], start + offset).OrThrow(error => CannotRead(shown, error));
    }

    private static RunException CannotRead(string shown, Errno error) =>
        new(ExitStatus.CannotWrite, $"what was fetched from {shown} cannot be read: {error.Describe()}");
}
