using System.Globalization;
using System.Security.Cryptography;

namespace Run.Tests.Machines;

/// <summary><c>--on</c> with a real Slurm: one node on loopback, with a munge of its own.</summary>
[Needs("munged", "slurmctld", "slurmd", "srun", "sbatch", "sinfo")]
public sealed class SlurmTests
{
    [Fact]
    public async Task Jobs_get_the_bytes_that_were_found_here()
    {
        await using var world = await World.Serving(("/words", "#!/bin/sh\nfor a; do printf '[%s]' \"$a\"; done >words; exit 7\n"));
        var node = world.Root + "/node";
        await using var slurm = await Cluster.Start(world);
        world.Conf($$"""
            {{File.ReadAllText(world.ConfFile)}}
            launchers:
              job: srun -n1 env RUN_CACHE={{node}}
              file: {command: srun -n1, hands: path}
              batch: {command: sbatch --quiet --wait --wrap, quoting: shell}

            """);

        // srun starts the words as they are, and sbatch makes a script of one text. Both have the script's status.
        string[] words = [.. QuotingTests.Hard, new string('x', 50_000)];
        var told = string.Concat(words.Select(static word => $"[{word}]"));
        foreach (var launcher in (string[])["job", "file", "batch"])
        {
            var result = await world.Run(["--on", launcher, "words", .. words]).Result();
            result.Check(result.Status == 7, "the status of the script");
            Assert.Equal(told, Posix.OsText.FromBytes(File.ReadAllBytes(world.Work + "/words")));
            File.Delete(world.Work + "/words");
        }

        Assert.Single(Directory.GetFiles(node, "words", SearchOption.AllDirectories));

        // A node to which the server shows another face refuses it.
        Directory.Delete(node, recursive: true);
        world.Server["/words"] = Saying("other");
        var refused = await world.Run("--on", "job", "words").Result();
        refused.Check(refused is { Status: 65, Stdout: "" }, "status 65 and nothing run");
        Assert.Contains("the digest does not match", refused.Stderr, StringComparison.Ordinal);
    }

    private sealed class Cluster(Child[] daemons) : IAsyncDisposable
    {
        public static async Task<Cluster> Start(Sandbox box)
        {
            Assert.SkipUnless(Libc.IsRoot, "slurmd starts jobs as other users, for which it must be root");
            var directory = Directory.CreateDirectory(box.Root + "/slurm").FullName;
            foreach (var name in (string[])["munge", "state", "spool"])
            {
                Directory.CreateDirectory($"{directory}/{name}", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                    | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
            }

            TestFile.Write(directory + "/key", RandomNumberGenerator.GetBytes(64));
            File.SetUnixFileMode(directory + "/key", UnixFileMode.UserRead | UnixFileMode.UserWrite);
            TestFile.Write(directory + "/slurm.conf", string.Create(CultureInfo.InvariantCulture, $"""
                ClusterName=one
                SlurmctldHost=localhost(127.0.0.1)
                SlurmUser=root
                SlurmctldPort={Ports.Free()}
                SlurmdPort={Ports.Free()}
                AuthType=auth/munge
                AuthInfo=socket={directory}/munge/socket
                CredType=cred/munge
                StateSaveLocation={directory}/state
                SlurmdSpoolDir={directory}/spool
                SlurmctldPidFile={directory}/slurmctld.pid
                SlurmdPidFile={directory}/slurmd.pid
                ProctrackType=proctrack/pgid
                TaskPlugin=task/none
                JobAcctGatherType=jobacct_gather/none
                SelectType=select/cons_tres
                MpiDefault=none
                ReturnToService=2
                NodeName=one NodeHostname={Environment.MachineName} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
                PartitionName=all Nodes=one Default=YES State=UP

                """));
            box.Variables["SLURM_CONF"] = directory + "/slurm.conf";
            var munge = box.Exec(
                "/usr/sbin/munged", "--foreground", "--force", $"--key-file={directory}/key", $"--socket={directory}/munge/socket",
                $"--pid-file={directory}/munge/pid", $"--log-file={directory}/munge/log", $"--seed-file={directory}/munge/seed").Start();
            await Started(() => Task.FromResult(File.Exists(directory + "/munge/socket")), munge);
            var controller = box.Exec("/usr/sbin/slurmctld", "-D", "-f", directory + "/slurm.conf").Start();
            var node = box.Exec("/usr/sbin/slurmd", "-D", "-N", "one", "-f", directory + "/slurm.conf").Start();
            await Started(async () => (await box.Exec("sinfo", "-h", "-o", "%T").Result()).Stdout == "idle\n", munge, controller, node);
            return new Cluster([node, controller, munge]);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var daemon in daemons)
            {
                await daemon.DisposeAsync();
            }
        }

        /// <summary>Waits for a daemon. What stops one is the machine's affair: then the test is skipped, with what it said.</summary>
        private static async Task Started(Func<Task<bool>> isUp, params Child[] daemons)
        {
            var deadline = DateTimeOffset.UtcNow + Eventually.Deadline;
            while (!await isUp())
            {
                if (DateTimeOffset.UtcNow > deadline || Array.Exists(daemons, static daemon => daemon.HasExited))
                {
                    var said = string.Concat(daemons.Select(static daemon => daemon.ErrorsSoFar + daemon.OutputSoFar));
                    foreach (var daemon in daemons)
                    {
                        await daemon.DisposeAsync();
                    }

                    Assert.Skip($"Slurm cannot be started here: {said}");
                }

                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }
}
