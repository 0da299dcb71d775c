using static Run.Tests.Planning.Planned;

namespace Run.Tests.Planning;

/// <summary>What decides which script is meant: when it changes, the very next run follows, whatever was planned.</summary>
public sealed class ConfigurationTests
{
    [Theory]
    [InlineData("edited")]
    [InlineData("edited, and the time put back")]
    [InlineData("replaced, by one of the same time")]
    public async Task An_edit_of_run_conf_counts_at_once_though_its_size_stays(string how)
    {
        using var box = new Sandbox();
        await using var server = await Server();
        box.Sources(server.Url + "/one");
        await Is(() => box.Run("x"), "one\n");

        var time = File.GetLastWriteTimeUtc(box.ConfFile);
        var text = File.ReadAllText(box.ConfFile).Replace("/one/", "/two/", StringComparison.Ordinal);
        if (how.StartsWith("replaced", StringComparison.Ordinal))
        {
            File.WriteAllText(box.ConfFile + ".new", text);
            File.SetLastWriteTimeUtc(box.ConfFile + ".new", time);
            File.Move(box.ConfFile + ".new", box.ConfFile, overwrite: true);
        }
        else
        {
            File.WriteAllText(box.ConfFile, text);
            if (how != "edited")
            {
                File.SetLastWriteTimeUtc(box.ConfFile, time);
            }
        }

        await NoLonger(() => box.Run("x"), "two\n");
        await Is(() => box.Run("x"), "two\n");
    }

    [RootFact]
    public async Task A_run_conf_of_the_machine_or_the_user_counts_as_soon_as_it_is_there_and_no_longer()
    {
        using var box = new Sandbox();
        await using var server = await Server();
        var etc = Directory.CreateDirectory(box.Root + "/etc").FullName;
        Command Run() => box.Run("x").InMountNamespace($"mount --bind {etc} /etc");
        void Machine(string which) => File.WriteAllText(etc + "/run.conf", $"sources:\n  default: {server.Url}/{which}/%s\n");

        Machine("one");
        await Is(Run, "one\n");
        Machine("two");
        await NoLonger(Run, "two\n");
        await Is(Run, "two\n");
        box.Sources(server.Url + "/one");
        await NoLonger(Run, "one\n");
        await Is(Run, "one\n");
        File.Delete(etc + "/run.conf");
        await NoLonger(Run, "one\n");
        await Is(Run, "one\n");
        Machine("two");
        await NoLonger(Run, "one\n");
        await Is(Run, "one\n");
        File.Delete(box.ConfFile);
        await NoLonger(Run, "two\n");
    }

    [Fact]
    public async Task A_run_conf_that_is_gone_or_wrong_is_missed_at_once()
    {
        using var box = new Sandbox();
        await using var server = await Server();
        box.Sources(server.Url + "/one");
        await Is(() => box.Run("x"), "one\n");
        box.Conf("sources: [\n");
        await box.Run("x").Fails(ExitStatus.Configuration, "run.conf");
        File.Delete(box.ConfFile);
        await box.Run("x").Env("RUN_OFFLINE", "1").Fails(ExitStatus.Unavailable, "x");
        Assert.Equal(1, server.Count("/one/x"));
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a")]
    [InlineData(".")]
    [InlineData("..")]
    public async Task A_run_pins_counts_wherever_it_appears_above_the_working_directory(string where)
    {
        using var box = new Sandbox();
        await using var server = await Server();
        box.Sources(server.Url + "/one");
        var here = Directory.CreateDirectory(box.Work + "/a/b").FullName;
        Command Run() => box.Run("x").In(here);
        await Is(Run, "one\n");

        var pins = Path.Combine(box.Work, where, "run.pins");
        string Pin(string bytes) => $"x {server.Url}/one/x sha256:{DigestOf(bytes)}\n";
        box.Put(pins, Pin("other"), executable: false);
        await Run().Fails(ExitStatus.Data, "x");
        box.Put(pins, Pin(Saying("one")), executable: false);
        await Is(Run, "one\n");
        box.Put(pins, Pin("other"), executable: false);
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
        using var box = new Sandbox();
        await using var server = await Server();
        box.Sources(server.Url + "/one");
        var two = File.ReadAllText(box.ConfFile).Replace("/one/", "/two/", StringComparison.Ordinal);
        box.Put(box.Root + "/other/run/run.conf", two);
        box.Put(box.Root + "/other/.config/run/run.conf", two);
        Command Run() => box.Run("x").Env("XDG_CONFIG_HOME", null).Env("XDG_CACHE_HOME", null).Env("XDG_STATE_HOME", null);

        await Is(Run, "one\n");
        server.ForgetRequests();
        Command Other() => Run().Env(variable, box.Root + "/other" + path);
        await NoLonger(Other, says);
        Assert.Equal(fetches, Assert.Single(server.Requests).Path);
        await Is(Other, says);
        await Run().Succeeds("one\n");
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task The_lock_is_where_XDG_STATE_HOME_says_now()
    {
        using var box = new Sandbox();
        await using var server = await Server();
        box.Sources(server.Url + "/one");
        await Is(() => box.Run("x"), "one\n");
        await NoLonger(() => box.Run("x").Env("XDG_STATE_HOME", box.Root + "/other"), "one\n");
        Assert.Single(Directory.GetFiles(box.Root + "/other/run/locks"));
    }

    [Fact]
    public async Task What_is_planned_is_still_refused_where_all_must_be_pinned()
    {
        using var box = new Sandbox();
        await using var server = await Server();
        box.Sources(server.Url + "/one");
        await Is(() => box.Run("x"), "one\n");
        await Is(() => box.Run("x").Env("RUN_PINNED", "0"), "one\n");
        await box.Run("x").Env("RUN_PINNED", "1").Fails(ExitStatus.Refused, "x");
        await box.Run("x").Succeeds("one\n");
    }

    private static async Task<ScriptServer> Server()
    {
        var server = await ScriptServer.Start();
        server["/one/x"] = Saying("one");
        server["/two/x"] = Saying("two");
        return server;
    }
}
