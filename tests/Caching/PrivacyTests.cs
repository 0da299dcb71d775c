using static Run.Tests.Caching.Versions;

namespace Run.Tests.Caching;

/// <summary>The cache belongs to the user alone, and what somebody else could have put there is not run.</summary>
public sealed class PrivacyTests
{
    [Theory]
    [InlineData("000")]
    [InlineData("077")]
    [InlineData("777")]
    public async Task The_cache_is_private_whatever_the_umask(string umask)
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Umask(umask).Succeeds("whole 1 1\n");
        await world.Run("x").Umask(umask).Succeeds("whole 1 1\n");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(world.Cache));
        const UnixFileMode others = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite | UnixFileMode.OtherRead;
        Assert.All(world.CachedFiles(), static path => Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(path) & others));
    }

    [Theory]
    [InlineData("cache")]
    [InlineData("directory")]
    [InlineData("script")]
    public async Task What_somebody_else_can_write_is_refused(string what)
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Succeeds("whole 1 1\n");
        var script = world.CachedScript("x");
        var path = what switch { "cache" => world.Cache, "directory" => Path.GetDirectoryName(script)!, _ => script };
        var usual = File.GetUnixFileMode(path);
        foreach (var loose in (UnixFileMode[])[UnixFileMode.OtherWrite, UnixFileMode.GroupWrite])
        {
            File.SetUnixFileMode(path, usual | loose);
            await world.Run("x").Fails(ExitStatus.Refused, path);
            await world.Run("x").Fails(ExitStatus.Refused, path);
        }

        File.SetUnixFileMode(path, usual);
        await world.Run("x").Succeeds("whole 1 1\n");
    }

    [RootFact]
    public async Task What_somebody_else_owns_is_refused()
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Succeeds("whole 1 1\n");
        var script = world.CachedScript("x");
        foreach (var path in (string[])[script, Path.GetDirectoryName(script)!, world.Cache])
        {
            Libc.ChangeOwner(path, 65534);
            await world.Run("x").Fails(ExitStatus.Refused, path);
            Libc.ChangeOwner(path, 0);
        }

        await world.Run("x").Succeeds("whole 1 1\n");
        Directory.Delete(world.Cache, recursive: true);
        Directory.CreateDirectory(world.Cache);
        Libc.ChangeOwner(world.Cache, 65534);
        await world.Run("x").Fails(ExitStatus.Refused, world.Cache);
        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Fact]
    public async Task A_link_that_was_planted_is_not_followed()
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Succeeds("whole 1 1\n");
        var script = world.CachedScript("x");
        var planted = world.Put("planted", Saying("planted"));
        File.Delete(script);
        File.CreateSymbolicLink(script, planted);
        await world.Run("x").Fails(ExitStatus.Refused, script);
        await world.Run("-u", "x").Fails(ExitStatus.Refused, script);
        Assert.Equal("#!/bin/sh\necho planted\n", File.ReadAllText(planted));
    }
}
