using Run.Tests.Pinning;

namespace Run.Tests.Machines;

/// <summary><c>--on</c> over a real sshd, by ssh and by what starts ssh on many machines.</summary>
[Needs("sshd", "ssh", "ssh-keygen")]
public sealed class SshTests
{
    /// <summary>Writes its arguments to a file, because some launchers work on the lines of the output.</summary>
    private const string Writes = "#!/bin/sh\nfor a; do printf '[%s]' \"$a\"; done >\"$HOME/words\"\n";

    [Theory]
    [InlineData("ssh", "ssh -F {ssh} web1")]
    [InlineData("ssh", "ssh -F {ssh} web1 'PATH=$HOME/.local/bin:$PATH' RUN_OFFLINE=0")]
    [InlineData("parallel", "parallel --ssh 'ssh -F {ssh}' --nonall -S web1")]
    [InlineData("parallel", "parallel --ssh 'ssh -F {ssh}' --onall -S web1", "ignored")]
    [InlineData("pdsh", "pdsh -R ssh -w web1")]
    [InlineData("clush", "clush -o '-F {ssh}' -w web1")]
    public async Task Arguments_arrive_byte_for_byte(string tool, string command, string? input = null)
    {
        Tools.Need(tool);
        await using var world = await World.Serving(("/words", Writes));
        await using var other = await OtherMachine.Start();
        Launcher(world, command, other);
        string[] words = [.. QuotingTests.Hard, new string('x', tool == "parallel" ? 10_000 : 100_000)];
        var run = world.Run(["--on", "web", "words", .. words]).Env("PDSH_SSH_ARGS_APPEND", $"-F {world.Work}/ssh.conf");
        await (input is null ? run : run.Input(input + "\n")).Succeeds("");
        Assert.Equal(
            string.Concat(words.Concat(input is null ? [] : [input]).Select(static word => $"[{word}]")),
            Posix.OsText.FromBytes(File.ReadAllBytes(other.Box.Home + "/words")));
    }

    [Fact]
    public async Task Streams_and_status_are_the_launchers()
    {
        await using var world = await World.Serving(("/cat", "#!/bin/sh\ncat; echo bad >&2; exit \"$1\"\n"));
        await using var other = await OtherMachine.Start();
        Launcher(world, "ssh -F {ssh} web1", other);
        await world.Run("--on", "web", "cat", "7").Input("in\n").Expect(7, "in\n", "bad\n");
        Assert.Equal(2, world.Server.Count("/cat"));
        await world.Run("--on", "web", "cat", "0").Input("again\n").Expect(0, "again\n", "bad\n");
        Assert.Equal(2, world.Server.Count("/cat"));
        Assert.Single(other.Box.CachedFiles(), static path => Path.GetFileName(path) == "cat");
    }

    [Fact]
    public async Task Other_bytes_than_those_found_here_are_refused_there()
    {
        await using var world = await World.Serving(("/x", Saying("one")));
        await using var other = await OtherMachine.Start();
        Launcher(world, "ssh -F {ssh} web1", other);
        await world.Run("x").Succeeds("one\n");
        world.Server["/x"] = "#!/bin/sh\ntouch \"$HOME/evil\"\n";
        (await world.Run("--on", "web", "x").Result()).Failed(
            65, $"{world.Server.Url}/x: the digest does not match", DigestOf(Saying("one")));
        Assert.False(File.Exists(other.Box.Home + "/evil"));

        // A machine that has them runs them, whatever the server has.
        world.Server["/x"] = Saying("one");
        await world.Run("--on", "web", "x").Succeeds("one\n");
        world.Server["/x"] = Saying("two");
        await world.Run("--on", "web", "x").Succeeds("one\n");
        await world.Run("-u", "--on", "web", "x").Succeeds("two\n");
    }

    [Fact]
    public async Task Nothing_that_is_handed_on_is_a_command_to_the_other_shell()
    {
        await using var world = await World.Serving();
        await using var other = await OtherMachine.Start();
        Launcher(world, "ssh -F {ssh} web1 env A={script}", other);
        foreach (var name in (string[])[
            "a;touch${IFS}evil", "a$(touch${IFS}evil)", "a`touch%20evil`", "a'&touch%20evil&'", "a|touch%20evil"])
        {
            var path = "/" + name.Replace("{", "%7B", StringComparison.Ordinal).Replace("}", "%7D", StringComparison.Ordinal)
                .Replace("`", "%60", StringComparison.Ordinal).Replace("|", "%7C", StringComparison.Ordinal);
            world.Server[path] = "#!/bin/sh\ncd \"$HOME\" && ls\n";
            string[] hostile = ["; touch $HOME/evil", "$(touch $HOME/evil)", "'; touch $HOME/evil; '", "\n touch $HOME/evil\n"];
            await world.Run(["--on", "web", world.Server.Url + path, .. hostile]).Succeeds("");
        }

        Assert.False(File.Exists(other.Box.Home + "/evil"));
    }

    [Fact]
    public async Task The_other_machine_uses_its_own_header_fields()
    {
        await using var world = await World.Serving();
        await using var other = await OtherMachine.Start();
        world.Server.Map("/x", context => context.Request.Headers["X-Token"].ToString().EndsWith("-token", StringComparison.Ordinal)
            ? ScriptServer.Send(context, Saying("secret")) : ScriptServer.Refuse(context, 403));
        var source = $"sources: {{ops: {{url: '{world.Server.Url}/%s', headers: {{X-Token: '${{TOKEN}}'}}}}}}\n";
        world.Conf(source);
        Launcher(world, "ssh -F {ssh} web1 TOKEN=their-token", other);
        (await world.Run("--on", "web", "ops:x").Env("TOKEN", "our-token").Result()).Failed(64, "ops: no such source");
        other.Box.Conf(source);
        await world.Run("--on", "web", "ops:x").Env("TOKEN", "our-token").Succeeds("secret\n");
        Assert.Equal(["our-token", "their-token"], world.Server.Requests.Select(static request => request.Header("X-Token")));
    }

    [Fact]
    public async Task The_lock_is_the_other_machines()
    {
        await using var world = await World.Serving(("/hold", "#!/bin/sh\necho started; read -r _ || :\n"));
        await using var other = await OtherMachine.Start();
        Launcher(world, "ssh -F {ssh} web1", other);
        await using var holder = world.Run("--on", "web", "--lock", "hold").InputStaysOpen().Start();
        await holder.Output("started");
        (await world.Run("--on", "web", "--lock", "hold").Result()).Failed(75, "already running (pid ");
        (await world.Run("--on", "web", "--lock", "-E", "9", "hold").Result()).Failed(9, "already running (pid ");
        await world.Run("--on", "web", "-q", "--lock", "-E", "0", "hold").Succeeds("");
        await world.Run("--ps").Succeeds("");
        holder.CloseInput();
        (await holder.Exit()).Is(0, "started\n");
    }

    [Fact]
    public async Task A_detached_script_goes_on_there()
    {
        await using var world = await World.Serving(("/worker", "#!/bin/sh\nexec sleep 1000\n"));
        await using var other = await OtherMachine.Start();
        Launcher(world, "ssh -F {ssh} web1", other);
        var started = await world.Run("--on", "web", "-q", "--detach", "worker").Result();
        started.Check(started.Status == 0 && int.TryParse(started.Stdout, out _), "the PID");
        var running = (await other.Box.Run("--ps").Result()).Stdout;
        Assert.StartsWith(started.Stdout.Trim() + " ", running, StringComparison.Ordinal);
        Assert.EndsWith($" {world.Server.Url}/worker\n", running, StringComparison.Ordinal);
        await world.Run("--ps").Succeeds("");
    }

    [Fact]
    public async Task All_versions_of_a_script_exclude_each_other_there()
    {
        const string Holds = "#!/bin/sh\necho started; read -r _\n";
        await using var world = await Forge.Serving();
        await using var other = await OtherMachine.Start();
        Forge.GitHub(world.Server, "HEAD", Forge.FirstCommit, "x.sh", Holds);
        Launcher(world, "ssh -F {ssh} web1", other);
        await using var holder = world.Run("--on", "web", "--lock", "gh:o/r/x.sh").InputStaysOpen().Start();
        await holder.Output("started");
        Forge.GitHub(world.Server, "HEAD", Forge.SecondCommit, "x.sh", Saying("next"));
        (await world.Run("-u", "--on", "web", "--lock", "gh:o/r/x.sh").Result()).Failed(75, "already running (pid ");
    }

    [Fact]
    [Needs("parallel")]
    public async Task A_rollout_by_parallel_runs_the_same_bytes_or_nothing_on_each_machine()
    {
        await using var world = await World.Serving(("/where", "#!/bin/sh\necho \"$1\" >\"$HOME/ran\"\n"));
        await using OtherMachine one = await OtherMachine.Start(), two = await OtherMachine.Start();
        Launcher(world, "parallel --ssh 'ssh -F {ssh}' --nonall --tag -S web1,web2", one, two);
        await world.Run("--on", "web", "where", "a  b").Succeeds("");
        Assert.Equal("a  b\n", File.ReadAllText(one.Box.Home + "/ran"));
        Assert.Equal("a  b\n", File.ReadAllText(two.Box.Home + "/ran"));

        // To one of them the server shows another face. parallel's status is the number of machines that failed.
        await two.Box.Run("--clean", "--yes").Result();
        world.Server["/where"] = Saying("other");
        var result = await world.Run("--on", "web", "where", "second").Result();
        result.Check(result.Status == 1 && result.Stderr.Contains("the digest does not match", StringComparison.Ordinal), "one to refuse");
        Assert.Equal("second\n", File.ReadAllText(one.Box.Home + "/ran"));
        Assert.Equal("a  b\n", File.ReadAllText(two.Box.Home + "/ran"));
    }

    /// <summary>Adds the launcher <c>web</c> to run.conf. <c>{ssh}</c> in its command is the file that leads to the machines.</summary>
    private static void Launcher(World<ScriptServer> world, string command, params OtherMachine[] machines)
    {
        var line = command.Replace("{ssh}", OtherMachine.Configure(world, machines), StringComparison.Ordinal);
        world.Conf($"{File.ReadAllText(world.ConfFile)}\nlaunchers:\n  web: {line}\n");
    }
}
