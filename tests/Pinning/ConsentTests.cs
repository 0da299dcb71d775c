namespace Run.Tests.Pinning;

/// <summary><c>trust: ask</c>: whose answer counts.</summary>
public sealed class ConsentTests
{
    private const string Question = "run it? [y/N] ";

    [Fact]
    public async Task What_was_typed_before_the_question_does_not_answer_it()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("ran")));
        var gate = world.Server.Hold("/plain/x");
        await using var child = world.Run("asks:x").OnTerminal().Start();
        await gate.Reached;
        await child.Type("y\n");
        await child.Output("y\r\n");
        gate.Open();
        await child.Output(Question);
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.False(child.HasExited, child.OutputSoFar);
        await child.Type("\n");
        Assert.Equal((int)ExitStatus.Refused, (await child.Exit()).Status);
    }

    [Fact]
    public async Task After_the_end_of_input_what_is_said_begins_a_line()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("ran")));
        await using var child = world.Run("asks:x").Env("NO_COLOR", "1").OnTerminal().Start();
        await child.Output(Question);
        await child.Type("\u0004");
        var result = await child.Exit();
        Assert.Equal((int)ExitStatus.Refused, result.Status);
        Assert.Contains($"{Question}\r\nrun: asks:x: not accepted", result.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_does_what_was_typed_while_the_pager_was_on()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("-q", "--pin", "asks:x").Succeeds("");
        File.Delete(world.Work + "/run.pins");
        world.Server["/plain/x"] = Saying("two");
        world.Put("pager", "#!/bin/sh\ncat >/dev/null; echo paged; until [ -e typed ]; do sleep 0.02; done\n");
        await using var child = world.Run("-u", "asks:x").Env("PAGER", "./pager").OnTerminal().Start();
        await child.Output("paged");
        await child.Type("y\n");
        await child.Output("y\r\n");
        world.Put("typed", "");
        await child.Output(Question);
        await child.Type("\n");
        Assert.Equal((int)ExitStatus.Refused, (await child.Exit()).Status);
    }

    [Fact]
    public async Task A_clean_is_not_confirmed_by_what_was_typed_before()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("plain:x").Succeeds("one\n");
        await using var child = world.Sh("read go; until [ -e typed ]; do sleep 0.02; done; run --clean").OnTerminal().Start();
        await child.Type("go\ny\n");
        await child.Output("y\r\n");
        world.Put("typed", "");
        await child.Output("[y/N] ");
        await child.Type("\n");
        await child.Exit();
        await world.Run("--offline", "plain:x").Succeeds("one\n");
    }

    /// <summary>A pin is consent, also one that came with a clone. So run says which file it was.</summary>
    [Fact]
    public async Task A_pin_that_has_decided_is_named_with_its_file()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("ran")));
        world.Put("clone/run.pins", $"asks:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("ran"))}\n", executable: false);
        Directory.CreateDirectory(world.Work + "/clone/below");
        var below = world.Work + "/clone/below";
        await world.Run("asks:x").In(below).Succeeds("ran\n");
        var said = await world.Run("--verbose", "asks:x").In(below).Result();
        Assert.Contains("asks:x: pinned by ../run.pins, which counts as consent", said.Stderr, StringComparison.Ordinal);
        await world.Run("asks:x").Fails(ExitStatus.Refused, "asks:x");

        world.Server["/plain/x"] = Saying("other");
        await world.Run("--clean", "--yes").Succeeds("");
        await world.Run("asks:x").In(below).Fails(ExitStatus.Data, "../run.pins", DigestOf(Saying("other")));
    }
}
