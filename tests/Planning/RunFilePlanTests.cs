using static Run.Tests.Planning.Planned;

namespace Run.Tests.Planning;

/// <summary>
/// Planned runs of files that start <c>run</c>, and of scripts in directories: whatever decides, of the file, its lines or what it stands
/// for, leads to a new decision when it changes.
/// </summary>
public sealed class RunFilePlanTests
{
    private const string Telling =
        "#!/bin/sh\necho \"$0|$*|$(cat /proc/$$/comm)|$(readlink /proc/$$/exe)|$(tr '\\0' ' ' </proc/$$/cmdline)\"\n";

    private static readonly string[] s_dash = ["/usr/bin/dash", "/bin/dash", "/bin/sh", "/usr/bin/bash", "/bin/bash"];

    [Theory]
    [InlineData("./self")]
    [InlineData("{work}/self")]
    [InlineData("team:self")]
    [InlineData("fetched")]
    [InlineData("./stub")]
    [InlineData("{work}/stub")]
    [InlineData("team:stub")]
    [InlineData("team:plain")]
    public async Task It_is_what_it_would_be_without_a_plan(string script)
    {
        const string Self = "#!/usr/bin/env -S run --lock\n" + Telling;
        await using var world = await World.Serving(("/tool", Telling), ("/fetched", Self));
        world.Sources(world.Server, $"team: {world.Work}/%s");
        world.Put("self", Self);
        world.Put("stub", "#!/usr/bin/env -S run -q\n\n# The tool.\n  tool\n");
        world.Put("plain", Telling);
        script = script.Replace("{work}", world.Work, StringComparison.Ordinal);
        await world.Run("tool").Result();

        // -u is never planned, and changes nothing else.
        var usual = (await world.Run("-u", script, "a b", "--lock", "").Result()).Stdout;
        Assert.Contains("|a b --lock |", usual, StringComparison.Ordinal);
        Assert.Contains(usual.Split('|')[3], s_dash);
        await Is(() => world.Run(script, "a b", "--lock", ""), usual);

        // What the options of the line say, they say again as the kernel has them typed.
        if (script[0] is '.' or '/')
        {
            string[] typed = script.EndsWith("self", StringComparison.Ordinal) ? ["--lock", script] : ["-q", script];
            await Is(() => world.Run([.. typed, "a b", "--lock", ""]), usual);
        }
    }

    [Theory]
    [InlineData("tool")]
    [InlineData("-q -- tool")]
    [InlineData("-q tool --lock")]
    public async Task If_the_line_names_a_script_the_file_is_its_argument_every_time(string words)
    {
        await using var world = await World.Serving(("/tool", "#!/bin/sh\necho \"$*\"\n"));
        world.Sources(world.Server, $"team: {world.Work}/%s");
        world.Put("file", $"#!/usr/bin/env -S run {words}\nother\n");
        var first = words.EndsWith("--lock", StringComparison.Ordinal) ? "--lock " : "";
        for (var time = 0; time < 3; time++)
        {
            await world.Exec("./file", "a b").Succeeds($"{first}./file a b\n");
            await world.Run("./file", "a b").Succeeds($"{first}./file a b\n");
            await world.Run("team:file", "a b").Succeeds($"{first}{world.Work}/file a b\n");
        }
    }

    [Fact]
    public async Task A_script_that_locks_itself_is_locked_when_it_is_planned()
    {
        await using var world = await World.Serving(("/x", Saying("x")));
        world.Put("self", "#!/usr/bin/env -S run --lock\n#!/bin/sh\necho ran\nread line || :\n");
        world.Put("silent", "#!/usr/bin/env -S run -q --lock -E 0\n#!/bin/sh\necho ran\nread line || :\n");
        await world.Run("x").Succeeds("x\n");
        foreach (var name in (string[])["./self", "./silent"])
        {
            await Is(() => world.Run(name), "ran\n");
            await using var holder = world.Run(name).InputStaysOpen().Start();
            await holder.Output("ran");
            if (name == "./self")
            {
                await world.Run(name).Fails(ExitStatus.AlreadyRunning, "./self is already running", $"(pid {holder.Pid})");
            }
            else
            {
                await IsSilent(world.Run(name));
            }
        }

        static async Task IsSilent(Command run) => await run.Through(WithoutTheRuntime.Split(' ')).Succeeds("");
    }

    [Theory]
    [InlineData("#!/usr/bin/env run\n#!/bin/sh\necho changed\n", "changed\n")]
    [InlineData("#!/usr/bin/env run\n#!/bin/echo changed\n", "changed ./self\n")]
    [InlineData("#!/usr/bin/env run\n#!/usr/bin/env echo\n", "./self\n")]
    [InlineData("#!/usr/bin/env -S run -q\n#!/bin/sh\necho quiet\n", "quiet\n")]
    [InlineData("#!/usr/bin/env run\ntool\n", "tool\n")]
    [InlineData("#!/bin/sh\necho no longer\n", "no longer\n")]
    public async Task Another_line_counts_at_once(string text, string stdout)
    {
        await using var world = await World.Serving(("/tool", Saying("tool")));
        await world.Run("tool").Succeeds("tool\n");
        world.Put("self", "#!/usr/bin/env run\n#!/bin/sh\necho first\n");
        await Is(() => world.Run("./self"), "first\n");
        world.Put("self", text);
        await NoLonger(() => world.Run("./self"), stdout);
        await Is(() => world.Run("./self"), stdout);
    }

    [Fact]
    public async Task What_a_file_stands_for_is_asked_again_when_anything_has_changed()
    {
        await using var world = await World.Serving(("/one", Saying("one")), ("/two", Saying("two")));
        world.Put("stub", "#!/usr/bin/env run\none\n");
        world.Put("linked", "#!/usr/bin/env run\ntwo\n");
        await world.Run("two").Succeeds("two\n");
        await Is(() => world.Run("./stub"), "one\n");

        // The file, also by another name for it and by the same bytes anew.
        world.Put("stub", "#!/usr/bin/env run\ntwo\n");
        await NoLonger(() => world.Run("./stub"), "two\n");
        await Is(() => world.Run("./stub"), "two\n");
        File.Move(world.Work + "/stub", world.Work + "/kept");
        File.CreateSymbolicLink(world.Work + "/stub", "kept");
        await NoLonger(() => world.Run("./stub"), "two\n");
        await Is(() => world.Run("./stub"), "two\n");
        File.Delete(world.Work + "/stub");
        File.CreateSymbolicLink(world.Work + "/stub", "linked");
        await NoLonger(() => world.Run("./stub"), "two\n");

        // Its options.
        world.Put("stub", "#!/usr/bin/env -S run --pinned\none\n");
        await world.Run("./stub").Fails(ExitStatus.Refused, "one: not pinned");

        // run.conf, and the copy.
        world.Put("stub", "#!/usr/bin/env run\nat:one\n");
        world.Sources(world.Server, $"at: {world.Server.Url}/%s");
        await Is(() => world.Run("./stub"), "one\n");
        world.Server["/other/one"] = Saying("other");
        world.Sources(world.Server, $"at: {world.Server.Url}/other/%s");
        await NoLonger(() => world.Run("./stub"), "other\n");
        await Is(() => world.Run("./stub"), "other\n");
        await world.Run("--clean", "--yes", "at:one").Result();
        await NoLonger(() => world.Run("./stub"), "other\n");
        File.Delete(world.Work + "/stub");
        await world.Run("./stub").Fails(ExitStatus.NotFound, "./stub");
    }

    /// <summary>An absolute path means the same everywhere, but run.pins is searched from where run was called.</summary>
    [Fact]
    public async Task A_file_in_PATH_that_stands_for_a_script_heeds_the_pins_of_each_directory()
    {
        await using var world = await World.Serving(("/tool", Saying("tool")));
        var stub = world.Put("stub", "#!/usr/bin/env run\ntool\n");
        Directory.CreateDirectory(world.Work + "/pinned");
        world.Put("pinned/run.pins", $"tool {world.Server.Url}/tool sha256:{new string('0', 64)}\n");
        await Is(() => world.Run(stub), "tool\n");
        await world.Run(stub).In(world.Work + "/pinned").Fails(ExitStatus.Data, "tool");
        Directory.CreateDirectory(world.Work + "/another");
        await Is(() => world.Run(stub).In(world.Work + "/another"), "tool\n");
        await IsNow(world.Run(stub), "tool\n");

        // The same file may become a script, which has one plan for all directories.
        world.Put("stub", "#!/usr/bin/env run\n#!/bin/sh\necho script\n");
        await NoLonger(() => world.Run(stub), "script\n");
        await Is(() => world.Run(stub), "script\n");
        await IsNow(world.Run(stub).In(world.Work + "/another"), "script\n");
        world.Put("stub", "#!/usr/bin/env run\ntool\n");
        await Is(() => world.Run(stub), "tool\n");
    }

    [Fact]
    public async Task A_file_that_leads_there_by_way_of_another_depends_on_both()
    {
        await using var world = await World.Serving(("/one", Saying("one")), ("/two", Saying("two")));
        world.Put("outer", "#!/usr/bin/env run\n./inner\n");
        world.Put("inner", "#!/usr/bin/env run\none\n");
        await Is(() => world.Run("./outer"), "one\n");
        world.Put("inner", "#!/usr/bin/env run\ntwo\n");
        await NoLonger(() => world.Run("./outer"), "two\n");
        await Is(() => world.Run("./outer"), "two\n");
    }

    [Fact]
    public async Task A_script_of_a_directory_is_the_file_that_is_there_now()
    {
        await using var world = await World.Serving(("/x", Saying("x")));
        await world.Run("x").Succeeds("x\n");
        world.Sources(world.Server, $"team: {world.Work}/a/%s.sh");
        var file = world.Put("a/tools/x.sh", Saying("a"));
        world.Put("b/tools/x.sh", Saying("b"));
        Command Run() => world.Run("team:tools/x");
        await Is(Run, "a\n");
        world.Put("a/tools/x.sh", Saying("edited"));
        await NoLonger(Run, "edited\n");
        await Is(Run, "edited\n");

        // The x bit is gone: the kernel does not start it any more.
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await NoLonger(Run, "edited\n");
        await NoLonger(Run, "edited\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await Is(Run, "edited\n");

        // Another directory on the way, by a link, and by run.conf.
        Directory.Move(world.Work + "/a", world.Work + "/c");
        Directory.CreateSymbolicLink(world.Work + "/a", "b");
        await NoLonger(Run, "b\n");
        await Is(Run, "b\n");
        world.Sources(world.Server, $"team: {world.Work}/c/%s.sh");
        await NoLonger(Run, "edited\n");
        await Is(Run, "edited\n");
        File.Delete(world.Work + "/c/tools/x.sh");
        await Run().Fails(ExitStatus.NotFound, "team:tools/x");
    }

    /// <summary>What no plan is written for, so that nothing is written that is never used.</summary>
    [Theory]
    [InlineData("./script-elsewhere")]
    [InlineData("./directory-elsewhere")]
    public async Task A_file_that_stands_for_a_local_one_is_not_planned(string name)
    {
        await using var world = await World.Serving(("/x", Saying("x")));
        world.Sources(world.Server, $"team: {world.Work}/%s");
        await Is(() => world.Run("x"), "x\n");
        world.Put("script-elsewhere", "#!/usr/bin/env run\n./local\n");
        world.Put("directory-elsewhere", "#!/usr/bin/env run\nteam:local\n");
        world.Put("local", Saying("local"));
        var before = Directory.GetFiles(world.Cache + "/plans").Length;
        for (var i = 0; i < 3; i++)
        {
            await world.Run(name).Succeeds("local\n");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.Equal(before, Directory.GetFiles(world.Cache + "/plans").Length);
    }

    /// <summary>An interpreter that is gone, or is no program any more, is the runtime's to report.</summary>
    [Fact]
    public async Task An_interpreter_that_cannot_be_started_is_said()
    {
        await using var world = await World.Serving(("/x", Saying("x")));
        await world.Run("x").Succeeds("x\n");
        var shell = world.Root + "/shell";
        TestFile.Copy("/bin/sh", shell);
        world.Put("self", $"#!/usr/bin/env run\n#!{shell}\necho ran\n");
        await Is(() => world.Run("./self"), "ran\n");
        File.SetUnixFileMode(shell, UnixFileMode.UserRead);
        await world.Run("./self").Fails(ExitStatus.CannotStart, shell);
        File.Delete(shell);
        await world.Run("./self").Fails(ExitStatus.NotFound, shell);
    }

    [Fact]
    public async Task More_arguments_than_a_plan_has_room_for_all_arrive()
    {
        await using var world = await World.Serving(("/x", Saying("x")));
        await world.Run("x").Succeeds("x\n");
        world.Put("self", "#!/usr/bin/env run\n#!/bin/sh -e\necho $#\n");
        await Is(() => world.Run("./self"), "0\n");
        foreach (var count in (int[])[999, 1000, 1001, 1002, 3000])
        {
            await world.Run(["./self", .. Enumerable.Repeat("a", count)]).Succeeds($"{count}\n");
        }
    }
}
