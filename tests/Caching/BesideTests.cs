using System.Globalization;

namespace Run.Tests.Caching;

/// <summary>What other processes do at the same moment: first starts, --clean, a program put in place, a fetch that was killed.</summary>
public sealed class BesideTests
{
    [Fact]
    public async Task First_starts_of_different_scripts_do_not_disturb_each_other()
    {
        await using var world = await World.Serving();
        const int scripts = 24, rounds = 8;
        for (var i = 0; i < scripts; i++)
        {
            world.Server[$"/x{i}"] = Saying("ran");
        }

        for (var round = 0; round < rounds; round++)
        {
            var cache = $"{world.Root}/{round}";
            var results = await Task.WhenAll(Enumerable.Range(0, scripts).Select(i =>
                world.Run($"x{i}").Env("RUN_CACHE", cache).Env("XDG_STATE_HOME", cache + "-state").Result()));
            Assert.All(results, static result => result.Is(0, "ran\n"));
        }
    }

    [Fact]
    public async Task A_program_can_be_executed_as_soon_as_it_has_its_name()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "there is no strace: apt-get install strace");
        await using var world = await World.Serving(("/other", Saying("ran")));
        var program = File.ReadAllBytes("/bin/true");
        world.Server.Map("/x", async context =>
        {
            context.Response.ContentLength = program.Length;
            await context.Response.Body.WriteAsync(program);
        });
        await world.Run("other").Succeeds("ran\n");
        await using var fetching = world.Run("x").Traced(
            out _, "-e", "trace=rename", "-e", "inject=rename:delay_exit=2000000:when=1").Start();
        await Eventually.True(
            () => world.CachedFiles().Any(static path => Path.GetFileName(path) == "x"), "it is in its place");
        await world.Exec(world.CachedScript("x")).Succeeds("");
        (await fetching.Exit()).Is(0, "");
    }

    [Fact]
    public async Task A_script_that_is_running_keeps_its_copy_and_clean_says_so()
    {
        await using var world = await World.Serving(("/y", Saying("ran")));
        world.Server["/x"] = "#!/bin/sh\necho up\nread -r line\ncat \"$0\"\n";
        await world.Run("y").Succeeds("ran\n");
        await using var running = world.Run("x").InputStaysOpen().Start();
        await running.Output("up");
        await world.Run("-cy").Expect(0, "", $"run: x is running (pid {running.Pid}), so its copy stays\n");
        await world.Run("-cy", "x").Expect(0, "", $"run: x is running (pid {running.Pid}), so its copy stays\n");
        Assert.Equal("x", (await world.Run("--list").Result()).Stdout.Split(' ')[0]);
        await running.Type("on\n");
        (await running.Exit()).Is(0, "up\n" + "#!/bin/sh\necho up\nread -r line\ncat \"$0\"\n");
        await world.Run("-cy").Succeeds("");
        await world.Run("--list").Succeeds("");
    }

    [Fact]
    public async Task A_script_that_is_being_fetched_is_not_disturbed_by_clean()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        var gate = world.Server.Hold("/x");
        await using var viewing = world.Run("-u", "--view", "x").Start();
        await gate.Reached;
        await world.Run("-cy").Expect(0, "", "run: x is being fetched, so its copy stays\n");
        gate.Open();
        (await viewing.Exit()).Is(0, Saying("ran"));
        await world.Run("x").Succeeds("ran\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    [Fact]
    public async Task Runs_beside_clean_all_succeed_and_clean_does_too()
    {
        await using var world = await World.Serving();
        string[] names = ["a", "b", "c", "d"];
        foreach (var name in names)
        {
            // A shell opens its script only after it has been started.
            world.Server["/" + name] = "#!/bin/sh\ncat \"$0\" >/dev/null && echo ran\n";
        }

        var done = false;
        var runs = names.Concat(names).Select(async name =>
        {
            for (var i = 0; i < 40; i++)
            {
                (await world.Run(name).Result()).Is(0, "ran\n");
            }
        }).ToList();
        var cleans = Enumerable.Range(0, 2).Select(async _ =>
        {
            while (!Volatile.Read(ref done))
            {
                (await world.Run("-q", "-cy").Result()).Is(0, "");
            }
        }).ToList();
        await Task.WhenAll(runs);
        Volatile.Write(ref done, true);
        await Task.WhenAll(cleans);
    }

    [Fact]
    public async Task A_run_whose_copy_is_removed_under_its_feet_fetches_again()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "there is no strace: apt-get install strace");
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        var script = world.CachedScript("x");
        await using var late = world.Run("-q", "x").Traced(
            out var trace, "-P", script, "-e", "trace=faccessat2", "-e", "inject=faccessat2:delay_enter=1500000:when=1").Start();
        await Eventually.True(
            () => File.Exists(trace) && File.ReadAllText(trace).Contains("faccessat2(", StringComparison.Ordinal), "it is about to start");
        Directory.Delete(Path.GetDirectoryName(Path.GetDirectoryName(script)!)!, recursive: true);
        (await late.Exit()).Is(0, "ran\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    [RootFact]
    public async Task A_note_of_an_old_fetch_that_cannot_be_removed_stops_no_fetch()
    {
        await using var world = await World.Serving(("/x", Saying("one")));
        await world.Run("x").Succeeds("one\n");
        var key = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(world.CachedScript("x"))!)!);
        var ended = DateTime.UtcNow.Ticks.ToString(CultureInfo.InvariantCulture);
        world.Put($"{world.Cache}/flights/{key}", $"{ended}\n69\nold\n\n", executable: false);
        File.SetUnixFileMode($"{world.Cache}/flights/{key}", (UnixFileMode)0b110_000_000);
        world.GiveTo(1234);
        File.SetUnixFileMode(world.Cache + "/flights", (UnixFileMode)0b101_000_000);
        world.Server["/x"] = Saying("two");
        await world.Run("-u", "x").As(1234).Within(TimeSpan.FromSeconds(20)).Succeeds("two\n");
        File.SetUnixFileMode(world.Cache + "/flights", (UnixFileMode)0b111_000_000);
    }

    [Fact]
    public async Task What_a_killed_fetch_leaves_is_swept_by_any_other()
    {
        await using var world = await World.Serving(("/x", Saying("one")), ("/y", Saying("two")));
        var gate = world.Server.Hold("/x");
        await using (var killed = world.Run("x").Start())
        {
            await gate.Reached;
            killed.Signal(Libc.SIGKILL);
            await killed.Exit();
        }

        gate.Open();
        Assert.NotEmpty(Directory.GetFiles(world.Cache + "/flights"));
        Assert.NotEmpty(Directory.GetFiles(world.Cache + "/tmp"));
        await world.Run("y").Succeeds("two\n");
        Assert.Empty(Directory.GetFiles(world.Cache + "/flights"));
        Assert.Empty(Directory.GetFiles(world.Cache + "/tmp"));
    }
}
