using System.Globalization;
using Run.Tests.Locking;

namespace Run.Tests.Becoming;

/// <summary>
/// Lines that lead to <c>run</c> by way of env(1) and others: <c>run FILE</c> does what the kernel's own start of FILE does.
/// </summary>
public sealed class EnvLineTests
{
    private const string Telling = "#!/bin/sh\necho \"$GREETING|${LANG-unset}|$(nice)|$*\"\n";

    [Theory]
    [InlineData("#!/usr/bin/env -S GREETING=hi run --lock", "hi|C|0")]
    [InlineData("#!/usr/bin/env -S GREETING=hi run", "hi|C|0")]
    [InlineData("#!/usr/bin/env -S -u LANG run", "|unset|0")]
    [InlineData("#!/usr/bin/env -S -i PATH=${PATH} HOME=${HOME} run -q", "|unset|0")]
    [InlineData("#!/usr/bin/env -S GREETING=${GREETING}x run -q", "x|C|0")]
    [InlineData("#!/usr/bin/env -S nice -n 7 run --lock", "|C|7")]
    [InlineData("#!/usr/bin/env -S nice -n 7 run -q --", "|C|7")]
    [InlineData("#!/usr/bin/env -S GREETING=hi nice env LANG=de nice -n 3 run --lock", "hi|de|13")]
    [InlineData("#!/usr/bin/env -S run\\_--lock", "|C|0")]
    [InlineData("#!/usr/bin/env -S run\\c --no-such", "|C|0")]
    [InlineData("#!/usr/bin/env -S ${RUN} --lock", "|C|0")]
    [InlineData("#!/usr/bin/env -S run --lock # one at a time", "|C|0")]
    [InlineData("#!/usr/bin/env --split-string=run --lock", "|C|0")]
    [InlineData("#!/usr/bin/env rr", "|C|0")]
    [InlineData("#!/usr/bin/env -S rr --lock", "|C|0")]
    public async Task It_is_the_same_from_either_side(string line, string said)
    {
        using var box = new Sandbox();
        File.CreateSymbolicLink(box.Bin + "/rr", "run");
        box.Put("x", $"{line}\n{Telling}");
        var usual = int.Parse((await box.Sh("nice").Result()).Stdout, CultureInfo.InvariantCulture);
        var bar = said.LastIndexOf('|') + 1;
        said = $"{said[..bar]}{int.Parse(said[bar..], CultureInfo.InvariantCulture) + usual}";
        foreach (var command in (Command[])
            [
                box.Exec("./x", "a b", "-q"), box.Run("./x", "a b", "-q"), box.Run("-E", "3", "./x", "a b", "-q"),
                box.Run("./x", "a b", "-q"), box.Run("--wait", "--", "./x", "a b", "-q"), box.Exec("./x", "a b", "-q"),
            ])
        {
            await command.Env("LANG", "C").Env("GREETING", null).Env("RUN", "run").Within(TimeSpan.FromSeconds(30))
                .Succeeds($"{said}|a b -q\n");
        }
    }

    [Fact]
    public async Task Options_that_are_typed_count_too()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/usr/bin/env -S nice -n 7 run -q\n#!/bin/sh\n[ $(nice) -ge 7 ] && echo started; read -r _; echo ended\n");
        await using var holder = await box.Holds(box.Run("--lock", "./x"));
        Assert.Equal(9, (await box.Run("--lock", "-E", "9", "./x").Result()).Status);
        await holder.Ends();
    }

    [Fact]
    public async Task A_time_limit_of_the_line_holds()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/usr/bin/env -S timeout 0.1 run --lock\n#!/bin/sh\nexec sleep 60\n");
        foreach (var command in (Command[])[box.Exec("./x"), box.Run("./x"), box.Run("-q", "./x")])
        {
            Assert.Equal(124, (await command.Within(TimeSpan.FromSeconds(20)).Result()).Status);
        }
    }

    [Fact]
    public async Task A_variable_in_the_name_of_a_lock_is_the_same_lock()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/usr/bin/env -S run --lock=job-${WHO}\n#!/bin/sh\necho started; read -r _; echo ended\n");
        await using var holder = await box.Holds(box.Exec("./x").Env("WHO", "bob"));
        await box.Run("./x").Env("WHO", "bob").Fails(ExitStatus.AlreadyRunning, "job-bob");
        await box.Run("./x").Env("WHO", "ann").Input("\n").Succeeds("started\nended\n");
        await holder.Ends();
    }

    [Theory]
    [InlineData("nice uv run --script")]
    [InlineData("timeout 5 npm run x")]
    [InlineData("nice -n 1 docker run")]
    public async Task Another_program_with_the_word_run_is_that_program(string words)
    {
        await using var world = await World.Serving(("/x", $"#!/usr/bin/env -S {words}\n"));
        foreach (var name in (string[])["uv", "npm", "docker"])
        {
            var path = world.Put(name, "#!/bin/sh\necho \"${0##*/} $1\"\n");
            File.Move(path, $"{world.Bin}/{name}");
        }

        world.Put("x", $"#!/usr/bin/env -S {words}\n");
        var said = words[words.IndexOf("run", StringComparison.Ordinal)..].Split(' ')[0];
        foreach (var script in (string[])["./x", "x"])
        {
            var result = await world.Run(script).Result();
            Assert.Equal((0, ""), (result.Status, result.Stderr));
            Assert.EndsWith($" {said}\n", result.Stdout, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("#!/usr/bin/env -vS run")]
    [InlineData("#!/usr/bin/env --split-string=run --lock")]
    [InlineData("#!/usr/bin/env rr")]
    [InlineData("#!/usr/bin/env -S ${RUN} --lock")]
    public async Task One_that_was_fetched_does_not_go_in_a_circle(string line)
    {
        await using var world = await World.Serving(("/x", $"{line}\n"), ("/y", $"{line}\n#!/bin/sh\necho ran\n"));
        File.CreateSymbolicLink(world.Bin + "/rr", "run");
        Command Run(string script) => world.Run(script).Env("RUN", "run").Within(TimeSpan.FromSeconds(30));
        await Run("x").Fails(ExitStatus.CannotStart, "x: starts run");
        await Run("y").Succeeds("ran\n");
    }

    [Theory]
    [InlineData("#!/usr/bin/env -S timeout 5 run ./x")]
    [InlineData("#!/usr/bin/env -S A=${A}x run ./x")]
    [InlineData("#!/usr/bin/env -S A=b nice run ./x -q")]
    public async Task What_stands_before_run_makes_no_circle(string line)
    {
        using var box = new Sandbox();
        box.Put("x", $"{line}\n");
        foreach (var command in (Command[])[box.Exec("./x"), box.Run("./x")])
        {
            await command.Within(TimeSpan.FromSeconds(30)).Fails(ExitStatus.CannotStart, "./x: stands for itself");
        }
    }

    [Fact]
    public async Task The_interpreter_of_the_line_is_that_of_the_script_it_stands_for()
    {
        using var box = new Sandbox();
        box.Put("x.txt", "print\n", executable: false);
        box.Put("stub", "#!/usr/bin/env -S run -i \"echo -n\"\n./x.txt\n");
        await box.Exec("./stub", "a").Succeeds("./x.txt a");
        await box.Run("./stub", "a").Succeeds("./x.txt a");
        box.Put("alone", "#!/usr/bin/env -S run -i cat\n# Nothing else.\n");
        await box.Exec("./alone").Succeeds("#!/usr/bin/env -S run -i cat\n# Nothing else.\n");
        await box.Run("./alone").Succeeds("#!/usr/bin/env -S run -i cat\n# Nothing else.\n");
    }

    [Fact]
    public async Task A_digest_is_that_of_what_is_executed_however_it_is_given()
    {
        await using var world = await World.Serving(("/tool", Saying("tool")));
        const string Self = "#!/usr/bin/env -S run -q --lock -E 9\n#!/bin/sh\necho started; read -r _; echo ended\n";
        world.Put("stub", "#!/usr/bin/env run\ntool\n");
        world.Put("self", Self);
        var (right, wrong) = (DigestOf(Saying("tool")), new string('0', 64));
        foreach (var words in (string[][])[["--sha256", right, "./stub"], [$"./stub#sha256={right}"]])
        {
            await world.Run(words).Succeeds("tool\n");
        }

        foreach (var words in (string[][])[["--sha256", wrong, "./stub"], [$"./stub#sha256={wrong}"]])
        {
            await world.Run(words).Fails(ExitStatus.Data, "tool", "digest");
        }

        await world.Run("--sha256", right, $"./stub#sha256={wrong}").Fails(ExitStatus.Usage, "two different digests");
        foreach (var words in (string[][])[["--sha256", DigestOf(Self), "./self"], [$"./self#sha256={DigestOf(Self)}"]])
        {
            await using var holder = await world.Holds(world.Run(words));
            Assert.Equal(9, (await world.Run(words).Result()).Status);
            await holder.Ends();
        }
    }

    [Theory]
    [InlineData("#!/usr/bin/env -S again", "exec run --lock \"$@\"")]
    [InlineData("#!/usr/bin/env -S again", "exec run --lock=\"n\" \"$@\"")]
    [InlineData("#!/usr/bin/env -S again", "export A=${A}x; exec run \"$@\"")]
    [InlineData("#!/bin/again", "exec run \"$@\"")]
    public async Task A_circle_that_no_line_shows_ends(string line, string text)
    {
        using var box = new Sandbox();
        var again = box.Put("again", $"#!/bin/sh\n{text}\n");
        box.Put("x", $"{line.Replace("/bin/again", again, StringComparison.Ordinal)}\n#!/bin/sh\necho ran\n");
        foreach (var command in (Command[])[box.Exec("./x", "a"), box.Run("./x", "a")])
        {
            await command.Env("PATH", $"{box.Work}:{box.Variables["PATH"]}").Within(TimeSpan.FromSeconds(30))
                .Fails(ExitStatus.CannotStart, "./x: starts run again and again");
        }
    }

    [RootFact]
    public async Task Nor_does_a_file_that_cannot_be_read_go_in_a_circle()
    {
        const int User = 1500;
        using var box = new Sandbox();
        foreach (var line in (string[])["#!/usr/bin/env run", "#!/usr/bin/env -S run --lock", "#!/usr/bin/env -S run --lock=x"])
        {
            File.SetUnixFileMode(
                box.Put("x", $"{line}\nhello\n"), UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            box.GiveTo(User);
            foreach (var command in (Command[])[box.Exec("./x"), box.Run("./x")])
            {
                await command.As(User).Within(TimeSpan.FromSeconds(20))
                    .Fails(ExitStatus.CannotStart, "./x: starts run again and again", "cannot be read");
            }
        }
    }

    /// <summary>With other arguments, or after a while, it is no circle.</summary>
    [Theory]
    [InlineData("[ \"$1\" = 100 ] || exec run ./x $(($1 + 1))")]
    [InlineData("[ \"$2\" = done ] || [ \"${N:=0}\" = 20 ] || N=$((N + 1)) exec run ./x 0")]
    public async Task A_script_may_start_itself_again(string again)
    {
        using var box = new Sandbox();
        box.Put("x", $"#!/bin/sh\nexport N\n{again}\necho ran\n");
        await box.Run("./x", "0").Succeeds("ran\n");
        await box.Run("--lock", "./x", "0").Succeeds("ran\n");
    }
}
