namespace Run.Tests.Caching;

/// <summary>Many runs at once: one fetch serves them all, and none sees another's unfinished work.</summary>
public sealed class TogetherTests
{
    [Fact]
    public async Task A_hundred_cold_starts_make_one_request_and_all_succeed()
    {
        await using var world = await World.Serving(("/x", "#!/bin/sh\necho \"ran $1\"\n"));
        var gate = world.Server.Hold("/x");
        var children = Enumerable.Range(0, 100).Select(i => world.Run("x", $"{i}").Within(TimeSpan.FromMinutes(2)).Start()).ToList();
        await gate.Reached;
        gate.Open();
        for (var i = 0; i < children.Count; i++)
        {
            (await children[i].Exit()).Is(0, $"ran {i}\n");
            await children[i].DisposeAsync();
        }

        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Fact]
    public async Task If_the_run_that_fetches_is_killed_another_takes_over()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var gate = world.Server.Hold("/x");
        await using var first = world.Run("x").Start();
        await gate.Reached;
        await using var second = world.Run("x").Start();
        await using var third = world.Run("x").Start();
        first.Signal(Libc.SIGKILL);
        await first.Exit();
        gate.Open();
        (await second.Exit()).Is(0, "ran\n");
        (await third.Exit()).Is(0, "ran\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    [Fact]
    public async Task Different_scripts_do_not_wait_for_each_other()
    {
        await using var world = await World.Serving();
        world.Server["/slow"] = world.Server["/quick"] = Saying("ran");
        var gate = world.Server.Hold("/slow");
        await using var slow = world.Run("slow").Start();
        await gate.Reached;
        await world.Run("quick").Succeeds("ran\n");
        gate.Open();
        (await slow.Exit()).Is(0, "ran\n");
    }

    [Fact]
    public async Task Runs_beside_updates_print_one_version_or_another_and_never_a_mixture()
    {
        await using var world = await World.Serving();
        var version = 0;
        world.Server.Map("/x", context =>
        {
            var v = Interlocked.Increment(ref version);
            var filler = string.Concat(Enumerable.Repeat($"# {v}\n", v % 7 * 1000));
            return ScriptServer.Send(context, $"#!/bin/sh\necho begin {v}\n{filler}echo middle {v}\n{filler}echo end {v}\n");
        });
        await world.Run("x").Succeeds("begin 1\nmiddle 1\nend 1\n");

        var updated = false;
        await Task.WhenAll(Update(), Run(), Run(), Run());
        Assert.Equal(41, version);

        async Task Update()
        {
            for (var i = 0; i < 40; i++)
            {
                Whole(await world.Run("--update", "x").Result());
            }

            Volatile.Write(ref updated, true);
        }

        async Task Run()
        {
            while (!Volatile.Read(ref updated))
            {
                Whole(await world.Run("x").Result());
            }
        }

        static void Whole(Result result)
        {
            Assert.Matches(@"^begin (\d+)\nmiddle \1\nend \1\n$", result.Stdout);
            result.Is(0, result.Stdout);
        }
    }

    [Fact]
    public async Task A_shell_script_that_is_running_ends_with_the_lines_that_it_began_with()
    {
        await using var world = await World.Serving();
        // A shell reads its script as it executes it; the padding is more than it reads ahead.
        var padding = string.Concat(Enumerable.Repeat("# padding\n", 20_000));
        string Script(string name) => $"#!/bin/sh\necho begin {name}\nread -r go\n{padding}echo end {name}\n";
        world.Server["/x"] = Script("old");
        await using var old = world.Run("x").InputStaysOpen().Start();
        await old.Output("begin old");
        foreach (var name in (string[])["new", "newer", "newest"])
        {
            world.Server["/x"] = Script(name);
            await world.Run("-u", "x").Succeeds($"begin {name}\nend {name}\n");
        }

        await world.Run("--clean", "--yes").Expect(0, "", $"run: x is running (pid {old.Pid}), so its copy stays\n");
        await old.Type("go\n");
        (await old.Exit()).Is(0, "begin old\nend old\n");
    }
}
