namespace Run.Trees;

/// <summary>
/// Reads a stream ahead, in a thread of its own: so that what is packed is decompressed while the files before it are written. It holds at
/// most half a megabyte. What the stream throws, the reader gets.
/// </summary>
internal sealed class ReadAheadStream : Stream
{
    private const int BlockSize = 64 << 10, MostBlocks = 8;

    private readonly Stream _source;
    private readonly Thread _thread;
    private readonly Queue<ArraySegment<byte>> _full = new();
    private readonly Stack<byte[]> _free = new();
    private ArraySegment<byte> _current = ArraySegment<byte>.Empty;
    private Exception? _failure;
    private int _blocks;
    private bool _isDisposed;

    public ReadAheadStream(Stream source)
    {
        _source = source;
        _thread = new Thread(ReadAhead) { IsBackground = true };
        _thread.Start();
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        if (_current.Count == 0 && !TakeNext())
        {
            return 0;
        }

        var length = Math.Min(buffer.Length, _current.Count);
        _current.AsSpan(0, length).CopyTo(buffer);
        _current = _current[length..];
        return length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        lock (_full)
        {
            _isDisposed = true;
            Monitor.PulseAll(_full);
        }

        // It uses the source, which whoever disposes of this disposes of next.
        _thread.Join();
        base.Dispose(disposing);
    }

    /// <summary>Whether there was another block. An empty one is the end, and stays.</summary>
    private bool TakeNext()
    {
        lock (_full)
        {
            if (_current.Array is { Length: > 0 } used)
            {
                _free.Push(used);
                _current = ArraySegment<byte>.Empty;
                Monitor.PulseAll(_full);
            }

            while (_full.Count == 0)
            {
                Monitor.Wait(_full);
            }

            if (_full.Peek().Count > 0)
            {
                _current = _full.Dequeue();
                return true;
            }

            return _failure is null ? false : throw _failure;
        }
    }

    private void ReadAhead()
    {
        try
        {
            for (byte[]? block; (block = FreeBlock()) is not null;)
            {
                // Whole blocks: a decompressor gives a little at a time.
                var length = _source.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
                Put(new ArraySegment<byte>(block, 0, length));
                if (length == 0)
                {
                    return;
                }
            }
        }
#pragma warning disable CA1031 // The reader gets it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = e;
            Put(ArraySegment<byte>.Empty);
        }
    }

    private byte[]? FreeBlock()
    {
        lock (_full)
        {
            while (!_isDisposed && _free.Count == 0 && _blocks == MostBlocks)
            {
                Monitor.Wait(_full);
            }

            if (_isDisposed)
            {
                return null;
            }

            if (_free.TryPop(out var block))
            {
                return block;
            }

            _blocks++;
            return new byte[BlockSize];
        }
    }

    private void Put(ArraySegment<byte> block)
    {
        lock (_full)
        {
            _full.Enqueue(block);
            Monitor.PulseAll(_full);
        }
    }
}
