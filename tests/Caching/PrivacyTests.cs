using Run.Reporting;
using Run.Tests.Infra;
using static Run.Tests.Caching.Versions;

namespace Run.Tests.Caching;

/// <summary>The cache is the user's alone, and what somebody else could have put there is not run.</summary>
public sealed class PrivacyTests
{
    [Theory]
    [InlineData("000")]
    [InlineData("077")]
    [InlineData("777")]
    public async Task The_cache_is_private_whatever_the_umask(string umask)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Umask(umask).Succeeds("whole 1 1\n");
        await box.Run("x").Umask(umask).Succeeds("whole 1 1\n");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(box.Cache));
        const UnixFileMode others = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.OtherRead;
        Assert.All(box.CachedFiles(), static path => Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(path) & others));
    }

    [Theory]
    [InlineData("cache")]
    [InlineData("directory")]
    [InlineData("script")]
    public async Task What_somebody_else_can_write_is_refused(string what)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        var script = box.CachedScript("x");
        var path = what switch { "cache" => box.Cache, "directory" => Path.GetDirectoryName(script)!, _ => script };
        var usual = File.GetUnixFileMode(path);
        foreach (var loose in (UnixFileMode[])[UnixFileMode.OtherWrite, UnixFileMode.GroupWrite])
        {
            File.SetUnixFileMode(path, usual | loose);
            await box.Run("x").Fails(ExitStatus.Refused, path);
            await box.Run("x").Fails(ExitStatus.Refused, path);
        }

        File.SetUnixFileMode(path, usual);
        await box.Run("x").Succeeds("whole 1 1\n");
    }

    [RootFact]
    public async Task What_somebody_else_owns_is_refused()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        var script = box.CachedScript("x");
        foreach (var path in (string[])[script, Path.GetDirectoryName(script)!, box.Cache])
        {
            Libc.ChangeOwner(path, 65534);
            await box.Run("x").Fails(ExitStatus.Refused, path);
            Libc.ChangeOwner(path, 0);
        }

        await box.Run("x").Succeeds("whole 1 1\n");
        Directory.Delete(box.Cache, recursive: true);
        Directory.CreateDirectory(box.Cache);
        Libc.ChangeOwner(box.Cache, 65534);
        await box.Run("x").Fails(ExitStatus.Refused, box.Cache);
        Assert.Equal(1, server.Count("/x"));
    }

    [Fact]
    public async Task A_link_that_was_planted_is_not_followed()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Script(1);
        await box.Run("x").Succeeds("whole 1 1\n");
        var script = box.CachedScript("x");
        var planted = box.Put("planted", "#!/bin/sh\necho planted\n");
        File.Delete(script);
        File.CreateSymbolicLink(script, planted);
        Assert.DoesNotContain("planted", (await box.Run("x").Result()).Stdout, StringComparison.Ordinal);
    }
}
