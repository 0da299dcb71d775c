namespace Run.Tests.Locking;

/// <summary>A script's own lock file tells of each of its runs, also of those under the lock of another name; so no other file need be
/// looked at.</summary>
public sealed class OwnLockFileTests
{
    [Fact]
    public async Task Other_locks_are_not_opened_to_see_who_runs_a_script()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "there is no strace: apt-get install strace");
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        for (var version = 0; version < 3; version++)
        {
            server["/x"] = $"#!/bin/sh\necho {version}\n";
            await box.Run("-u", "x").Succeeds($"{version}\n");
        }

        var own = Assert.Single(Directory.GetFiles(box.Locks));
        for (var i = 0; i < 100; i++)
        {
            TestFile.Copy(own, $"{box.Locks}/{i:x32}");
        }

        server["/x"] = "#!/bin/sh\necho new\n";
        var trace = box.Root + "/trace";
        foreach (var (arguments, says) in (((string[], string)[])[(["-u", "x"], "new\n"), (["--stop", "x"], "")]))
        {
            await box.Run(arguments).Through("strace", "-f", "-qq", "-e", "trace=openat,open", "-o", trace).Succeeds(says);
            var opened = File.ReadAllLines(trace).Where(line => line.Contains(box.Locks + "/", StringComparison.Ordinal)).ToArray();
            Assert.NotEmpty(opened);
            Assert.All(opened, line => Assert.Contains(own, line, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task An_old_version_stays_while_somebody_runs_it_under_the_lock_of_another_name()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        string Script(int version) => $"#!/bin/sh\necho {version}\nread -r line || :\n[ -e \"$0\" ] && echo there\n";
        server["/x"] = Script(0);
        await using var holder = box.Run("--lock=name", "x").InputStaysOpen().Start();
        await holder.Output("0\n");
        for (var version = 1; version < 4; version++)
        {
            server["/x"] = Script(version);
            await box.Run("-u", "x").Succeeds($"{version}\nthere\n");
        }

        holder.CloseInput();
        (await holder.Exit()).Is(0, "0\nthere\n");
        server["/x"] = Script(4);
        await box.Run("-u", "x").Succeeds("4\nthere\n");
        Assert.Equal(2, box.CachedFiles().Count(static path => Path.GetFileName(path) == "x"));
    }

    [Fact]
    public async Task Stop_ends_each_run_whatever_its_lock_and_nobody_else()
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.PutHolder("y");
        var mine = new List<Child>();
        foreach (var options in (string[][])[[], [], ["--lock=a"], ["--lock=b"]])
        {
            mine.Add(await box.Holds([.. options, "./x"]));
        }

        await using var other = await box.Holds("--lock=c", "./y");
        Assert.Equal(5, (await box.Ps()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        await box.Run("--stop", "./x").Succeeds("");
        foreach (var child in mine)
        {
            Assert.NotEqual(0, (await child.Exit()).Status);
            await child.DisposeAsync();
        }

        Assert.Equal($"{other.Pid} exclusive ./y\n", await box.Ps());
        await other.Ends();
    }

    [Fact]
    public async Task Replace_under_its_own_lock_leaves_those_under_other_names()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var named = await box.Holds("--lock=name", "./x");
        await using var plain = await box.Holds("./x");
        await using var successor = await box.Holds("--replace", "./x");
        Assert.NotEqual(0, (await plain.Exit()).Status);
        await box.Run("--lock=name", "./x").Fails(ExitStatus.AlreadyRunning, $"(pid {named.Pid})");
        await named.Ends();
        await successor.Ends();
    }
}
