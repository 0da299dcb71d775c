using static Run.Tests.Fetching.Answers;
using static Run.Tests.Infra.RawServer;

namespace Run.Tests.Fetching;

/// <summary>What a server may say between and after the chunks of a body, and what it may not: then the answer has failed.</summary>
public sealed class ChunkTests
{
    private const string Header = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Hello = "14\r\n#!/bin/sh\necho ran\n\n\r\n";

    [Theory]
    [InlineData(Hello + "0\r\nTrailer: x\r\n\r\n")]
    [InlineData(Hello + "0\r\nTrailer: a\tb; c=\"d\"\r\nOther:\r\n\r\n")]
    [InlineData("14;name=value\r\n#!/bin/sh\necho ran\n\n\r\n0;last\r\n\r\n")]
    public async Task May_stand_there(string chunks)
    {
        await using var world = World.Answering(Says(Header + chunks));
        await world.Run("x").Succeeds("ran\n");
    }

    [Theory]
    [InlineData(Hello + "0\r\nTrailer: he\0llo\r\n\r\n")]
    [InlineData(Hello + "0\r\nTrailer\0: hello\r\n\r\n")]
    [InlineData(Hello + "0\r\nTrailer: he\rllo\r\n\r\n")]
    [InlineData(Hello + "0\r\nno colon\r\n\r\n")]
    [InlineData(Hello + "0\r\n: no name\r\n\r\n")]
    [InlineData(Hello + "0\r\nbad name: x\r\n\r\n")]
    [InlineData(Hello + "0\r\n folded\r\n\r\n")]
    [InlineData("14\0\r\n#!/bin/sh\necho ran\n\n\r\n0\r\n\r\n")]
    [InlineData("14 x\r\n#!/bin/sh\necho ran\n\n\r\n0\r\n\r\n")]
    [InlineData("-14\r\n#!/bin/sh\necho ran\n\n\r\n0\r\n\r\n")]
    [InlineData("fffffffffffffffff\r\n#!/bin/sh\necho ran\n\n\r\n0\r\n\r\n")]
    public Task May_not_stand_there(string chunks) => HasFailed(Says(Header + chunks));

    [Theory]
    [InlineData("0\r\n", "Trailer: x\r\n")]
    [InlineData("0\r\nTrailer: ", "x")]
    [InlineData("0\r\n", "x")]
    [InlineData("14;", "x")]
    [InlineData("14;x=\"", "x")]
    [InlineData("", "0")]
    public Task Has_no_end(string start, string forEver) => HasFailed(async connection =>
    {
        await connection.Send(Header + (start.StartsWith('0') ? Hello : "") + start);
        var piece = string.Concat(Enumerable.Repeat(forEver, 1000));
        while (true)
        {
            await connection.Send(piece);
        }
    });

    /// <summary>It is tried again, then the mirror is asked; without one it is 65, and nothing runs.</summary>
    private static async Task HasFailed(Func<Connection, Task> answer)
    {
        await using var world = World.Answering(answer);
        await world.Run("x").Fails(ExitStatus.Data, world.Server.Url, "damaged");
        Assert.Equal(4, world.Server.Requests.Length);
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x");

        await using var mirror = await ScriptServer.Start();
        mirror["/x"] = Script;
        world.SourceWith($"mirrors: [\"{mirror.Url}/%s\"]");
        await world.Run("x").Succeeds("ran\n");

        await using var passing = World.Answering(answer, Serves(Script));
        await passing.Run("x").Succeeds("ran\n");
    }
}
