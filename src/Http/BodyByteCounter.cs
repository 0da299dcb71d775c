namespace Run.Http;

/// <summary>
/// Counts the bytes of the body between the connection and .NET's HTTP reader. The reader takes only as many as the header promises, so
/// only this stream sees whether there are more. A connection serves one request.
/// </summary>
internal sealed class BodyByteCounter(Stream inner) : Stream
{
    private const int InformationalClass = '1', ClassOffset = 9; // "HTTP/1.1 1"
    private int _lineLength;
    private int _offset;
    private bool _informational;
    private bool _headerIsOver;

    /// <summary>Whether anything has come, if only the beginning of a header.</summary>
    public bool HasAnswer { get; private set; }

    /// <summary>The number of bytes after the header.</summary>
    public long Body { get; private set; }

    /// <summary>The same bytes, if the body is chunked.</summary>
    public ChunkFraming Framing { get; } = new();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Count(buffer.Span[..count]);
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = inner.Read(buffer, offset, count);
        Count(buffer.AsSpan(offset, read));
        return read;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        inner.WriteAsync(buffer, offset, count, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>An empty line ends the header, except that of an informational answer (1xx), which is followed by another.</summary>
    private void Count(ReadOnlySpan<byte> bytes)
    {
        HasAnswer |= bytes.Length > 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            if (_headerIsOver)
            {
                Body += bytes.Length - i;
                Framing.Read(bytes[i..]);
                return;
            }

            var b = bytes[i];
            if (_offset++ == ClassOffset)
            {
                _informational = b == InformationalClass;
            }

            if (b == '\n' && _lineLength == 0)
            {
                _headerIsOver = !_informational;
                _offset = 0;
            }

            _lineLength = b switch
            {
                (byte)'\n' => 0,
                (byte)'\r' => _lineLength,
                _ => _lineLength + 1,
            };
        }
    }
}
