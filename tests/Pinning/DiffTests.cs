using static Run.Tests.Pinning.Forge;

namespace Run.Tests.Pinning;

/// <summary><c>--diff</c> shows what changed, in the format and with the status of <c>diff -u</c>, and accepts nothing.</summary>
public sealed class DiffTests
{
    [Fact]
    public async Task It_is_what_diff_says_with_its_status_and_accepts_nothing()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("plain:x").Succeeds("one\n");
        await world.Run("--diff", "plain:x").Succeeds("");
        world.Server["/plain/x"] = Saying("two");
        var diff = await world.Run("--diff", "plain:x").Result();
        diff.Is(1, diff.Stdout);
        var url = world.Server.Url + "/plain/x";
        Assert.Matches(
            $@"^--- {url}\tcached \d+s ago\n\+\+\+ {url}\tnow\n@@ -1,2 \+1,2 @@\n #!/bin/sh\n-echo one\n\+echo two\n$",
            diff.Stdout);
        await world.Run("plain:x").Succeeds("one\n");
        Assert.Single(world.CachedFiles(), static path => Path.GetFileName(path) == "x");
        Assert.DoesNotContain(world.CachedFiles(), static path => path.Contains("/run/tmp/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bytes_come_out_as_they_are_without_a_terminal()
    {
        await using var world = await Forge.Serving(("/plain/x", "a\n"));
        await world.Run("--view", "plain:x").Succeeds("a\n");
        world.Server["/plain/x"] = "a\udcff\e[m\n";
        Assert.EndsWith("-a\n+a\udcff\e[m\n", (await world.Run("--diff", "plain:x").Result()).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Into_a_pipe_that_closes_it_ends_as_cat_does_and_a_full_disk_is_named()
    {
        await using var world = await Forge.Serving(("/plain/x", new string('a', 1 << 20) + "\n"));
        await world.Run("--view", "plain:x").Result();
        world.Server["/plain/x"] = new string('b', 1 << 20) + "\n";
        await world.Exec("bash", "-c", "run --diff plain:x | head -c 3; exit ${PIPESTATUS[0]}").Expect(128 + Libc.SIGPIPE, "---");
        await world.Sh("run --diff plain:x >/dev/full")
            .Expect((int)ExitStatus.CannotWrite, "", "run: standard output: no space left on device\n");
    }

    [Fact]
    public async Task On_a_terminal_it_is_coloured_unless_that_is_not_wanted()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("one")));
        await world.Run("plain:x").Succeeds("one\n");
        world.Server["/plain/x"] = Saying("two");
        Command Diff() => world.Run("--diff", "plain:x").Env("TERM", "xterm");
        var onTerminal = (await Diff().OnTerminal().Result()).Stdout;
        Assert.Contains(" #!/bin/sh\r\n\e[31m-echo one\e[m\r\n\e[32m+echo two\e[m\r\n", onTerminal, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', (await Diff().Env("NO_COLOR", "1").OnTerminal().Result()).Stdout);
        Assert.DoesNotContain('\e', (await Diff().Result()).Stdout);
    }

    [Fact]
    public async Task Without_a_copy_all_of_it_is_new()
    {
        await using var world = await Forge.Serving(("/plain/x", "a\n"));
        await world.Run("--diff", "plain:x").Expect(1, $"--- /dev/null\n+++ {world.Server.Url}/plain/x\tnow\n@@ -0,0 +1 @@\n+a\n");
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x");
    }

    [Fact]
    public async Task For_a_pinned_script_it_is_what_pin_would_accept()
    {
        await using var world = await Forge.Serving();
        GitHub(world.Server, "HEAD", FirstCommit, "x", Saying("one"));
        await world.Run("-q", "--pin", "gh:o/r/x").Succeeds("");
        await world.Run("--clean", "--yes").Succeeds("");
        GitHub(world.Server, "HEAD", SecondCommit, "x", Saying("two"));
        var diff = await world.Run("--diff", "gh:o/r/x").Result();
        Assert.Equal(1, diff.Status);
        Assert.StartsWith($"--- {world.Server.Url}/raw/o/r/{FirstCommit}/x\t", diff.Stdout, StringComparison.Ordinal);
        Assert.Contains($"\n+++ {world.Server.Url}/raw/o/r/HEAD/x\tnow\n", diff.Stdout, StringComparison.Ordinal);
        Assert.EndsWith("-echo one\n+echo two\n", diff.Stdout, StringComparison.Ordinal);
        await world.Run("gh:o/r/x").Succeeds("one\n");
        await world.Run("-q", "--pin", "gh:o/r/x").Succeeds("");
        await world.Run("gh:o/r/x").Succeeds("two\n");
    }

    [Fact]
    public async Task What_was_pinned_and_is_gone_counts_as_nothing()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("two")));
        world.Put("run.pins", $"plain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("one"))}\n");
        var diff = await world.Run("--diff", "plain:x").Result();
        Assert.Equal(1, diff.Status);
        Assert.StartsWith("--- /dev/null\n", diff.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_diff_on_the_machine_it_says_so()
    {
        await using var world = await Forge.Serving(("/plain/x", "a\n"));
        await world.Run("--diff", "plain:x").Env("PATH", world.Work).Fails(ExitStatus.NotFound, "diff");
        await world.Run("--diff", "./x").Fails(ExitStatus.Usage, "./x");
        await world.Run("--diff", "plain:gone").Fails(ExitStatus.NotFound, "/plain/gone");
    }

    [Fact]
    [Needs("busybox")]
    public async Task The_diff_of_busybox_does_as_well()
    {
        await using var world = await Forge.Serving(("/plain/x", "a\n"));
        await world.Run("--view", "plain:x").Succeeds("a\n");
        world.Server["/plain/x"] = "b\n";
        File.CreateSymbolicLink(world.Work + "/diff", "/bin/busybox");
        var diff = await world.Run("--diff", "plain:x").Env("PATH", world.Work).Result();
        Assert.Equal(1, diff.Status);
        Assert.EndsWith("-a\n+b\n", diff.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_ignores_SIGCHLD_gets_its_status_too()
    {
        await using var world = await Forge.Serving(("/plain/x", "a\n"));
        Assert.Equal(1, (await world.Run("--diff", "plain:x").Ignoring(Libc.SIGCHLD).Result()).Status);
    }
}
