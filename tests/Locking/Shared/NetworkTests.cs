using System.Diagnostics;

namespace Run.Tests.Locking.Shared;

/// <summary>Two machines and a server, in network namespaces.</summary>
[Needs("ip", "nsenter", "hostname")]
public sealed class NetworkTests
{
    private static readonly TimeSpan s_promised = TimeSpan.FromSeconds(30);

    [RootFact]
    public async Task Of_24_starts_on_12_homes_none_overlap_and_all_run()
    {
        using var network = new Network(2);
        await using var server = await PostgreSql.Start("*", network.On(0));
        var database = server.Database();
        var boxes = Enumerable.Range(0, 12).Select(i => (Machine: 1 + (i % 2), Box: NewBox(server, database, 1 + (i % 2)))).ToList();
        using var common = new Sandbox();
        try
        {
            // A directory can be made only once: it shows that nobody else is at it.
            var script = $"#!/bin/sh\nmkdir {common.Work}/busy || exit 9\nsleep 0.05\nrmdir {common.Work}/busy\necho ran\n";
            var runs = boxes.SelectMany(one => Enumerable.Range(0, 2).Select(turn =>
            {
                one.Box.Put($"job{turn}", script);
                return On(network, one.Machine, one.Box, "-q", "--wait=100", "--lock=fleet:job", $"./job{turn}").Start();
            })).ToList();
            foreach (var run in runs)
            {
                (await run.Exit()).Is(0, "ran\n");
                await run.DisposeAsync();
            }

            Assert.Equal(0, server.Locked(database));
        }
        finally
        {
            boxes.ForEach(static one => one.Box.Dispose());
        }
    }

    [RootFact]
    public async Task A_machine_that_is_cut_off_is_told_before_another_one_can_begin()
    {
        using var network = new Network(2);
        await using var server = await PostgreSql.Start("*", network.On(0));
        var database = server.Database();
        using var one = NewBox(server, database, 1);
        using var two = NewBox(server, database, 2);
        one.Put("telling", Machines.Telling);
        await using var script = On(network, 1, one, "--lock=fleet:job", "./telling").Start();
        await script.Output("started");
        await On(network, 2, two, "--lock=fleet:job", "./x").Fails(
            ExitStatus.AlreadyRunning, $"./telling is already running on web1 (pid {script.Pid}) and holds the lock fleet:job");

        network.Cut(1);
        var cut = Stopwatch.StartNew();
        await using var waiting = On(network, 2, two, "--wait=60", "--lock=fleet:job", "./x").Start();
        (await script.Exit()).Is(9, "started\ntold\n");
        var told = cut.Elapsed;
        Assert.False(waiting.HasExited);
        var result = await waiting.Exit();
        var free = cut.Elapsed;
        Assert.Equal((0, "started\nended\n"), (result.Status, result.Stdout));
        TestContext.Current.TestOutputHelper?.WriteLine($"told after {told.TotalSeconds:0.0} s, free after {free.TotalSeconds:0.0} s");
        Assert.True(told < free && free < s_promised, $"told after {told.TotalSeconds} s, free after {free.TotalSeconds} s");

        // What cannot be reached is an error, within the same time.
        var asked = Stopwatch.StartNew();
        var refused = await On(network, 1, one, "--lock=fleet:job", "./x").Result();
        refused.Failed(69, "fleet: ");
        Assert.True(asked.Elapsed < s_promised, $"an error after {asked.Elapsed.TotalSeconds} s");
        network.Mend(1);
    }

    private static Sandbox NewBox(PostgreSql server, string database, int machine) =>
        Machines.New(server.Url(database, host: Network.Address(machine)));

    private static Command On(Network network, int machine, Sandbox box, params string[] arguments) =>
        box.Run(arguments).Through(network.On(machine));
}
