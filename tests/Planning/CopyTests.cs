using System.Globalization;
using System.Text.RegularExpressions;
using static Run.Tests.Planning.Planned;

namespace Run.Tests.Planning;

/// <summary>The copy that a plan would run, and all that says that it may: when it changes, the very next run follows.</summary>
public sealed partial class CopyTests
{
    [Theory]
    [InlineData("tampered with", 2)]
    [InlineData("tampered with, and the time put back", 2)]
    [InlineData("replaced, by one of the same time", 2)]
    [InlineData("gone", 2)]
    [InlineData("touched", 1)]
    [InlineData("without its record", 2)]
    public async Task Only_the_bytes_that_arrived_are_run(string what, int requests)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");

        var script = world.CachedScript("x");
        var (time, mode) = (File.GetLastWriteTimeUtc(script), File.GetUnixFileMode(script));
        File.SetUnixFileMode(script, mode | UnixFileMode.UserWrite);
        switch (what)
        {
            case "tampered with": TestFile.Write(script, Saying("bad")); break;
            case "gone": File.Delete(script); break;
            case "touched": File.SetLastWriteTimeUtc(script, time.AddSeconds(1)); break;
            case "without its record": File.Delete(Path.Combine(script, "../../record")); break;
            case "replaced, by one of the same time":
                TestFile.Copy(script, script + ".new");
                TestFile.Write(script + ".new", Saying("bad"));
                File.SetLastWriteTimeUtc(script + ".new", time);
                File.Move(script + ".new", script, overwrite: true);
                break;
            default:
                TestFile.Write(script, Saying("bad"));
                File.SetLastWriteTimeUtc(script, time);
                break;
        }

        if (File.Exists(script))
        {
            File.SetUnixFileMode(script, mode);
        }

        await NoLonger(() => world.Run("x"), "ran\n");
        Assert.Equal(requests, world.Server.Count("/x"));
        await Is(() => world.Run("x"), "ran\n");
        Assert.Equal(requests, world.Server.Count("/x"));
    }

    [Fact]
    public async Task A_link_in_the_place_of_the_copy_is_refused_though_the_same_bytes_are_behind_it()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");
        var script = world.CachedScript("x");
        File.Move(script, world.Work + "/moved");
        File.CreateSymbolicLink(script, world.Work + "/moved");
        await world.Run("x").Fails(ExitStatus.Refused, script);
    }

    [Theory]
    [InlineData("x")]
    [InlineData(null)]
    public async Task What_was_cleaned_away_is_fetched_again(string? script)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");
        await world.Run(["--clean", "--yes", .. script is null ? (string[])[] : [script]]).Succeeds("");
        world.Server["/x"] = Saying("new");
        await NoLonger(() => world.Run("x"), "new\n");
    }

    [Fact]
    public async Task An_update_is_what_the_next_run_runs()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");
        world.Server["/x"] = Saying("new");
        await world.Run("-u", "x").Succeeds("new\n");
        await NoLonger(() => world.Run("x"), "new\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    [Theory]
    [InlineData("the root", "../../..")]
    [InlineData("the script's directory", "../..")]
    [InlineData("the version's directory", "..")]
    [InlineData("the script", "")]
    public async Task A_cache_that_others_can_write_is_refused_though_it_was_planned(string what, string where)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");
        var path = Path.GetFullPath(Path.Combine(world.CachedScript("x"), where));
        var usual = File.GetUnixFileMode(path);
        foreach (var loose in (UnixFileMode[])[UnixFileMode.OtherWrite, UnixFileMode.GroupWrite])
        {
            File.SetUnixFileMode(path, usual | loose);
            (await world.Run("x").Fails(ExitStatus.Refused, path)).Check(true, what);
        }

        File.SetUnixFileMode(path, usual);
        await Is(() => world.Run("x"), "ran\n");
    }

    [RootFact]
    public async Task Another_user_is_refused_what_was_planned_for_this_one()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");
        var other = await world.Run("x").As(65534).Result();
        other.Check(other is { Status: (int)ExitStatus.Refused, Stdout: "" }, "a refusal");

        world.GiveTo(65534);
        await Is(() => world.Run("x").As(65534), "ran\n");
        await IsNot(() => world.Run("x"));
        var root = await world.Run("x").Result();
        root.Check(root is { Status: (int)ExitStatus.Refused, Stdout: "" }, "a refusal");
    }

    [Theory]
    [InlineData(3601, "it is past its max-age")]
    [InlineData(-60, "the clock was set back")]
    public async Task A_copy_is_as_old_as_the_clock_says_now(int seconds, string why)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        server["/x"] = Saying("ran");
        box.Conf($"sources:\n  default:\n    url: {server.Url}/%s\n    max-age: 1h\n");
        await Is(() => box.Run("x"), "ran\n");
        server["/x"] = Saying("new");

        // Instead of the clock the plan is moved, and then the record that it was made of.
        var plan = Assert.Single(Directory.GetFiles(box.Cache + "/plans"));
        TestFile.Write(plan, Forgery.Earlier(File.ReadAllBytes(plan), 1800));
        await IsNow(box.Run("x"), "ran\n");
        TestFile.Write(plan, Forgery.Earlier(File.ReadAllBytes(plan), seconds - 1800));
        await IsNot(() => box.Run("x"));

        var record = Path.Combine(box.CachedScript("x"), "../../record");
        TestFile.Write(record, Checked().Replace(
            File.ReadAllText(record), m => "checked " + (long.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) - seconds)));
        await box.Run("x").Env("RUN_OFFLINE", "1").Succeeds("ran\n");
        Assert.Equal(1, server.Count("/x"));
        (await box.Run("x").Succeeds("new\n")).Check(server.Count("/x") == 2, "a request, since " + why);
    }

    [Fact]
    public async Task The_interpreter_of_a_planned_script_may_disappear()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var interpreter = world.Root + "/interpreter";
        File.CreateSymbolicLink(interpreter, "/bin/sh");
        world.Server["/y"] = $"#!{interpreter}\necho ran\n";
        await Is(() => world.Run("y"), "ran\n");
        File.Delete(interpreter);
        await world.Run("y").Fails(ExitStatus.NotFound, "y", interpreter);
        File.CreateSymbolicLink(interpreter, "/bin/cat");
        await world.Run("y").Succeeds($"#!{interpreter}\necho ran\n");
    }

    [Fact]
    public async Task The_interpreter_is_the_one_that_PATH_leads_to_now()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Server["/y"] = "#!/usr/bin/env teller\necho ran\n";
        var first = Directory.CreateDirectory(world.Root + "/first").FullName;
        File.CreateSymbolicLink(world.Bin + "/teller", "/bin/sh");
        Command Run() => world.Run("y").Env("PATH", $"{first}:{world.Variables["PATH"]}");

        await Is(Run, "ran\n");
        world.Put(first + "/teller", Saying("shadowed"));
        await Run().Succeeds("shadowed\n");
        await world.Run("y").Succeeds("ran\n");
        File.Delete(first + "/teller");
        await Is(Run, "ran\n");
        File.Delete(world.Bin + "/teller");
        await Run().Fails(ExitStatus.NotFound, "y", "teller");
        world.Put(world.Bin + "/teller", Saying("no"), executable: false);
        await Run().Fails(ExitStatus.CannotStart, "y", "teller");
    }

    [Fact]
    public async Task A_new_version_of_run_decides_anew()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");
        var other = Forgery.AnotherVersion(world.Root + "/other");
        Command Other() => world.Exec(other, "x");
        await NoLonger(Other, "ran\n");
        await Is(Other, "ran\n");
        await NoLonger(() => world.Run("x"), "ran\n");
        Assert.Equal(1, world.Server.Count("/x"));
    }

    [GeneratedRegex(@"\bchecked (\d+)")]
    private static partial Regex Checked();

    private static async Task<ScriptServer> Server(Sandbox box)
    {
        var server = await ScriptServer.Start();
        server["/x"] = Saying("ran");
        box.Sources(server);
        return server;
    }
}
