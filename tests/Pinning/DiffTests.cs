using Run.Reporting;
using Run.Tests.Infra;
using static Run.Tests.Pinning.Forge;

namespace Run.Tests.Pinning;

/// <summary><c>--diff</c>: what changed, as <c>diff -u</c> and with its status, and nothing accepted.</summary>
public sealed class DiffTests
{
    [Fact]
    public async Task It_is_what_diff_says_with_its_status_and_accepts_nothing()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("one");
        await box.Run("plain:x").Succeeds("one\n");
        await box.Run("--diff", "plain:x").Succeeds("");
        server["/plain/x"] = Saying("two");
        var diff = await box.Run("--diff", "plain:x").Result();
        diff.Is(1, diff.Stdout);
        Assert.Matches(
            $@"^--- {server.Url}/plain/x\tcached \d+s ago\n\+\+\+ {server.Url}/plain/x\tnow\n@@ -1,2 \+1,2 @@\n #!/bin/sh\n-echo one\n\+echo two\n$",
            diff.Stdout);
        await box.Run("plain:x").Succeeds("one\n");
        Assert.Single(box.CachedFiles(), static path => Path.GetFileName(path) == "x");
        Assert.DoesNotContain(box.CachedFiles(), static path => path.Contains("/run/tmp/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bytes_come_out_as_they_are_where_no_terminal_is()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = "a\n";
        await box.Run("--view", "plain:x").Succeeds("a\n");
        server["/plain/x"] = "a\udcff\e[m\n";
        Assert.EndsWith("-a\n+a\udcff\e[m\n", (await box.Run("--diff", "plain:x").Result()).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_copy_all_of_it_is_new()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = "a\n";
        await box.Run("--diff", "plain:x").Expect(1, $"--- /dev/null\n+++ {server.Url}/plain/x\tnow\n@@ -0,0 +1 @@\n+a\n");
        Assert.DoesNotContain(box.CachedFiles(), static path => Path.GetFileName(path) == "x");
    }

    [Fact]
    public async Task For_a_pinned_script_it_is_what_pin_would_accept()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        GitHub(server, "HEAD", FirstCommit, "x", Saying("one"));
        await box.Run("--pin", "gh:o/r/x").Succeeds("");
        await box.Run("--clean", "--yes").Succeeds("");
        GitHub(server, "HEAD", SecondCommit, "x", Saying("two"));
        var diff = await box.Run("--diff", "gh:o/r/x").Result();
        Assert.Equal(1, diff.Status);
        Assert.StartsWith($"--- {server.Url}/raw/o/r/{FirstCommit}/x\t", diff.Stdout, StringComparison.Ordinal);
        Assert.Contains($"\n+++ {server.Url}/raw/o/r/HEAD/x\tnow\n", diff.Stdout, StringComparison.Ordinal);
        Assert.EndsWith("-echo one\n+echo two\n", diff.Stdout, StringComparison.Ordinal);
        await box.Run("gh:o/r/x").Succeeds("one\n");
        await box.Run("--pin", "gh:o/r/x").Succeeds("");
        await box.Run("gh:o/r/x").Succeeds("two\n");
    }

    [Fact]
    public async Task What_was_pinned_and_is_gone_counts_as_nothing()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = Saying("two");
        box.Put("run.pins", $"plain:x {server.Url}/plain/x sha256:{Sha256(Saying("one"))}\n");
        var diff = await box.Run("--diff", "plain:x").Result();
        Assert.Equal(1, diff.Status);
        Assert.StartsWith("--- /dev/null\n", diff.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_diff_on_the_machine_it_says_so()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = "a\n";
        await box.Run("--diff", "plain:x").Env("PATH", box.Work).Fails(ExitStatus.NotFound, "diff");
        await box.Run("--diff", "./x").Fails(ExitStatus.Usage, "./x");
        await box.Run("--diff", "plain:gone").Fails(ExitStatus.NotFound, "/plain/gone");
    }

    [Fact]
    [Needs("busybox")]
    public async Task The_diff_of_busybox_does_as_well()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = "a\n";
        await box.Run("--view", "plain:x").Succeeds("a\n");
        server["/plain/x"] = "b\n";
        File.CreateSymbolicLink(box.Work + "/diff", "/bin/busybox");
        var diff = await box.Run("--diff", "plain:x").Env("PATH", box.Work).Result();
        Assert.Equal(1, diff.Status);
        Assert.EndsWith("-a\n+b\n", diff.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_ignores_the_end_of_children_gets_its_status_too()
    {
        await using var server = await ScriptServer.Start();
        using var box = Box(server);
        server["/plain/x"] = "a\n";
        Assert.Equal(1, (await box.Run("--diff", "plain:x").Ignoring(Libc.SIGCHLD).Result()).Status);
    }
}
