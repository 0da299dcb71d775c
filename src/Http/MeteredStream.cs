using Run.Reporting;

namespace Run.Http;

/// <summary>
/// The bytes of a body as they arrive, before any decoding. It counts them against the limit, and fails if the body stalls or is too slow.
/// </summary>
internal sealed class MeteredStream(Stream inner, string shown, long maxBytes, TimeSpan stall, Progress progress) : Stream
{
    private readonly CancellationTokenSource _stall = new();
    private readonly long _start = Environment.TickCount64;
    private readonly byte[] _peeked = new byte[1];
    private bool _hasPeeked;
    private long _count;
    private long _windowStart = Environment.TickCount64;
    private long _windowCount;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The first byte, which the next read returns again; -1 if there is none.</summary>
    public async Task<int> PeekAsync()
    {
        _hasPeeked = await ReadAsync(_peeked).ConfigureAwait(false) == 1;
        return _hasPeeked ? _peeked[0] : -1;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_hasPeeked)
        {
            _hasPeeked = false;
            buffer.Span[0] = _peeked[0];
            return 1;
        }

        int count;
        try
        {
            _stall.CancelAfter(stall);
            count = await inner.ReadAsync(buffer, _stall.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw TransientException.Unavailable($"{shown} stalled: no data for {stall.TotalSeconds:0} seconds");
        }

        _count += count;
        progress.Reach(_count);
        CheckPace();
        return _count > maxBytes ? throw Body.TooLong(shown, maxBytes) : count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stall.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Checks the rate in each window of time separately, so that a fast beginning does not excuse a slow rest.</summary>
    private void CheckPace()
    {
        var now = Environment.TickCount64;
        if (now - _windowStart >= (long)Limits.Window.TotalMilliseconds)
        {
            if ((_count - _windowCount) * 1000 < Limits.SlowestRate * (now - _windowStart))
            {
                throw new RunException(ExitStatus.Unavailable, $"{shown} is too slow: less than {Limits.SlowestRate} bytes per second");
            }

            (_windowStart, _windowCount) = (now, _count);
        }

        if (now - _start > (long)Limits.Body.TotalMilliseconds)
        {
            throw new RunException(ExitStatus.Unavailable, $"{shown} is not complete after {Limits.Body.TotalMinutes} minutes");
        }
    }
}
