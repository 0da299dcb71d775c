namespace Run.Tests.Pinning;

/// <summary><c>trust: ask</c>: what is asked, of whom, and what an answer is worth.</summary>
public sealed class TrustTests
{
    private const string Question = "run it? [y/N] ";

    [Fact]
    public async Task What_is_new_is_shown_and_asked_about_and_a_yes_remembered()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await using var child = world.Run("asks:x").OnTerminal().Start();
        await child.Output(Question);
        await child.Type("y\n");
        var shown = (await child.Exit()).Stdout;
        string[] facts = ["asks:x", world.Server.Url + "/plain/x", "19 B", DigestOf(Saying("one")), Question + "y\r\none\r\n"];
        foreach (var fact in facts)
        {
            Assert.Contains(fact, shown, StringComparison.Ordinal);
        }

        await world.Run("asks:x").Succeeds("one\n");
        await world.Run("-u", "asks:x").Succeeds("one\n");
        await world.Run("--clean", "--yes").Succeeds("");
        await world.Run("asks:x").Succeeds("one\n");
        var accepted = Directory.GetFiles(world.StateHome + "/run/accepted");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Assert.Single(accepted)));
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("n\n")]
    [InlineData("yes\n")]
    [InlineData("Y\n")]
    [InlineData(" y\n")]
    [InlineData("\u0004")]
    public async Task Everything_but_y_refuses(string answer)
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("ran")));
        await using var child = world.Run("asks:x").OnTerminal().Start();
        await child.Output(Question);
        await child.Type(answer);
        var result = await child.Exit();
        Assert.Equal((int)ExitStatus.Refused, result.Status);
        Assert.DoesNotContain("\nran", result.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x");
        await world.Run("asks:x").Fails(ExitStatus.Refused, "asks:x");
    }

    [Fact]
    public async Task The_answer_comes_from_the_terminal_and_never_from_standard_input()
    {
        await using var world = await Forge.Serving(("/plain/x", "#!/bin/sh\ncat\n"));
        await using var child = world.Sh("echo y | run asks:x > out 2> errors; cat out").OnTerminal().Start();
        await child.Output(Question);
        await child.Type("y\n");
        // The first y was typed; the second came through standard input to the script, for whom it was left.
        Assert.EndsWith(Question + "y\r\ny\r\n", (await child.Exit()).Stdout, StringComparison.Ordinal);
        Assert.Empty(File.ReadAllText(world.Work + "/errors"));
    }

    [Fact]
    public async Task Without_a_terminal_it_is_refused_and_the_ways_out_are_named()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("ran")));
        await world.Run("asks:x").Input("y\n").Fails(ExitStatus.Refused, "asks:x", DigestOf(Saying("ran")), "run --pin asks:x", "--sha256");
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x");
        await world.Run("--sha256", DigestOf(Saying("ran")), "asks:x").Succeeds("ran\n");
        await world.Run("asks:x").Fails(ExitStatus.Refused, "asks:x");
        await world.Run("-q", "--pin", "asks:x").Succeeds("");
        await world.Run("asks:x").Succeeds("ran\n");
    }

    [Fact]
    public async Task A_change_is_shown_through_the_pager_and_a_no_keeps_the_copy()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await Accept(world);
        world.Server["/plain/x"] = Saying("two");
        world.Put("pager", "#!/bin/sh\ncat > seen; echo paged\n");

        await using (var no = world.Run("-u", "asks:x").Env("PAGER", "./pager").OnTerminal().Start())
        {
            await no.Output("paged");
            await no.Output(Question);
            await no.Type("\n");
            var refused = await no.Exit();
            Assert.Equal((int)ExitStatus.Refused, refused.Status);
            Assert.Contains("run --diff asks:x shows it", refused.Stdout, StringComparison.Ordinal);
        }

        var seen = File.ReadAllText(world.Work + "/seen");
        Assert.Contains("\n #!/bin/sh\n-echo one\n+echo two\n", seen, StringComparison.Ordinal);
        Assert.StartsWith($"--- {world.Server.Url}/plain/x\t", seen, StringComparison.Ordinal);
        await world.Run("asks:x").Succeeds("one\n");
        await world.Run("-u", "asks:x").Fails(ExitStatus.Refused, "asks:x", DigestOf(Saying("two")));
        await world.Run("asks:x").Succeeds("one\n");

        await using var yes = world.Run("-u", "asks:x").Env("PAGER", "./pager").OnTerminal().Start();
        await yes.Output(Question);
        await yes.Type("y\n");
        Assert.EndsWith("two\r\n", (await yes.Exit()).Stdout, StringComparison.Ordinal);
        await world.Run("asks:x").Succeeds("two\n");
    }

    [Fact]
    public async Task A_new_script_is_shown_before_the_question_a_long_one_through_the_pager()
    {
        var text = Saying("ran \u202e") + string.Concat(Enumerable.Range(1, 30).Select(static n => $"# line {n}\n"));
        await using var world = await Forge.Serving(("/plain/x", text));
        world.Put("pager", "#!/bin/sh\ncat > seen; echo paged\n");
        const string Beginning = "     | # line 18\r\n     … run --view asks:x";
        foreach (var (pager, shown) in ((string, string)[])[("./pager", "paged"), ("no-such-pager", Beginning)])
        {
            await using var child = world.Run("asks:x").Env("PAGER", pager).OnTerminal().Start();
            await child.Output(shown);
            await child.Output(Question);
            Assert.DoesNotContain('\u202e', child.OutputSoFar);
            await child.Type("\n");
            Assert.Contains("run --view asks:x shows it", (await child.Exit()).Stdout, StringComparison.Ordinal);
        }

        Assert.Equal(text.Replace("\u202e", @"\u{202e}", StringComparison.Ordinal), File.ReadAllText(world.Work + "/seen"));
        world.Server["/plain/x"] = "\u007fELF\0";
        await using var binary = world.Run("asks:x").OnTerminal().Start();
        await binary.Output("a program, not text\r\n" + Question);
    }

    [Fact]
    public async Task A_pager_that_is_not_there_is_done_without()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await Accept(world);
        world.Server["/plain/x"] = Saying("two");
        await using var child = world.Run("-u", "asks:x").Env("PAGER", "no-such-pager").OnTerminal().Start();
        await child.Output("+echo two\r\n" + Question);
        await child.Type("y\n");
        Assert.EndsWith("two\r\n", (await child.Exit()).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_cannot_hide_its_change_from_the_terminal()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await Accept(world);
        world.Server["/plain/x"] = Saying("two \e[8mhidden\e[m \u202ereversed\u2066 \u200b\r+echo one");
        await using var child = world.Run("-u", "asks:x").Env("PAGER", "cat").OnTerminal().Start();
        await child.Output(Question);
        Assert.Contains(
            @"+echo two \x1b[8mhidden\x1b[m \u{202e}reversed\u{2066} \u{200b}\x0d+echo one", child.OutputSoFar, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', child.OutputSoFar[child.OutputSoFar.IndexOf("---", StringComparison.Ordinal)..]);
        await child.Type("\n");
        await child.Exit();

        var diff = await world.Run("--diff", "asks:x").OnTerminal().Result();
        Assert.Contains(@"\x1b[8mhidden", diff.Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', diff.Stdout);
    }

    [Fact]
    public async Task To_look_is_not_to_accept()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("--view", "asks:x").Succeeds(Saying("one"));
        await world.Run("asks:x").Fails(ExitStatus.Refused, "asks:x");
        await Accept(world);
        world.Server["/plain/x"] = Saying("two");
        await world.Run("--view", "-u", "asks:x").Succeeds(Saying("two"));
        Assert.Equal(1, (await world.Run("--diff", "asks:x").Result()).Status);
        await world.Run("asks:x").Succeeds("one\n");
    }

    [Fact]
    public async Task A_copy_that_came_by_another_name_is_asked_about_too()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("plain:x").Succeeds("one\n");
        await world.Run("asks:x").Fails(ExitStatus.Refused, "asks:x");
        await using var child = world.Run("asks:x").OnTerminal().Start();
        await child.Output(Question);
        await child.Type("y\n");
        Assert.EndsWith("one\r\n", (await child.Exit()).Stdout, StringComparison.Ordinal);
        Assert.Equal(1, world.Server.Count("/plain/x"));
    }

    [Fact]
    public async Task While_one_is_asked_others_need_not_wait()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await using var asked = world.Run("asks:x").OnTerminal().Start();
        await asked.Output(Question);
        await world.Run("asks:x").Fails(ExitStatus.Refused, "asks:x");
        await world.Run("plain:x").Succeeds("one\n");
        await asked.Type("y\n");
        Assert.EndsWith("one\r\n", (await asked.Exit()).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupted_at_the_question_nothing_is_kept()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await using var child = world.Run("asks:x").OnTerminal().Start();
        await child.Output(Question);
        await child.Type("\u0003");
        Assert.Equal((int)ExitStatus.Interrupted, (await child.Exit()).Status);
        Assert.DoesNotContain(
            world.CachedFiles(), static path => path.Contains("/run/tmp/", StringComparison.Ordinal) || Path.GetFileName(path) == "x");
    }

    [RootFact]
    public async Task Consent_that_another_user_could_have_given_is_refused()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await Accept(world);
        await world.Run("asks:x").Succeeds("one\n");
        Libc.ChangeOwner(world.StateHome + "/run/accepted", 65534);
        await world.Run("asks:x").Fails(ExitStatus.Refused, "accepted", "65534");
    }

    /// <summary>Has the script accepted as it is now, and takes the pin away that would name its digest.</summary>
    private static async Task Accept(Sandbox box)
    {
        await box.Run("-q", "--pin", "asks:x").Succeeds("");
        File.Delete(box.Work + "/run.pins");
    }
}
