using static Run.Tests.Caching.Versions;

namespace Run.Tests.Caching;

/// <summary>Bytes that differ from those that were fetched are not run, nor are those of another source.</summary>
public sealed class DamageTests
{
    [Theory]
    [InlineData("a byte is changed")]
    [InlineData("a byte is changed, the times are put back")]
    [InlineData("it is cut")]
    [InlineData("it grows")]
    [InlineData("it is empty")]
    [InlineData("it is gone")]
    [InlineData("it is another file")]
    [InlineData("it is a directory")]
    [InlineData("its record is a directory")]
    public async Task Damage_is_noticed_and_the_script_is_fetched_again(string damage)
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Succeeds("whole 1 1\n");
        await world.Run("x").Succeeds("whole 1 1\n");
        var script = world.CachedScript("x");
        var (times, mode, bytes) = (File.GetLastWriteTimeUtc(script), File.GetUnixFileMode(script), File.ReadAllBytes(script));
        File.SetUnixFileMode(script, mode | UnixFileMode.UserWrite);
        var changed = (byte[])bytes.Clone();
        changed[^10] ^= 1;
        switch (damage)
        {
            case "a byte is changed": TestFile.Write(script, changed); break;
            case "it is cut": TestFile.Write(script, bytes[..(bytes.Length / 2)]); break;
            case "it grows": TestFile.Append(script, "echo more\n"); break;
            case "it is empty": TestFile.Write(script, []); break;
            case "it is gone": File.Delete(script); break;
            case "it is a directory":
                File.Delete(script);
                Directory.CreateDirectory(script + "/x");
                break;
            case "its record is a directory":
                var record = world.CachedScript("record");
                File.Delete(record);
                Directory.CreateDirectory(record);
                break;
            case "it is another file":
                TestFile.Write(script + ".new", changed);
                File.Move(script + ".new", script, overwrite: true);
                break;
            default:
                TestFile.Write(script, changed);
                File.SetLastWriteTimeUtc(script, times);
                break;
        }

        if (File.Exists(script))
        {
            File.SetUnixFileMode(script, mode);
        }

        await world.Run("x").Succeeds("whole 1 1\n");
        Assert.Equal(2, world.Server.Count("/x"));
        await world.Run("x").Succeeds("whole 1 1\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    [Fact]
    public async Task A_link_in_the_place_of_a_script_is_refused_with_what_helps()
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Succeeds("whole 1 1\n");
        var script = world.CachedScript("x");
        File.Delete(script);
        File.CreateSymbolicLink(script, world.Put("elsewhere", Saying("elsewhere")));
        await world.Run("x").Fails(ExitStatus.Refused, "a symbolic link", $"rm {script}");
        await world.Sh($"rm {script}").Succeeds("");
        await world.Run("x").Succeeds("whole 1 1\n");
    }

    /// <summary>A first record is not flushed to the disk, so a loss of power can leave the name without the bytes.</summary>
    [Theory]
    [InlineData("it is empty")]
    [InlineData("it has the right length and no more")]
    [InlineData("it is cut")]
    [InlineData("it is gone")]
    public async Task A_record_that_is_not_whole_counts_as_none(string damage)
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Succeeds("whole 1 1\n");
        var record = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(world.CachedScript("x")))!, "record");
        var bytes = File.ReadAllBytes(record);
        switch (damage)
        {
            case "it is empty": TestFile.Write(record, []); break;
            case "it is cut": TestFile.Write(record, bytes[..(bytes.Length / 2)]); break;
            case "it is gone": File.Delete(record); break;
            default: TestFile.Write(record, new byte[bytes.Length]); break;
        }

        await world.Run("--offline", "x").Fails(ExitStatus.Unavailable, "not cached");
        await world.Run("x").Succeeds("whole 1 1\n");
        Assert.Equal(2, world.Server.Count("/x"));
        await world.Run("--offline", "x").Succeeds("whole 1 1\n");
    }

    [Fact]
    public async Task Damage_without_a_network_is_an_error_and_not_a_run()
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Succeeds("whole 1 1\n");
        var script = world.CachedScript("x");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        TestFile.Append(script, "echo more\n");
        await world.Run("--offline", "x").Fails(ExitStatus.Unavailable, "x");
    }

    [Fact]
    public async Task A_changed_source_never_runs_the_copy_of_another()
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await using var two = await ScriptServer.Start();
        two["/x"] = Script(2);
        await world.Run("x").Succeeds("whole 1 1\n");
        world.Sources(two);
        await world.Run("x").Succeeds("whole 2 2\n");
        world.Sources(world.Server);
        await world.Run("x").Succeeds("whole 1 1\n");
        Assert.Equal((1, 1), (world.Server.Count("/x"), two.Count("/x")));
    }

    [Fact]
    public async Task It_is_where_the_environment_says()
    {
        await using var world = await World.Serving(("/x", Script(1)));
        await world.Run("x").Env("RUN_CACHE", world.Root + "/chosen").Succeeds("whole 1 1\n");
        Assert.NotEmpty(Directory.GetFiles(world.Root + "/chosen", "x", SearchOption.AllDirectories));
        await world.Run("x").Env("XDG_CACHE_HOME", world.Root + "/xdg").Succeeds("whole 1 1\n");
        Assert.NotEmpty(Directory.GetFiles(world.Root + "/xdg/run", "x", SearchOption.AllDirectories));
        Assert.Empty(world.CachedFiles());
        await world.Run("x").Env("XDG_CACHE_HOME", null).Succeeds("whole 1 1\n");
        Assert.NotEmpty(Directory.GetFiles(world.Home + "/.cache/run", "x", SearchOption.AllDirectories));
    }
}
