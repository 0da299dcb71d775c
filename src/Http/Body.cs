using System.Buffers;
using System.IO.Compression;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Http;

/// <summary>
/// Reads the body of an answer to its end and checks it: complete, no longer than promised, correctly encoded, not too long, not empty
/// and not a web page. A body that fails a check is never returned.
/// </summary>
/// <param name="shown">The URL as messages show it.</param>
/// <param name="maxBytes">How many bytes are allowed, both encoded and decoded.</param>
/// <param name="stall">How long to wait for the next piece.</param>
internal sealed class Body(HttpResponseMessage response, string shown, long maxBytes, TimeSpan stall, Progress progress)
{
    private const int BufferSize = 64 << 10;

    /// <summary>Content-Length in bytes; -1 if there is none.</summary>
    private long Promised => response.Content.Headers.ContentLength ?? -1;

    /// <summary>Whether a truncated body can be told from a complete one.</summary>
    private bool EndIsKnown => Promised >= 0 || response.Headers.TransferEncodingChunked == true;

    /// <summary>Writes the decoded body to <paramref name="into"/>, from its start.</summary>
    /// <param name="counter">Counts the bytes that arrive, to detect more than were promised.</param>
    /// <param name="request">
    /// With the digest that the caller requires, a body may lack a length, and it may look like a web page if it has this digest.
    /// </param>
    /// <returns>Digest, and length in bytes, of the decoded body.</returns>
    /// <exception cref="RunException">65, 69, 73.</exception>
    public async Task<(string Sha256, long Size)> SaveAsync(Stream into, BodyByteCounter? counter, FetchRequest request)
    {
        CheckHeader(request);
        progress.Begin(Promised > 0 ? Promised : null);
        var hash = new Sha256();
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        var sniffer = new HtmlSniffer();
        var size = 0L;
        try
        {
            Restart(into);
            var content = await response.Content.ReadAsStreamAsync().ConfigureAwait(false);
            await using var network = new MeteredStream(content, shown, maxBytes, stall, progress);
            await using var decoded = request.AsItIs ? network : await DecodeAsync(network).ConfigureAwait(false);
            for (int count; (count = await ReadAsync(decoded, buffer).ConfigureAwait(false)) > 0;)
            {
                var bytes = buffer.AsMemory(0, count);
                size += count;
                if (size > maxBytes)
                {
                    throw TooLong(shown, maxBytes);
                }

                sniffer.Read(bytes.Span);
                hash.Append(bytes.Span);
                Write(into, bytes.Span);
            }

            // A decoder stops at the end of the compressed data, which may be before the promised length.
            while (await ReadAsync(network, buffer).ConfigureAwait(false) > 0)
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (response.Headers.TransferEncodingChunked == true && counter is { Framing.IsDamaged: true })
        {
            throw Damaged();
        }

        if (Promised >= 0 && counter is not null && counter.Body > Promised)
        {
            throw Refused($"is longer than its Content-Length of {Promised} bytes");
        }

        if (size == 0)
        {
            throw Refused("is empty");
        }

        var sha256 = hash.Finish();
        return (HtmlSniffer.IsType(MediaType) || sniffer.IsPage) && sha256 != request.Digest
            ? throw Page()
            : (sha256, size);
    }

    private string? MediaType => response.Content.Headers.ContentType?.MediaType;

    private void CheckHeader(FetchRequest request)
    {
        if (response.Content.Headers.NonValidated.TryGetValues("Content-Length", out var lengths) && lengths.Distinct().Skip(1).Any())
        {
            throw Refused("has more than one Content-Length");
        }

        if (response.Headers.TransferEncoding.Any(static coding => !coding.Value.Equals("chunked", StringComparison.OrdinalIgnoreCase)))
        {
            throw Refused($"has a transfer encoding that run does not support: {response.Headers.TransferEncoding}");
        }

        if (Promised > maxBytes)
        {
            throw TooLong(shown, maxBytes);
        }

        if (HtmlSniffer.IsType(MediaType) && request.Digest is null)
        {
            throw Page();
        }

        if (!EndIsKnown && request.Digest is null && !request.IsKnown)
        {
            throw new RunException(
                ExitStatus.Data, $"{shown} has no Content-Length, so a truncated download could not be detected",
                "give its digest: SCRIPT#sha256=HEX");
        }
    }

    private async Task<Stream> DecodeAsync(MeteredStream network)
    {
        var encodings = response.Content.Headers.ContentEncoding
            .Select(static coding => coding.ToLowerInvariant()).Where(static coding => coding != "identity").ToArray();
        if (encodings is [])
        {
            return network;
        }

        if (encodings is not [var encoding])
        {
            throw Refused($"is encoded more than once: {string.Join(", ", encodings)}");
        }

        switch (encoding)
        {
            case "gzip" or "x-gzip":
                return new GZipStream(network, CompressionMode.Decompress, leaveOpen: true);
            case "br":
                return new BrotliStream(network, CompressionMode.Decompress, leaveOpen: true);
            case "deflate":
                // RFC 9110 means zlib's format (RFC 1950), but some servers send the raw deflate data inside it (RFC 1951). The low four
                // bits of zlib's first byte are 8, and no encoder begins raw deflate data with them.
                const int ZlibMethod = 8;
                return (await network.PeekAsync().ConfigureAwait(false) & 0xf) == ZlibMethod
                    ? new ZLibStream(network, CompressionMode.Decompress, leaveOpen: true)
                    : new DeflateStream(network, CompressionMode.Decompress, leaveOpen: true);
            default:
                throw Refused($"is encoded as {encoding}, which was not requested");
        }
    }

    private async ValueTask<int> ReadAsync(Stream stream, byte[] buffer)
    {
        try
        {
            return await stream.ReadAsync(buffer.AsMemory(0, BufferSize)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            throw new TransientException(Refused("is damaged or was cut short: it cannot be decompressed"));
        }
        catch (HttpIOException e) when (e.HttpRequestError is HttpRequestError.InvalidResponse)
        {
            throw Damaged();
        }
        catch (HttpRequestException)
        {
            // What the runtime throws for a trailer, or the extensions of a chunk, that is malformed or has no end.
            throw Damaged();
        }
        catch (IOException)
        {
            throw new TransientException(Refused("was cut short: the connection was closed too early"));
        }
    }

    private TransientException Damaged() => new(Refused("is damaged: its chunked encoding is invalid"));

    private RunException Page()
    {
        var url = response.RequestMessage!.RequestUri!;
        var raw = RawUrl.ToRaw(url.AbsoluteUri);
        return new RunException(
            ExitStatus.Data, $"{shown} is a web page, not a script",
            raw != url.AbsoluteUri ? $"the script itself is at {UrlText.Redacted(raw)}" : FailedResponse.TokenHint(Origin.Of(url)));
    }

    public static RunException TooLong(string shown, long maxBytes) =>
        new(ExitStatus.Data, $"{shown} is longer than {(maxBytes == Limits.Script ? $"{maxBytes >> 20} MiB" : $"{maxBytes >> 10} KiB")}");

    private RunException Refused(string what) => new(ExitStatus.Data, $"{shown} {what}");

    private void Restart(Stream into) => Save(into, static (stream, _) =>
    {
        stream.Position = 0;
        stream.SetLength(0);
    }, default);

    private void Write(Stream into, ReadOnlySpan<byte> bytes) => Save(into, static (stream, piece) => stream.Write(piece), bytes);

    private void Save(Stream into, Action<Stream, ReadOnlySpan<byte>> save, ReadOnlySpan<byte> bytes)
    {
        try
        {
            save(into, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // If the runtime has no number of its own for an errno, HResult holds the errno.
            throw CannotSave((Errno)(e.HResult & 0xffff));
        }
        catch (ArgumentOutOfRangeException)
        {
            // The runtime's exception for EFBIG: the limit set by ulimit -f.
            throw CannotSave(Errno.FileTooBig);
        }
    }

    private RunException CannotSave(Errno error) =>
        new(ExitStatus.CannotWrite, $"{shown}: cannot be saved: {error.Describe()}");
}
