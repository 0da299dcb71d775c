using System.Buffers.Binary;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Run.Posix;

/// <summary>
/// SHA-256 as in FIPS 180-4. .NET's implementation loads OpenSSL, which takes longer than the rest of a warm run and aborts the process if
/// libssl is missing.
/// </summary>
internal sealed partial class Sha256
{
    /// <summary>The length of a digest in hexadecimal digits.</summary>
    public const int HexLength = 64;

    private const int BlockSize = 64;

    private static ReadOnlySpan<uint> RoundConstants =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    private readonly uint[] _state =
    [
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    ];

    private readonly byte[] _block = new byte[BlockSize];
    private int _filled;
    private long _length;

    /// <summary>The digest of <paramref name="bytes"/>, as 64 lower-case hexadecimal digits.</summary>
    public static string HexOf(ReadOnlySpan<byte> bytes)
    {
        var hash = new Sha256();
        hash.Append(bytes);
        return hash.Finish();
    }

    /// <summary>The digest of a whole file, in lower-case hexadecimal, whatever its current offset.</summary>
    public static Result<string> OfFile(SafeFileHandle file)
    {
        var hash = new Sha256();
        var buffer = new byte[64 << 10];
        for (long at = 0; ;)
        {
            var read = Files.ReadAt(file, buffer, at);
            if (!read.Succeeded)
            {
                return read.Error;
            }

            if (read.Value == 0)
            {
                return hash.Finish();
            }

            hash.Append(buffer.AsSpan(0, read.Value));
            at += read.Value;
        }
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _length += bytes.Length;
        if (_filled > 0)
        {
            var taken = Math.Min(BlockSize - _filled, bytes.Length);
            bytes[..taken].CopyTo(_block.AsSpan(_filled));
            _filled += taken;
            bytes = bytes[taken..];
            if (_filled < BlockSize)
            {
                return;
            }

            Compress(_block);
            _filled = 0;
        }

        if (bytes.Length >= BlockSize && !RuntimeFeature.IsDynamicCodeSupported)
        {
            bytes = CompressNatively(bytes);
        }

        for (; bytes.Length >= BlockSize; bytes = bytes[BlockSize..])
        {
            Compress(bytes);
        }

        bytes.CopyTo(_block);
        _filled = bytes.Length;
    }

    /// <summary>Ends the message and returns its digest in lower-case hexadecimal. Call it once, as the last method.</summary>
    public string Finish()
    {
        var bits = _length * 8;
        Append([0x80]);
        Span<byte> zeros = stackalloc byte[BlockSize];
        zeros.Clear();
        Append(zeros[..((BlockSize - 8 - _filled + BlockSize) % BlockSize)]);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(length, bits);
        Append(length);
        Debug.Assert(_filled == 0, "the padding ends on a block");

        Span<byte> digest = stackalloc byte[HexLength / 2];
        for (var i = 0; i < _state.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(digest[(i * 4)..], _state[i]);
        }

        return Convert.ToHexStringLower(digest);
    }

    /// <summary>
    /// The processor's own instructions, several times as fast, for which .NET has no methods: native/sha256.c. Only the ahead-of-time
    /// compiled program has that file.
    /// </summary>
    /// <returns>What is still to be compressed: all of it, if the processor has none.</returns>
    private unsafe ReadOnlySpan<byte> CompressNatively(ReadOnlySpan<byte> bytes)
    {
        fixed (uint* state = _state)
        fixed (byte* start = bytes)
        {
            return bytes[(int)(run_sha256_blocks(state, start, (nuint)bytes.Length / BlockSize) * BlockSize)..];
        }
    }

    /// <summary>The number of blocks that it has compressed.</summary>
    [LibraryImport("libc")]
    private static unsafe partial nuint run_sha256_blocks(uint* state, byte* bytes, nuint blocks);

    private void Compress(ReadOnlySpan<byte> block)
    {
        Span<uint> w = stackalloc uint[64];
        for (var i = 0; i < 16; i++)
        {
            w[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(i * 4)..]);
        }

        for (var i = 16; i < 64; i++)
        {
            var s0 = BitOperations.RotateRight(w[i - 15], 7) ^ BitOperations.RotateRight(w[i - 15], 18) ^ (w[i - 15] >> 3);
            var s1 = BitOperations.RotateRight(w[i - 2], 17) ^ BitOperations.RotateRight(w[i - 2], 19) ^ (w[i - 2] >> 10);
            w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }

        var constants = RoundConstants;
        uint a = _state[0], b = _state[1], c = _state[2], d = _state[3];
        uint e = _state[4], f = _state[5], g = _state[6], h = _state[7];
        for (var i = 0; i < 64; i++)
        {
            var t1 = h + (BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11) ^ BitOperations.RotateRight(e, 25))
                       + ((e & f) ^ (~e & g)) + constants[i] + w[i];
            var t2 = (BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13) ^ BitOperations.RotateRight(a, 22))
                       + ((a & b) ^ (a & c) ^ (b & c));
            (h, g, f, e, d, c, b, a) = (g, f, e, d + t1, c, b, a, t1 + t2);
        }

        _state[0] += a;
        _state[1] += b;
        _state[2] += c;
        _state[3] += d;
        _state[4] += e;
        _state[5] += f;
        _state[6] += g;
        _state[7] += h;
    }
}
