using System.Globalization;

namespace Run.Tests.Machines;

/// <summary><c>--on</c> with <c>etcdctl lock</c> and a real etcd: one at a time, on all machines that ask it.</summary>
[Needs("etcd", "etcdctl")]
public sealed class EtcdTests
{
    [Fact]
    public async Task One_at_a_time_and_all_of_them()
    {
        const int Starts = 8;
        await using var world = await World.Serving(("/alone", """
            #!/bin/sh
            mkdir busy || { echo overlap; exit 1; }
            echo "$*" >>ran
            sleep 0.05
            rmdir busy

            """));
        await using var etcd = await Start(world);
        world.Conf(File.ReadAllText(world.ConfFile) + "launchers:\n  alone: {command: 'etcdctl lock {script} --', hands: path}\n");
        await world.Run("--fetch", "alone").Result();
        var all = await Task.WhenAll(Enumerable.Range(0, Starts).Select(_ => world.Run("--on", "alone", "alone", "-a", "b c").Result()));
        Assert.All(all, static one => one.Is(0, ""));
        Assert.Equal(string.Concat(Enumerable.Repeat("-a b c\n", Starts)), File.ReadAllText(world.Work + "/ran"));

        // A script that fails is a failure of the launcher too. (etcdctl 3.4 has the status 1 for any.)
        Directory.CreateDirectory(world.Work + "/busy");
        var failed = await world.Run("--on", "alone", "alone").Result();
        failed.Check(failed is { Status: not 0, Stdout: "overlap\n" }, "a failure");
    }

    [Fact]
    public async Task Arguments_arrive_byte_for_byte()
    {
        await using var world = await World.Serving(("/tell", "#!/bin/sh\nfor a; do printf '[%s]' \"$a\"; done\n"));
        await using var etcd = await Start(world);
        world.Conf(File.ReadAllText(world.ConfFile) + $"launchers:\n  alone: etcdctl lock x -- env RUN_CACHE={world.Root}/node\n");
        await world.Run(["--on", "alone", "tell", .. QuotingTests.Hard])
            .Succeeds(string.Concat(QuotingTests.Hard.Select(static word => $"[{word}]")));
        Assert.Equal(2, world.Server.Count("/tell"));
    }

    private static async Task<Child> Start(Sandbox box)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (client, peer) = (Url(), Url());
            box.Variables["ETCDCTL_API"] = "3";
            box.Variables["ETCDCTL_ENDPOINTS"] = client;
            var etcd = box.Exec(
                "etcd", "--data-dir", box.Root + "/etcd", "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"default={peer}").Start();
            try
            {
                await etcd.Errors("ready to serve client requests");
                return etcd;
            }
            catch (InvalidOperationException) when (attempt < 5)
            {
                // Another process has taken one of the ports meanwhile.
                await etcd.DisposeAsync();
            }
        }

        static string Url() => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Ports.Free()}");
    }
}
