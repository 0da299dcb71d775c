using System.Globalization;
using System.Text;
using static Run.Tests.Fetching.Answers;
using static Run.Tests.Infra.RawServer;

namespace Run.Tests.Fetching;

/// <summary>Every way in which a body can be bad: it is refused, and nothing is left that could be executed. Also the good ones.</summary>
public sealed class BodyTests
{
    private const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    [Fact]
    public Task Cut_short_of_its_length() => IsRefused(ExitStatus.Data, Cuts(Script, 30), "cut short");

    [Fact]
    public Task Cut_short_by_a_reset() =>
        IsRefused(ExitStatus.Data, Resets($"HTTP/1.1 200 OK\r\nContent-Length: {Script.Length}\r\n\r\n{Script[..30]}"), "cut short");

    [Theory]
    [InlineData("14\r\n#!/bin/sh\necho ran\n\n\r\n14\r\n#")]
    [InlineData("14\r\n#!/bin/sh\necho ran\n\n\r\n")]
    [InlineData("14\r\n#!/bin/sh\necho ran\n\n\r\n0\r\n")]
    public Task Cut_short_of_its_chunks(string chunks) => IsRefused(ExitStatus.Data, Says(Chunked + chunks), "cut short");

    [Fact]
    public Task Chunks_of_the_wrong_length() =>
        IsRefused(ExitStatus.Data, Says(Chunked + "5\r\n#!/bin/sh\necho ran\n\r\n0\r\n\r\n"), "damaged");

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public Task Cut_short_within_compressed_data(string encoding)
    {
        var cut = Compress(encoding, Bytes(Script))[..^9];
        return IsRefused(ExitStatus.Data, Sends(WithLength($"Content-Encoding: {encoding}\r\n", cut)), "cut short");
    }

    [Fact]
    public Task Compressed_data_that_is_invalid() =>
        IsRefused(ExitStatus.Data, Sends(WithLength("Content-Encoding: gzip\r\n", Bytes(Script))), "decompress");

    [Fact]
    public Task An_encoding_that_nobody_asked_for() =>
        IsRefused(ExitStatus.Data, Sends(WithLength("Content-Encoding: zstd\r\n", Bytes(Script))), "zstd");

    [Fact]
    public Task Longer_than_promised() =>
        IsRefused(ExitStatus.Data, Sends(Answer("Content-Length: 19", Bytes(Script))), "longer", "19 bytes");

    [Fact]
    public Task Two_lengths() =>
        IsRefused(ExitStatus.Data, Sends(Answer("Content-Length: 19\r\nContent-Length: 20", Bytes(Script))));

    [Fact]
    public Task Empty() => IsRefused(ExitStatus.Data, Sends(WithLength("", [])), "empty");

    [Fact]
    public Task Empty_once_decompressed() =>
        IsRefused(ExitStatus.Data, Sends(WithLength("Content-Encoding: gzip\r\n", Compress("gzip", []))), "empty");

    [Fact]
    public Task No_content() => IsRefused(ExitStatus.Data, Says("HTTP/1.1 204 No Content\r\n\r\n"), "empty");

    [Fact]
    public Task A_part_only() =>
        IsRefused(ExitStatus.Data, Says($"HTTP/1.1 206 Partial Content\r\nContent-Length: {Script.Length}\r\n\r\n{Script}"), "part");

    [Theory]
    [InlineData("text/html; charset=utf-8", Script)]
    [InlineData("application/xhtml+xml", "<p>sign in</p>")]
    [InlineData("text/plain", "<!DOCTYPE html>\n<html><title>Sign in</title></html>")]
    [InlineData("application/octet-stream", "\ufeff \n<!-- a comment -->\n<HTML lang=en>")]
    [InlineData("text/plain", "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\"><html></html>")]
    public Task A_web_page(string type, string page) =>
        IsRefused(ExitStatus.Data, Sends(WithLength($"Content-Type: {type}\r\n", Bytes(page))), "web page");

    /// <summary>A licence in a comment, or the empty lines of a template, before the first element.</summary>
    [Theory]
    [InlineData(" \r\n", 50_000, "<html><title>Sign in</title>")]
    [InlineData("<!-- licence -->\n", 10_000, "<!doctype HTML>")]
    [InlineData("<!-->", 1000, "<body>")]
    public Task A_web_page_that_begins_late(string before, int times, string page) =>
        IsRefused(
            ExitStatus.Data,
            Sends(WithLength("Content-Type: text/plain\r\n", Bytes(string.Concat(Enumerable.Repeat(before, times)) + page))), "web page");

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    public Task A_web_page_in_UTF_16(string encoding)
    {
        var text = Encoding.GetEncoding(encoding);
        byte[] page = [.. text.GetPreamble(), .. text.GetBytes("\r\n<!-- ü -->\r\n<!DOCTYPE html>\r\n<html>")];
        return IsRefused(ExitStatus.Data, Sends(WithLength("Content-Type: text/plain\r\n", page)), "web page");
    }

    [Fact]
    public async Task A_page_that_shows_a_script_names_the_script_itself()
    {
        await using var world = World.Answering(Sends(WithLength("Content-Type: text/html\r\n", Bytes("<html>"))));
        world.Sources(world.Server.Url + "/group/repo/-/blob/main");
        await world.Run("x.sh").Fails(ExitStatus.Data, "web page", $"{world.Server.Url}/group/repo/-/raw/main/x.sh");
    }

    [Fact]
    public async Task Without_a_length_only_with_a_digest()
    {
        await using var world = World.Answering(Says($"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{Script}"));
        await world.Run("x").Fails(ExitStatus.Data, "has no Content-Length", "#sha256=");
        await world.Run($"x#sha256={DigestOf(Script)}").Succeeds("ran\n");
    }

    [Fact]
    public async Task With_its_digest_even_what_looks_like_a_page_is_what_was_asked_for()
    {
        await using var world = World.Answering(Sends(WithLength("Content-Type: text/html\r\n", Bytes(Script))));
        await world.Run($"x#sha256={DigestOf(Script)}").Succeeds("ran\n");
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("x-gzip", "gzip")]
    [InlineData("br", "br")]
    [InlineData("deflate", "deflate")]
    [InlineData("Deflate", "raw")]
    public async Task Compressed_bodies_are_decoded_and_the_digest_is_of_what_they_hold(string encoding, string format)
    {
        await using var world = World.Answering(Sends(WithLength($"Content-Encoding: {encoding}\r\n", Compress(format, Bytes(Script)))));
        await world.Run($"x#sha256={DigestOf(Script)}").Succeeds("ran\n");
    }

    [Fact]
    public async Task Chunks_are_put_together()
    {
        await using var world = World.Answering(Says(Chunked + "5\r\n#!/bi\r\ne;x=y\r\nn/sh\necho ran\n\r\n0\r\nX: y\r\n\r\n"));
        await world.Run("x").Succeeds("ran\n");
    }

    [Fact]
    public Task A_length_over_64_MiB_is_not_even_read() =>
        IsRefused(ExitStatus.Data, Stalls("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n#!/bin/sh\n"), "64 MiB");

    [Fact]
    public async Task A_body_without_end_is_refused_and_memory_stays_flat()
    {
        var chunk = new byte[1 << 20];
        chunk.AsSpan().Fill((byte)'#');
        await using var world = World.Answering(async connection =>
        {
            await connection.Send(Chunked);
            while (true)
            {
                await connection.Send("100000\r\n");
                await connection.Send(chunk);
                await connection.Send("\r\n");
            }
        });
        await StaysFlat(world);
    }

    [Fact]
    public async Task A_bomb_is_refused_and_memory_stays_flat()
    {
        var bomb = Compress("gzip", new byte[1 << 30]);
        Assert.True(bomb.Length < Limits64MiB, "it is small as it is sent");
        await using var world = World.Answering(Sends(WithLength("Content-Encoding: gzip\r\n", bomb)));
        await StaysFlat(world);
    }

    [Fact]
    public async Task A_body_of_almost_64_MiB_is_whole()
    {
        var body = Bytes(Script + new string('#', Limits64MiB - Script.Length));
        await using var world = World.Answering(Sends(WithLength("", body)));
        await world.Run("x").Succeeds("ran\n");
        Assert.Equal(Limits64MiB, new FileInfo(world.CachedScript("x")).Length);
    }

    [Fact]
    public async Task A_byte_a_second_for_ever_comes_to_an_end()
    {
        await using var world = World.Answering(async connection =>
        {
            await connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while (true)
            {
                await connection.Send("#");
                await Task.Delay(1000, connection.End);
            }
        });
        var result = await world.Run("x").Fails(ExitStatus.Unavailable, "too slow");
        result.Check(result.Time < TimeSpan.FromSeconds(30), "less than 30 seconds");
    }

    private const int Limits64MiB = 64 << 20;

    private static async Task IsRefused(ExitStatus status, Func<Connection, Task> answer, params string[] words)
    {
        await using var world = World.Answering(answer);
        await world.Run("x").Fails(status, [world.Server.Url, .. words]);
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x");
        await world.Run("--offline", "x").Fails(ExitStatus.Unavailable, "offline");
    }

    private static async Task StaysFlat(Sandbox box)
    {
        const int most = 64 << 10;
        await using var child = box.Run("x").Start();
        var peak = 0;
        await Eventually.True(
            () =>
            {
                peak = Math.Max(peak, PeakOf(child.Pid));
                return child.HasExited;
            },
            "it has ended");
        (await child.Exit()).Failed((int)ExitStatus.Data, "64 MiB");
        Assert.InRange(peak, 1, most);
    }

    /// <summary>The peak memory in KiB; 0 once the process has ended.</summary>
    private static int PeakOf(int pid)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(static l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
