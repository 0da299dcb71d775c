using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Run.Tests.Fetching;

/// <summary>Builds the answers of a server, good and bad.</summary>
internal static class Answers
{
    /// <summary>A script that prints that it was executed, long enough to be cut anywhere.</summary>
    public const string Script = "#!/bin/sh\necho ran\n# a comment that makes it longer: 0123456789 0123456789 0123456789 0123456789\n";

    /// <summary>The headers of a 200, and the body.</summary>
    public static byte[] Answer(string header, ReadOnlySpan<byte> body) =>
        [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\n{header}\r\n\r\n"), .. body];

    /// <summary>A 200 whose Content-Length is right.</summary>
    public static byte[] WithLength(string header, ReadOnlySpan<byte> body) =>
        Answer(string.Create(CultureInfo.InvariantCulture, $"{header}Content-Length: {body.Length}"), body);

    public static Func<RawServer.Connection, Task> Sends(byte[] answer) => connection => connection.Send(answer);

    public static byte[] Compress(string encoding, ReadOnlySpan<byte> bytes)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = encoding switch
        {
            "gzip" => new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true),
            "br" => new BrotliStream(compressed, CompressionLevel.Optimal, leaveOpen: true),
            "deflate" => new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true),
            _ => new DeflateStream(compressed, CompressionLevel.Optimal, leaveOpen: true),
        })
        {
            stream.Write(bytes);
        }

        return compressed.ToArray();
    }

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
