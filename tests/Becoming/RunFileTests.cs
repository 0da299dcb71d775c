using Run.Tests.Locking;
using Run.Tests.Planning;

namespace Run.Tests.Becoming;

/// <summary>Files whose first line starts <c>run</c>: scripts that lock themselves, and files that stand for a script.</summary>
public sealed class RunFileTests
{
    [Theory]
    [InlineData("#!/usr/bin/env run")]
    [InlineData("#!/usr/bin/env -S run")]
    [InlineData("#!/usr/bin/env -S run --quiet")]
    [InlineData("#!{bin}/run")]
    [InlineData("#!{bin}/run --quiet")]
    [InlineData("#!/usr/bin/nice run")]
    [InlineData("#!/usr/bin/env -S nice -n 1 run -q")]
    public async Task A_script_with_a_second_line_is_started_by_that_interpreter(string line)
    {
        using var box = new Sandbox();
        line = line.Replace("{bin}", box.Bin, StringComparison.Ordinal);
        var script = box.Put("x", $"{line}\n#!/bin/sh -e\necho \"$0 $*\"; false; echo not reached\n");
        await box.Exec("./x", "a b", "--quiet").Expect(1, "./x a b --quiet\n");
        await box.Run("./x", "a b", "--quiet").Expect(1, "./x a b --quiet\n");
        await box.Exec(script).Expect(1, $"{script} \n");
        Assert.Equal("/bin/sh -e ./x a", string.Join(' ', (await WouldRun.Of(box, "./x", "a")).Argv));
    }

    /// <summary>The kernel hands over the path as the caller wrote it, and that reads like a script of the source default.</summary>
    [Theory]
    [InlineData("run", "#!/bin/sh\necho \"here $*\"")]
    [InlineData("-S run --lock", "#!/bin/sh\necho \"here $*\"")]
    [InlineData("-S run -q --", "./tool")]
    [InlineData("-S nice run", "./tool")]
    public async Task Started_without_a_dot_it_is_no_script_of_that_name(string line, string rest)
    {
        await using var world = await World.Serving(("/bin/x", Saying("server")));
        world.Put("tool", "#!/bin/sh\necho \"here $*\"\n");
        await Planned.Is(() => world.Run("bin/x"), "server\n");
        var file = world.Put("bin/x", $"#!/usr/bin/env {line}\n{rest}\n");
        for (var i = 0; i < 3; i++)
        {
            await world.Exec("bin/x", "a").Succeeds("here a\n");
            await world.Sh("PATH=bin:$PATH; x a").Succeeds("here a\n");
            await world.Run("--no-such-option", "bin/x").Fails(ExitStatus.Usage);
            await world.Run("--offline", "bin/x").Succeeds("server\n");
            await world.Run("default:bin/x").Succeeds("server\n");
        }

        // An ordinary file is none that could have started run.
        world.Put("bin/x", Saying("ordinary"));
        await world.Run("bin/x").Succeeds("server\n");
        File.Delete(file);
        await Planned.Is(() => world.Run("bin/x"), "server\n");
    }

    [RootFact]
    public async Task Nor_that_of_another_user()
    {
        await using var world = await World.Serving(("/bin/x", Saying("server")));
        Libc.ChangeOwner(world.Put("bin/x", "#!/usr/bin/env run\n#!/bin/sh\necho theirs\n"), 1234);
        await world.Run("bin/x").Fails(ExitStatus.Usage, "bin/x", "uid 1234", "did you mean ./bin/x, or default:bin/x?");
        await world.Run("./bin/x").Succeeds("theirs\n");
        await world.Run("default:bin/x").Succeeds("server\n");
    }

    /// <summary>Someone has forgotten the second line, or put an option in the wrong place: nobody's script of that name is run.</summary>
    [Theory]
    [InlineData("echo third", "its second line must be")]
    [InlineData("print('py')", "its second line must be")]
    [InlineData("x;y", "its second line must be")]
    [InlineData("team:two words", "its second line must be")]
    [InlineData("~somebody/bin/x now", "its second line must be")]
    [InlineData("--lock ./tool", "options belong on its first line")]
    public async Task A_line_that_is_a_command_names_no_script(string line, string hint)
    {
        await using var world = await World.Serving(("/echo%20third", Saying("theirs")), ("/x%3By", Saying("theirs")));
        world.Put("tool", Saying("tool"));
        world.Put("x", $"#!/usr/bin/env run\n# A comment.\n{line}\n");
        string[][] commands = [["./x"], ["--fetch", "./x"], ["-n", "./x"]];
        foreach (var command in commands)
        {
            await world.Run(command).Fails(ExitStatus.CannotStart, $"./x: not the name of a script: {line}", hint);
        }

        Assert.Empty(world.Server.Requests);
        world.Put("two words", Saying("two words"));
        world.Put("x", "#!/usr/bin/env run\n./two words\n");
        await world.Exec("./x").Succeeds("two words\n");
    }

    [Fact]
    public async Task A_script_can_lock_itself()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/usr/bin/env -S run --lock\n#!/bin/sh\necho started; read -r _; echo ended\n");
        box.Put("quiet", "#!/usr/bin/env -S run -q --lock -E 0\n#!/bin/sh\necho started; read -r _; echo ended\n");
        foreach (var (name, status, message) in ((string, int, string)[])[("./x", 75, "run: ./x is already running"), ("./quiet", 0, "")])
        {
            await using var holder = await box.Holds(box.Exec(name));
            foreach (var other in (Command[])[box.Exec(name), box.Run(name)])
            {
                var refused = await other.Result();
                Assert.Equal((status, ""), (refused.Status, refused.Stdout));
                Assert.StartsWith(message, refused.Stderr, StringComparison.Ordinal);
            }

            // What is typed comes later, and so wins.
            Assert.Equal(3, (await box.Run("-E", "3", name).Result()).Status);
            await holder.Ends();
        }
    }

    [Fact]
    public async Task What_it_stands_for_is_fetched_logged_and_stopped()
    {
        await using var world = await World.Serving(("/long.sh", "#!/bin/sh\necho begun\nexec sleep 600\n"));
        world.Put("stub", "#!/usr/bin/env run\nlong.sh\n");
        await world.Run("--fetch", "./stub").Succeeds("");
        await world.Run("--detach", "--offline", "./stub").Result();
        await Eventually.True(
            () => Directory.GetFiles(world.StateHome + "/run/logs").Any(static log => File.ReadAllText(log) == "begun\n"), "the log");
        await world.Run("--logs", "./stub").Succeeds("begun\n");
        await world.Run("--stop", "./stub").Succeeds("");
        await world.Run("--ps").Succeeds("");
    }

    /// <summary>The rest of such a file is data: it may even look like the name of a script.</summary>
    [Theory]
    [InlineData("#!/usr/bin/env -S run long.sh")]
    [InlineData("#!/usr/bin/env -S run -q --lock -- long.sh -x")]
    [InlineData("#!{bin}/run long.sh")]
    public async Task What_the_line_names_is_fetched_logged_and_stopped(string line)
    {
        await using var world = await World.Serving(
            ("/long.sh", "#!/bin/sh\necho begun\nexec sleep 600\n"), ("/data", Saying("data")));
        world.Put("x", $"{line.Replace("{bin}", world.Bin, StringComparison.Ordinal)}\ndata\n");
        await world.Run("--fetch", "./x").Succeeds("");
        Assert.Equal((1, 0), (world.Server.Count("/long.sh"), world.Server.Count("/data")));
        await world.Run("--detach", "--offline", "./x").Result();
        await Eventually.True(
            () => Directory.GetFiles(world.StateHome + "/run/logs").Any(static log => File.ReadAllText(log) == "begun\n"), "the log");
        await world.Run("--logs", "./x").Succeeds("begun\n");
        await world.Run("--stop", "./x").Succeeds("");
        await world.Run("--ps").Succeeds("");
    }

    [Fact]
    public async Task What_is_fetched_for_a_file_has_the_digest_that_was_asked_for()
    {
        await using var world = await World.Serving(("/tool", Saying("tool")));
        var (right, wrong) = (DigestOf(Saying("tool")), new string('0', 64));
        world.Put("stub", "#!/usr/bin/env run\ntool\n");
        world.Put("line", "#!/usr/bin/env -S run tool\ndata\n");
        world.Put("wrong", $"#!/usr/bin/env -S run --sha256 {wrong} tool\ndata\n");
        foreach (var name in (string[])[$"./stub#sha256={wrong}", $"./line#sha256={wrong}", "./wrong"])
        {
            await world.Run("--fetch", name).Fails(ExitStatus.Data, "tool: the digest does not match");
        }

        await world.Run("--fetch", $"./stub#sha256={right}", $"./line#sha256={right}").Succeeds("");
    }

    [Fact]
    public async Task A_file_stands_for_the_script_that_it_names()
    {
        await using var world = await World.Serving(("/tool", "#!/bin/sh\necho \"${0##*/} $*\"\n"));
        var digest = DigestOf("#!/bin/sh\necho \"${0##*/} $*\"\n");
        world.Put("lint", $"#!/usr/bin/env run\n\n# The tool, exactly.\n  default:tool#sha256={digest}\n");
        await world.Exec("./lint", "a b", "-x").Succeeds("tool a b -x\n");
        await world.Run("./lint", "a b", "-x").Succeeds("tool a b -x\n");
        await world.Run("--offline", "./lint").Succeeds("tool \n");
        Assert.Equal(1, world.Server.Count("/tool"));

        world.Put("wrong", $"#!/usr/bin/env run\ndefault:tool#sha256={new string('0', 64)}\n");
        await world.Run("./wrong").Fails(ExitStatus.Data, "default:tool");
        world.Put("pinned", "#!/usr/bin/env -S run --pinned\ntool\n");
        await world.Exec("./pinned").Fails(ExitStatus.Refused, "tool: not pinned");
        await world.Run("--view", "./pinned").Succeeds("#!/usr/bin/env -S run --pinned\ntool\n");
    }

    /// <summary>As any interpreter gets the file. What is typed does not show that, so there is no plan.</summary>
    [Theory]
    [InlineData("#!/usr/bin/env -S run tool", "")]
    [InlineData("#!/usr/bin/env -S run -q -- tool", "")]
    [InlineData("#!/usr/bin/env -S A=b run default:tool -x", "-x ")]
    [InlineData("#!{bin}/run tool", "")]
    public async Task The_line_may_name_a_script_whose_first_argument_is_the_file(string line, string before)
    {
        await using var world = await World.Serving(("/tool", "#!/bin/sh\necho \"${0##*/}$A $*\"\n"));
        world.Put("x", $"{line.Replace("{bin}", world.Bin, StringComparison.Ordinal)}\ndata\n");
        var name = line.Contains("A=b", StringComparison.Ordinal) ? "toolb" : "tool";
        await world.Exec("./x", "a b").Succeeds($"{name} {before}./x a b\n");
        await world.Run("./x", "a b").Succeeds($"{name} {before}./x a b\n");
        await Planned.IsNot(() => world.Run("./x"));
        Assert.Equal(1, world.Server.Count("/tool"));
    }

    [Theory]
    [InlineData("./x")]
    [InlineData("team:x")]
    public async Task A_digest_is_that_of_the_script_which_the_line_names(string name)
    {
        const string Tool = "#!/bin/sh\necho \"$*\"\n";
        await using var world = await World.Serving(("/tool", Tool));
        world.Sources(world.Server, $"team: {world.Work}/%s");
        world.Put("x", "#!/usr/bin/env -S run tool\ndata\n");
        var path = name == "./x" ? name : $"{world.Work}/x";
        var wrong = new string('0', 64);
        await world.Run($"{name}#sha256={wrong}", "a").Fails(ExitStatus.Data, "tool: the digest does not match");
        await world.Run($"{name}#sha256={DigestOf(Tool)}", "a").Succeeds($"{path} a\n");
        await world.Run($"{name}#sha256={wrong}", "a").Fails(ExitStatus.Data, "tool: the digest does not match");
        await world.Run(name, "a").Succeeds($"{path} a\n");
        await world.Run("--sha256", DigestOf(Tool), $"{name}#sha256={wrong}").Fails(ExitStatus.Usage, "two different digests");
    }

    [Theory]
    [InlineData("#!/usr/bin/env run\n", "does not say what to run")]
    [InlineData("#!/usr/bin/env run\n# a comment\n\n", "does not say what to run")]
    [InlineData("#!/usr/bin/env run\n#!\n./y\n", "does not say what to run")]
    [InlineData("#!/usr/bin/env -S run --lock", "does not say what to run")]
    [InlineData("#!/usr/bin/env run\n#!/usr/bin/env run\n", "does not say what to run")]
    [InlineData("#!/usr/bin/env run\n#!/usr/bin/env -S -u HOME A=b run -q\ntool\n", "does not say what to run")]
    [InlineData("#!/usr/bin/env -S -u A B=c run\n", "does not say what to run")]
    [InlineData("#!/usr/bin/nice run\n", "does not say what to run")]
    [InlineData("#!/usr/bin/env -S nice -n 5 run --lock\n", "does not say what to run")]
    [InlineData("#!/usr/bin/env run\n#!{work}/circle\n", "does not say what to run")]
    [InlineData("#!/usr/bin/env run\n./x\n", "stands for itself")]
    [InlineData("#!/usr/bin/env -S run ./x\n", "stands for itself")]
    [InlineData("#!/usr/bin/env run\n./y\n", "stands for itself")]
    public async Task It_never_loops(string text, string message)
    {
        using var box = new Sandbox();
        box.Put("x", text.Replace("{work}", box.Work, StringComparison.Ordinal));
        box.Put("circle", $"#!/usr/bin/env run\n#!{box.Work}/x\n");
        box.Put("y", "#!/usr/bin/env run\n./x\n");
        await box.Run("./x").Within(TimeSpan.FromSeconds(30)).Fails(ExitStatus.CannotStart, "./x", message);
        await box.Exec("./x").Within(TimeSpan.FromSeconds(30)).Fails(ExitStatus.CannotStart, "./x", message);
    }

    [Fact]
    public async Task Nor_does_one_that_was_fetched_or_is_in_a_directory_of_scripts()
    {
        await using var world = await World.Serving(
            ("/x", "#!/usr/bin/env run\n"), ("/y", "#!/usr/bin/env -S run --lock\n#!/bin/sh\necho ran\n"));
        await world.Run("x").Fails(ExitStatus.CannotStart, "x: starts run");
        await world.Run("y").Succeeds("ran\n");
        world.Put("z", "#!/usr/bin/env run\n#!/bin/sh\necho ran\n");
        world.Sources(world.Server, $"team: {world.Work}/%s");
        await world.Run("team:z").Succeeds("ran\n");
    }

    /// <summary>Only a local file's line counts: what a server sends neither chooses options nor another script.</summary>
    [Fact]
    public async Task One_that_was_fetched_has_no_options_and_stands_for_nothing()
    {
        await using var world = await World.Serving(
            ("/self", "#!/usr/bin/env -S run --lock=x --no-such-option\n#!/bin/sh\necho ran\n"),
            ("/stub", "#!/usr/bin/env run\ndefault:tool\n"), ("/tool", Saying("tool")));
        await world.Run("self").Succeeds("ran\n");
        await world.Run("stub").Fails(ExitStatus.CannotStart, "stub: stands for default:tool", "only a local file", "run default:tool");
        Assert.Equal(0, world.Server.Count("/tool"));
        world.Put("local", "#!/usr/bin/env run\ntool\n");
        await world.Run($"./local#sha256={DigestOf("#!/usr/bin/env run\ntool\n")}").Fails(ExitStatus.Data, "tool");
    }

    [Fact]
    public async Task One_of_a_directory_counts_as_the_local_file_that_it_is()
    {
        await using var world = await World.Serving(("/tool", Saying("tool")));
        world.Sources(world.Server, $"team: {world.Work}/%s");
        world.Put("self", "#!/usr/bin/env -S run --lock -E 9\n#!/bin/sh\necho started; read -r _; echo ended\n");
        world.Put("stub", "#!/usr/bin/env run\ntool\n");
        world.Put("pinned", "#!/usr/bin/env -S run --pinned\ntool\n");
        world.Put("wrong", "#!/usr/bin/env -S run --lokc\n#!/bin/sh\n");
        world.Put("round", "#!/usr/bin/env run\nteam:round\n");
        await using (var holder = await world.Holds(world.Run("team:self")))
        {
            Assert.Equal(9, (await world.Run("team:self").Result()).Status);
            Assert.Equal(9, (await world.Exec("./self").Result()).Status);
            await holder.Ends();
        }

        await world.Run("team:stub").Succeeds("tool\n");
        await world.Run("team:pinned").Fails(ExitStatus.Refused, "tool: not pinned");
        await world.Run("team:wrong").Fails(ExitStatus.Usage, "--lokc");
        await world.Run("team:round").Within(TimeSpan.FromSeconds(30)).Fails(ExitStatus.CannotStart, "team:round: stands for itself");
        Assert.EndsWith("/tool", (await WouldRun.Of(world, "team:stub")).Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_under_another_name()
    {
        using var box = new Sandbox();
        File.CreateSymbolicLink(box.Bin + "/other", Suite.Binary);
        box.Put("x", $"#!{box.Bin}/other\n");
        await box.Exec("./x").Within(TimeSpan.FromSeconds(30)).Fails(ExitStatus.CannotStart, "./x: starts run");
    }

    [Fact]
    public async Task A_wrong_option_on_the_line_is_a_wrong_option()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/usr/bin/env -S run --lokc\n#!/bin/sh\n");
        await box.Run("./x").Fails(ExitStatus.Usage, "--lokc", "did you mean --lock?");
        await box.Exec("./x").Fails(ExitStatus.Usage, "--lokc");
    }

    [Fact]
    public async Task A_line_of_which_only_the_beginning_is_read_names_no_script()
    {
        const int Read = 64 * 1024;
        using var box = new Sandbox();
        box.Put("tool", Saying("another one"));
        box.Put("tool-2", Saying("tool-2"));
        var start = "#!/usr/bin/env run\n#";
        var comment = new string('x', Read - start.Length - "\n./tool".Length);
        box.Put("cut", $"{start}{comment}\n./tool-2\n");
        box.Put("whole", $"{start}{comment[3..]}\n./tool-2\n");
        await box.Run("./cut").Fails(ExitStatus.CannotStart, "./cut: starts run, but does not say what to run");
        await box.Run("./whole").Succeeds("tool-2\n");
    }

    [Theory]
    [InlineData("--help", "Usage: run")]
    [InlineData("--version", "run 0.")]
    public async Task An_option_on_the_line_that_runs_nothing_counts_as_typed(string option, string stdout)
    {
        using var box = new Sandbox();
        box.Put("x", $"#!/usr/bin/env -S run {option}\n#!/bin/sh\necho ran\n");
        foreach (var command in (Command[])[box.Exec("./x"), box.Run("./x")])
        {
            var result = await command.Result();
            Assert.Equal((0, ""), (result.Status, result.Stderr));
            Assert.StartsWith(stdout, result.Stdout, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("--")]
    [InlineData("--lock --")]
    [InlineData("-q --lock=x --")]
    public async Task The_end_of_the_options_may_be_on_the_line(string options)
    {
        using var box = new Sandbox();
        box.Put("x", $"#!/usr/bin/env -S run {options}\n#!/bin/sh\necho \"$*\"\n");
        await box.Exec("./x", "a", "--").Succeeds("a --\n");
        await box.Run("./x", "a", "--").Succeeds("a --\n");
    }
}
