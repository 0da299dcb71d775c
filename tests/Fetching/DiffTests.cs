using Run.Reporting;
using Run.Tests.Infra;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary><c>--diff</c>: what diff(1) says of the copy and of what the server has now, and nothing else happens.</summary>
public sealed class DiffTests
{
    [Fact]
    public async Task Shows_what_changed_and_accepts_nothing()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        box.Sources(server);
        await box.Run("x").Succeeds("ran\n");
        await box.Run("--diff", "x").Succeeds("");

        server["/x"] = Script.Replace("ran", "new", StringComparison.Ordinal);
        var before = box.CachedFiles();
        for (var i = 0; i < 2; i++)
        {
            var result = await box.Run("--diff", "x").Result();
            result.Check(result is { Status: 1, Stderr: "" }, "status 1 and silence");
            Assert.Matches(@"^--- .*\n\+\+\+ .*\n@@ .*\n #!/bin/sh\n-echo ran\n\+echo new\n # a comment", result.Stdout);
        }

        Assert.Equal(before, box.CachedFiles());
        await box.Run("x").Succeeds("ran\n");
        await box.Run("-u", "x").Succeeds("new\n");
        await box.Run("--diff", "x").Succeeds("");
    }

    [Fact]
    public async Task Cannot_be_had_without_the_server()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Script;
        box.Sources(server);
        await box.Run("x").Succeeds("ran\n");
        server.Status("/x", 404);
        await box.Run("--diff", "x").Fails(ExitStatus.NotFound, "404");
        await box.Run("--diff", "x").Env("RUN_OFFLINE", "1").Fails(ExitStatus.Unavailable, "offline");
        await box.Run("x").Succeeds("ran\n");
    }
}
