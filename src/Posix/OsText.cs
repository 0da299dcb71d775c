using System.Text;
using System.Text.Unicode;

namespace Run.Posix;

/// <summary>
/// The kernel's strings are bytes, and .NET's decoding loses bytes that are not UTF-8. Here every byte string has exactly one text: valid
/// UTF-8 is decoded, and any other byte 0xNN becomes the lone surrogate U+DCNN (as in Python's PEP 383), so <c>ToBytes(FromBytes(b))</c> is
/// always <c>b</c>. All arguments, variables and paths in this program are such texts.
/// </summary>
internal static class OsText
{
    private const char FirstEscape = '\udc80';
    private const char LastEscape = '\udcff';
    private const int EscapeBase = 0xdc00;

    public static string FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var taken) == System.Buffers.OperationStatus.Done)
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (var b in bytes[..taken])
                {
                    text.Append((char)(EscapeBase + b));
                }
            }

            bytes = bytes[taken..];
        }

        return text.ToString();
    }

    public static byte[] ToBytes(string text) => Encode(text, terminated: false);

    /// <summary>The bytes and a final NUL, as system calls expect.</summary>
    public static byte[] ToCString(string text) => Encode(text, terminated: true);

    private static byte[] Encode(string text, bool terminated)
    {
        if (Ascii.IsValid(text))
        {
            var ascii = new byte[terminated ? text.Length + 1 : text.Length];
            _ = Encoding.ASCII.GetBytes(text, ascii);
            return ascii;
        }

        var bytes = new byte[(text.Length * 3) + 1];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is >= FirstEscape and <= LastEscape && (i == 0 || !char.IsHighSurrogate(text[i - 1])))
            {
                bytes[length++] = (byte)(text[i] - EscapeBase);
                continue;
            }

            Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var taken);
            length += rune.EncodeToUtf8(bytes.AsSpan(length));
            i += taken - 1;
        }

        Array.Resize(ref bytes, terminated ? length + 1 : length);
        return bytes;
    }
}
