using static Run.Tests.Planning.Planned;

namespace Run.Tests.Planning;

/// <summary>What decides which script SCRIPT means. If it changes, the very next run follows, despite the plan.</summary>
public sealed class ConfigurationTests
{
    [Theory]
    [InlineData("edited")]
    [InlineData("edited, and the time put back")]
    [InlineData("replaced, by one of the same time")]
    public async Task An_edit_of_run_conf_counts_at_once_though_its_size_stays(string how)
    {
        await using var world = await OneAndTwo();
        await Is(() => world.Run("x"), "one\n");

        var time = File.GetLastWriteTimeUtc(world.ConfFile);
        var text = File.ReadAllText(world.ConfFile).Replace("/one/", "/two/", StringComparison.Ordinal);
        if (how.StartsWith("replaced", StringComparison.Ordinal))
        {
            TestFile.Write(world.ConfFile + ".new", text);
            File.SetLastWriteTimeUtc(world.ConfFile + ".new", time);
            File.Move(world.ConfFile + ".new", world.ConfFile, overwrite: true);
        }
        else
        {
            TestFile.Write(world.ConfFile, text);
            if (how != "edited")
            {
                File.SetLastWriteTimeUtc(world.ConfFile, time);
            }
        }

        await NoLonger(() => world.Run("x"), "two\n");
        await Is(() => world.Run("x"), "two\n");
    }

    [RootFact]
    public async Task A_run_conf_of_the_machine_or_the_user_counts_as_soon_as_it_is_there_and_no_longer()
    {
        await using var world = await OneAndTwo();
        File.Delete(world.ConfFile);
        var etc = Directory.CreateDirectory(world.Root + "/etc").FullName;
        Command Run() => world.Run("x").InMountNamespace($"mount --bind {etc} /etc");
        void Machine(string which) => TestFile.Write(etc + "/run.conf", $"sources:\n  default: {world.Server.Url}/{which}/%s\n");

        Machine("one");
        await Is(Run, "one\n");
        Machine("two");
        await NoLonger(Run, "two\n");
        await Is(Run, "two\n");
        world.Sources(world.Server.Url + "/one");
        await NoLonger(Run, "one\n");
        await Is(Run, "one\n");
        File.Delete(etc + "/run.conf");
        await NoLonger(Run, "one\n");
        await Is(Run, "one\n");
        Machine("two");
        await NoLonger(Run, "one\n");
        await Is(Run, "one\n");
        File.Delete(world.ConfFile);
        await NoLonger(Run, "two\n");
    }

    [Fact]
    public async Task A_run_conf_that_is_gone_or_wrong_is_missed_at_once()
    {
        await using var world = await OneAndTwo();
        await Is(() => world.Run("x"), "one\n");
        world.Conf("sources: [\n");
        await world.Run("x").Fails(ExitStatus.Configuration, "run.conf");
        File.Delete(world.ConfFile);
        await world.Run("x").Env("RUN_OFFLINE", "1").Fails(ExitStatus.Unavailable, "x");
        Assert.Equal(1, world.Server.Count("/one/x"));
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a")]
    [InlineData(".")]
    [InlineData("..")]
    public async Task A_run_pins_counts_wherever_it_appears_above_the_working_directory(string where)
    {
        await using var world = await OneAndTwo();
        var here = Directory.CreateDirectory(world.Work + "/a/b").FullName;
        Command Run() => world.Run("x").In(here);
        await Is(Run, "one\n");

        var pins = Path.Combine(world.Work, where, "run.pins");
        string Pin(string bytes) => $"x {world.Server.Url}/one/x sha256:{DigestOf(bytes)}\n";
        world.Put(pins, Pin("other"), executable: false);
        await Run().Fails(ExitStatus.Data, "x");
        world.Put(pins, Pin(Saying("one")), executable: false);
        await Is(Run, "one\n");
        world.Put(pins, Pin("other"), executable: false);
        await Run().Fails(ExitStatus.Data, "x");
        File.Delete(pins);
        await Run().Succeeds("one\n");
    }

    [Theory]
    [InlineData("HOME", "", "two\n", "/two/x")]
    [InlineData("XDG_CONFIG_HOME", "", "two\n", "/two/x")]
    [InlineData("RUN_CONFIG", "/run/run.conf", "two\n", "/two/x")]
    [InlineData("XDG_CACHE_HOME", "", "one\n", "/one/x")]
    [InlineData("RUN_CACHE", "/elsewhere", "one\n", "/one/x")]
    public async Task A_variable_that_chooses_a_directory_chooses_it_at_once(string variable, string path, string says, string fetches)
    {
        await using var world = await OneAndTwo();
        var two = File.ReadAllText(world.ConfFile).Replace("/one/", "/two/", StringComparison.Ordinal);
        world.Put(world.Root + "/other/run/run.conf", two);
        world.Put(world.Root + "/other/.config/run/run.conf", two);
        Command Run() => world.Run("x").Env("XDG_CONFIG_HOME", null).Env("XDG_CACHE_HOME", null).Env("XDG_STATE_HOME", null);

        await Is(Run, "one\n");
        world.Server.ForgetRequests();
        Command Other() => Run().Env(variable, world.Root + "/other" + path);
        await NoLonger(Other, says);
        Assert.Equal(fetches, Assert.Single(world.Server.Requests).Path);
        await Is(Other, says);
        await Run().Succeeds("one\n");
        Assert.Single(world.Server.Requests);
    }

    [Fact]
    public async Task The_lock_is_where_XDG_STATE_HOME_says_now()
    {
        await using var world = await OneAndTwo();
        await Is(() => world.Run("x"), "one\n");
        await NoLonger(() => world.Run("x").Env("XDG_STATE_HOME", world.Root + "/other"), "one\n");
        Assert.Single(Directory.GetFiles(world.Root + "/other/run/locks"));
    }

    [Fact]
    public async Task What_is_planned_is_still_refused_if_everything_must_be_pinned()
    {
        await using var world = await OneAndTwo();
        await Is(() => world.Run("x"), "one\n");
        await Is(() => world.Run("x").Env("RUN_PINNED", "0"), "one\n");
        await world.Run("x").Env("RUN_PINNED", "1").Fails(ExitStatus.Refused, "x");
        await world.Run("x").Succeeds("one\n");
    }

    /// <summary>The same name in two directories of the server prints one and two; run.conf points to the first.</summary>
    private static async Task<World<ScriptServer>> OneAndTwo()
    {
        var world = await World.Serving(("/one/x", Saying("one")), ("/two/x", Saying("two")));
        world.Sources(world.Server.Url + "/one");
        return world;
    }
}
