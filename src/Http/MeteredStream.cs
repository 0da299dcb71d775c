using Run.Reporting;

namespace Run.Http;

/// <summary>
/// The bytes of a body as the network brings them, before any decoding: counted against the limit, and watched, so that
/// one that stops, or only drips, comes to an end.
/// </summary>
internal sealed class MeteredStream(Stream inner, string shown, long most, TimeSpan stall, Progress progress) : Stream
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

    /// <summary>The first byte, which will be read again; -1 where there is none.</summary>
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
            throw TransientException.Unavailable($"{shown} stopped in the middle: nothing came for {stall.TotalSeconds:0} seconds");
        }

        _count += count;
        progress.Reach(_count);
        CheckPace();
        return _count > most ? throw Body.TooMany(shown, most) : count;
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

    /// <summary>The pace is judged over one window of time after the other: a fast beginning is no licence to drip.</summary>
    private void CheckPace()
    {
        var now = Environment.TickCount64;
        if (now - _windowStart >= (long)Limits.Window.TotalMilliseconds)
        {
            if ((_count - _windowCount) * 1000 < Limits.SlowestRate * (now - _windowStart))
            {
                throw new RunException(ExitStatus.Unavailable, $"{shown} comes too slowly: less than {Limits.SlowestRate} bytes a second");
            }

            (_windowStart, _windowCount) = (now, _count);
        }

        if (now - _start > (long)Limits.Body.TotalMilliseconds)
        {
            throw new RunException(ExitStatus.Unavailable, $"{shown} has not come whole after {Limits.Body.TotalMinutes} minutes");
        }
    }
}
