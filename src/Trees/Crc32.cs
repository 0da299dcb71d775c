namespace Run.Trees;

/// <summary>The checksum of zip and gzip: CRC-32 of ISO 3309, with the polynomial in the reversed order of its bits.</summary>
internal struct Crc32
{
    private const uint Polynomial = 0xedb88320;

    private static readonly uint[] s_table = Table();

    private uint _value;

    public readonly uint Value => _value;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        var table = s_table;
        var crc = ~_value;
        foreach (var b in bytes)
        {
            crc = table[(byte)(crc ^ b)] ^ (crc >> 8);
        }

        _value = ~crc;
    }

    private static uint[] Table()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
            }

            table[i] = crc;
        }

        return table;
    }
}
