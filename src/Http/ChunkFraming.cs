namespace Run.Http;

/// <summary>
/// Watches what frames a chunked body (RFC 9112, section 7.1): the lines with the sizes, and the fields after the last chunk. A NUL or a
/// lone CR is invalid there (RFC 9110, section 5.5), but the runtime reads both as blanks. All else that is wrong it notices itself.
/// </summary>
internal sealed class ChunkFraming
{
    private Part _part;
    private long _left;
    private int _lineLength;
    private bool _hasSize;
    private byte _previous;

    private enum Part
    {
        Size,
        Data,
        DataEnd,
        Trailer,
        Over,
    }

    /// <summary>Whether something invalid has arrived. It says nothing of a body that is not chunked.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Takes the next bytes of the body, as they are on the wire.</summary>
    public void Read(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && _part != Part.Over)
        {
            if (_part == Part.Data)
            {
                var count = (int)Math.Min(_left, bytes.Length);
                _left -= count;
                _part = _left == 0 ? Part.DataEnd : Part.Data;
                bytes = bytes[count..];
                continue;
            }

            Read(bytes[0]);
            bytes = bytes[1..];
        }
    }

    private void Read(byte b)
    {
        IsDamaged |= b == 0 || (_previous == '\r' && b != '\n');
        _previous = b;
        if (b == '\n')
        {
            EndLine();
            (_lineLength, _hasSize) = (0, false);
            return;
        }

        if (_part == Part.Size && !_hasSize)
        {
            _hasSize = !char.IsAsciiHexDigit((char)b);
            _left = _hasSize ? _left : (_left << 4) + (b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10);

            // A line without a size: this body is not chunked.
            _part = _hasSize && _lineLength == 0 ? Part.Over : Part.Size;
        }

        _lineLength += b == '\r' ? 0 : 1;
    }

    private void EndLine() => _part = _part switch
    {
        Part.Size => _left > 0 ? Part.Data : Part.Trailer,
        Part.DataEnd => Part.Size,
        _ => _lineLength == 0 ? Part.Over : Part.Trailer,
    };
}
