namespace Run.Tests.CommandLine;

/// <summary>run --clean removes cached copies. On a terminal it asks first.</summary>
public sealed class CleanTests
{
    [Fact]
    public async Task Those_that_are_named()
    {
        await using var world = await Filled();
        await world.Run("--clean", "--yes", "a", $"{world.Server.Url}/b").Succeeds("");
        Assert.Equal(["c"], await Listed(world));
        await world.Run("a").Succeeds("ran\n");
        await world.Run("c").Succeeds("ran\n");
        Assert.Equal((2, 1, 1), (world.Server.Count("/a"), world.Server.Count("/b"), world.Server.Count("/c")));
    }

    [Fact]
    public async Task All_of_them()
    {
        await using var world = await Filled();
        await world.Run("-cy").Succeeds("");
        Assert.Empty(await Listed(world));
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) is "a" or "b" or "c");
        await world.Run("-c", "-y").Succeeds("");
        await world.Run("a").Succeeds("ran\n");
    }

    [Fact]
    public async Task Nothing_but_the_caches_own()
    {
        await using var world = await Filled();
        world.Put(world.Cache + "/mine", "mine");
        world.Put(world.CacheHome + "/other", "other");
        await world.Run("-cy").Succeeds("");
        Assert.True(File.Exists(world.Cache + "/mine"));
        Assert.True(File.Exists(world.CacheHome + "/other"));
    }

    [Fact]
    public async Task One_that_is_not_there_is_a_note_with_the_nearest_name()
    {
        await using var world = await World.Serving(("/backup", "#!/bin/sh\n"));
        await world.Run("backup").Succeeds("");
        await world.Run("-cy", "bakcup").Expect(0, "", "run: bakcup: not cached\n     did you mean backup?\n");
    }

    [Fact]
    public async Task A_copy_with_another_digest_is_not_the_one_that_was_named()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        await world.Run("-cy", $"x#sha256={DigestOf("other")}").Expect(0, "", "run: x: not cached\n");
        await world.Run("-cy", "--sha256", DigestOf("other"), "x").Expect(0, "", "run: x: not cached\n");
        await world.Run("--offline", "x").Succeeds("ran\n");
        await world.Run("-cy", $"x#sha256={DigestOf(Saying("ran"))}").Succeeds("");
        Assert.Empty(await Listed(world));
    }

    [Fact]
    public async Task A_script_that_is_running_is_not_disturbed()
    {
        await using var world = await World.Serving(("/x", "#!/bin/sh\necho up\nread -r line\necho \"$line\"\n"));
        await using var running = world.Run("x").InputStaysOpen().Start();
        await running.Output("up");
        await world.Run("-cy").Expect(0, "", $"run: x is running (pid {running.Pid}), so its copy stays\n");
        await running.Type("on\n");
        (await running.Exit()).Is(0, "up\non\n");
    }

    [Fact]
    public async Task Without_a_terminal_and_without_yes_it_is_refused()
    {
        await using var world = await Filled();
        await world.Run("--clean").Fails(ExitStatus.Usage, "terminal", "--yes");
        await world.Run("-c", "a").Input("y\n").Fails(ExitStatus.Usage, "--yes");
        Assert.Equal(["a", "b", "c"], await Listed(world));
    }

    [Theory]
    [InlineData("y\n", true)]
    [InlineData("Y\n", false)]
    [InlineData("yes\n", false)]
    [InlineData("n\n", false)]
    [InlineData("\n", false)]
    [InlineData("\u0004", false)]
    [InlineData("yellow\n", false)]
    public async Task On_a_terminal_it_asks(string answer, bool removes)
    {
        await using var world = await Filled();
        await using var asking = world.Run("-c", "a").OnTerminal().Start();
        await asking.Output("remove a? [y/N] ");
        await asking.Type(answer);
        Assert.Equal(0, (await asking.Exit()).Status);
        Assert.Equal(removes ? ["b", "c"] : ["a", "b", "c"], await Listed(world));
    }

    /// <summary>With three scripts in the cache.</summary>
    private static async Task<World<ScriptServer>> Filled()
    {
        var world = await World.Serving();
        foreach (var name in (string[])["a", "b", "c"])
        {
            world.Server["/" + name] = Saying("ran");
            await world.Run(name).Succeeds("ran\n");
        }

        return world;
    }

    private static async Task<string[]> Listed(Sandbox box)
    {
        var list = await box.Run("--list").Result();
        return [.. list.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => line.Split(' ')[0])];
    }
}
