using System.Buffers;
using System.IO.Compression;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Http;

/// <summary>
/// Reads the body of an answer to its end, and makes sure that it is one: whole, as long as promised, honestly decoded, not too long,
/// not empty and not a web page. What it gives back is fit to be executed, or nothing is.
/// </summary>
/// <param name="shown">The URL as messages name it.</param>
/// <param name="most">How many bytes there may be, encoded and decoded.</param>
/// <param name="stall">How long the next piece may be in coming.</param>
internal sealed class Body(HttpResponseMessage response, string shown, long most, TimeSpan stall, Progress progress)
{
    private const int BufferSize = 64 << 10;

    private long Promised => response.Content.Headers.ContentLength ?? -1;

    /// <summary>Whether the end of the body can be told from its having been cut.</summary>
    private bool EndIsKnown => Promised >= 0 || response.Headers.TransferEncodingChunked == true;

    /// <summary>Writes the decoded body to <paramref name="into"/>, from its start.</summary>
    /// <param name="tap">Where the bytes came through, to see whether there are more than promised.</param>
    /// <param name="digest">
    /// What the caller insists on: with it a body may lack a length, and look like a page where that is what was asked for.
    /// </param>
    /// <returns>Digest and length of the decoded body.</returns>
    public async Task<(string Sha256, long Size)> SaveAsync(Stream into, BodyByteCounter? tap, string? digest)
    {
        CheckHeader(digest);
        progress.Begin(Promised > 0 ? Promised : null);
        var hash = new Sha256();
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        var prefix = new byte[HtmlSniffer.Prefix];
        var size = 0L;
        try
        {
            Restart(into);
            var content = await response.Content.ReadAsStreamAsync().ConfigureAwait(false);
            await using var network = new MeteredStream(content, shown, most, stall, progress);
            await using var decoded = await DecodeAsync(network).ConfigureAwait(false);
            for (int count; (count = await ReadAsync(decoded, buffer).ConfigureAwait(false)) > 0;)
            {
                var bytes = buffer.AsMemory(0, count);
                if (size < prefix.Length)
                {
                    bytes.Span[..(int)Math.Min(count, prefix.Length - size)].CopyTo(prefix.AsSpan((int)size));
                }

                size += count;
                if (size > most)
                {
                    throw TooMany(shown, most);
                }

                hash.Append(bytes.Span);
                Write(into, bytes.Span);
            }

            // A decoder stops where the compressed data ends, and the promised length may not be reached there.
            while (await ReadAsync(network, buffer).ConfigureAwait(false) > 0)
            {
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (Promised >= 0 && tap is not null && tap.Body > Promised)
        {
            throw Refused($"is longer than the {Promised} bytes that were promised");
        }

        if (size == 0)
        {
            throw Refused("is empty");
        }

        var sha256 = hash.Finish();
        return sha256 != digest && (HtmlSniffer.IsType(MediaType) || HtmlSniffer.IsPage(prefix.AsSpan(0, (int)Math.Min(size, prefix.Length))))
            ? throw Page()
            : (sha256, size);
    }

    private string? MediaType => response.Content.Headers.ContentType?.MediaType;

    private void CheckHeader(string? digest)
    {
        if (response.Content.Headers.NonValidated.TryGetValues("Content-Length", out var lengths) && lengths.Distinct().Count() > 1)
        {
            throw Refused("comes with two lengths");
        }

        if (response.Headers.TransferEncoding.Any(static coding => !coding.Value.Equals("chunked", StringComparison.OrdinalIgnoreCase)))
        {
            throw Refused($"comes in a transfer encoding that run does not know: {response.Headers.TransferEncoding}");
        }

        if (Promised > most)
        {
            throw TooMany(shown, most);
        }

        if (HtmlSniffer.IsType(MediaType) && digest is null)
        {
            throw Page();
        }

        if (!EndIsKnown && digest is null)
        {
            throw new RunException(
                ExitStatus.Data, $"{shown} comes without its length, so nobody can tell whether it is whole",
                "with a digest run can: SCRIPT#sha256=HEX");
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
            throw Refused($"comes encoded more than once: {string.Join(", ", encodings)}");
        }

        switch (encoding)
        {
            case "gzip" or "x-gzip":
                return new GZipStream(network, CompressionMode.Decompress, leaveOpen: true);
            case "br":
                return new BrotliStream(network, CompressionMode.Decompress, leaveOpen: true);
            case "deflate":
                // RFC 9110 means zlib's format, and some servers send what is inside it. The lower half of zlib's first byte is 8,
                // and that is no beginning that an encoder gives to the other.
                const int ZlibMethod = 8;
                return (await network.PeekAsync().ConfigureAwait(false) & 0xf) == ZlibMethod
                    ? new ZLibStream(network, CompressionMode.Decompress, leaveOpen: true)
                    : new DeflateStream(network, CompressionMode.Decompress, leaveOpen: true);
            default:
                throw Refused($"comes encoded as {encoding}, which was not asked for");
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
            throw new TransientException(Refused("is damaged: its chunks do not fit together"));
        }
        catch (IOException)
        {
            throw new TransientException(Refused("was cut short: the connection ended in the middle"));
        }
    }

    private RunException Page()
    {
        var url = response.RequestMessage!.RequestUri!;
        var raw = RawUrl.ToRaw(url.AbsoluteUri);
        return new RunException(
            ExitStatus.Data, $"{shown} is a web page, not a script",
            raw != url.AbsoluteUri ? $"the script itself is at {UrlText.Redacted(raw)}" : FailedResponse.TokenHint(Origin.Of(url)));
    }

    public static RunException TooMany(string shown, long most) =>
        new(ExitStatus.Data, $"{shown} is longer than {(most == Limits.Script ? $"{most >> 20} MiB" : $"{most >> 10} KiB")}");

    private RunException Refused(string what) => new(ExitStatus.Data, $"{shown} {what}");

    private static void Restart(Stream into)
    {
        into.Position = 0;
        into.SetLength(0);
    }

    private static void Write(Stream into, ReadOnlySpan<byte> bytes)
    {
        try
        {
            into.Write(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The runtime keeps errno in HResult where it has no number of its own for it.
            throw CannotSave((Errno)(e.HResult & 0xffff));
        }
        catch (ArgumentOutOfRangeException)
        {
            // What the runtime makes of EFBIG: the limit of ulimit -f.
            throw CannotSave(Errno.FileTooBig);
        }
    }

    private static RunException CannotSave(Errno error) =>
        new(ExitStatus.CannotWrite, $"the script cannot be saved: {error.Describe()}");
}
