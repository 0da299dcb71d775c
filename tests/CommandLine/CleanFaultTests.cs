namespace Run.Tests.CommandLine;

/// <summary><c>--clean</c> reports success only if it has removed what it was asked to.</summary>
[Needs("strace")]
public sealed class CleanFaultTests
{
    [Theory]
    [InlineData("openat")]
    [InlineData("getdents64")]
    [InlineData("unlink")]
    [InlineData("rmdir")]
    public async Task A_call_that_fails_is_an_error(string call)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        var script = world.CachedScript("x");
        var version = Path.GetDirectoryName(script)!;
        var path = call switch
        {
            "openat" or "getdents64" => world.Cache,
            "unlink" => script,
            _ => version,
        };
        foreach (var error in (string[])["EIO", "EACCES", "ENOMEM"])
        {
            await world.Run("--clean", "--yes")
                .Traced(out _, "-P", path, "-e", $"trace={call}", "-e", $"inject={call}:error={error}:when=1+")
                .Fails(ExitStatus.CannotWrite, path);
        }

        await world.Run("--clean", "--yes").Succeeds("");
        Assert.False(File.Exists(script));
    }
}
