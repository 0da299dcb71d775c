using Run.Tests.Planning;

namespace Run.Tests.Locking;

/// <summary>
/// <c>--stop</c> and <c>--replace</c> signal a process only if it holds the lock itself and belongs to the user, whatever the script's
/// children do with the descriptor that they inherit.
/// </summary>
public sealed class WhoIsStoppedTests
{
    private const int Somebody = 4321;

    /// <summary>
    /// A script that has a second process with the same descriptors (clone(2), CLONE_FILES), and ends. The lock stays, and still names
    /// the PID of the script, which a bystander gets. In a PID namespace the kernel translates the PID of a process that has ended to 0, so
    /// only the first namespace will do.
    /// </summary>
    [RootFact]
    [Needs("perl")]
    public async Task A_PID_that_only_the_lock_still_names_is_not_signalled()
    {
        Assert.SkipUnless(new FileInfo("/proc/self/ns/pid").LinkTarget == "pid:[4026531836]", "this is not the first PID namespace");
        using var box = new Sandbox();
        box.Put("x", """
            #!/usr/bin/perl
            use POSIX;
            open STDERR, ">", "/dev/null"; # whoever reads it waits for its end
            my $clone = (POSIX::uname)[4] eq 'aarch64' ? 220 : 56;
            sleep 1000 if syscall($clone, 0x400 | 17, 0, 0, 0, 0) == 0;
            """);
        box.Put("recycle", """
            #!/bin/bash
            run --lock ./x </dev/null >out & holder=$!
            wait $holder
            timeout 20 run --stop ./x; echo "ended: $?"
            tries=0 bystander=
            until [ "$bystander" = $holder ]; do
                [ $((tries += 1)) -gt 2000 ] && echo "PID $holder was not given again" && exit 1
                [ -n "$bystander" ] && kill -KILL $bystander && wait $bystander 2>/dev/null
                echo $((holder - 1)) >/proc/sys/kernel/ns_last_pid
                sleep 100 & bystander=$!
            done
            timeout 20 run --stop ./x; echo "given again: $?"
            timeout 20 run --replace ./x; echo "replaced: $?"
            kill -0 $bystander && echo unharmed
            kill $bystander
            """);
        var result = await box.Exec("./recycle").Within(TimeSpan.FromMinutes(2)).Result();
        result.Check(result.Stdout == "ended: 75\ngiven again: 75\nreplaced: 75\nunharmed\n", "a bystander that lives");
        Assert.Equal(3, result.Stderr.Split('\n').Count(static line => line.Contains("cannot be stopped", StringComparison.Ordinal)));
    }

    /// <summary>The script has a child of another user that locks through the inherited descriptor, and ends.</summary>
    [RootFact]
    [Needs("perl", "setpriv")]
    public async Task A_process_of_another_user_is_not_signalled()
    {
        using var box = new Sandbox();
        box.Put("x", $$"""
            #!/bin/sh
            setpriv --reuid {{Somebody}} --clear-groups perl -e '
                use Fcntl; open my $lock, "<&=100" or die;
                for my $start (0, 0x4000000000000000 + ($$ << 39) + 1) {
                    fcntl $lock, F_SETLK, pack("s s x4 q q i x4", F_RDLCK, 0, $start, 1, 0) or die;
                }
                open my $said, ">", "locked"; close $said; sleep 1000' </dev/null >/dev/null 2>&1 &
            echo $! >pid
            until [ -e locked ]; do sleep 0.01; done
            """);
        await box.Exec("chmod", "777", ".").Succeeds("");
        await box.Run("./x").Succeeds("");
        var other = int.Parse(File.ReadAllText(box.Work + "/pid"), System.Globalization.CultureInfo.InvariantCulture);
        await box.Run("--stop", "./x").Fails(ExitStatus.AlreadyRunning, $"(pid {other})", "belongs to another user", $"{Somebody}");
        await box.Run("--replace", "./x").Fails(ExitStatus.AlreadyRunning, $"(pid {other})", "belongs to another user");
        Assert.True(Libc.IsAlive(other));
    }

    /// <summary>The record in a lock file says which script it is for. A child of another script writes that it is for this one.</summary>
    [RootFact]
    [Needs("setpriv")]
    public async Task A_forged_record_stops_no_other_script()
    {
        using var box = new Sandbox();
        var y = box.PutHolder("y");
        await box.Run("./y").Succeeds("started\nended\n");
        box.Put("x", $"""
            #!/bin/sh
            printf './y\000{DigestOf(y)[..32]}\000' >forged
            setpriv --reuid {Somebody} --clear-groups bash -c 'cat forged >&100'
            echo started; read -r _; echo ended
            """);
        foreach (var option in (string[])["--lock", "--lock=name"])
        {
            await using var holder = await box.Holds(option, "./x");
            await box.Run("--stop", "./y").Succeeds("");
            await box.Run("--quiet", "--replace", "./y").Succeeds("started\nended\n");
            await holder.Ends();
        }
    }

    [Fact]
    [Needs("perl")]
    public async Task A_plain_runs_children_can_neither_write_to_the_lock_file_nor_lock_it_alone()
    {
        const string Script = """
            #!/bin/bash
            { echo forged >&100; } 2>/dev/null || echo refused
            perl -e '
                use Fcntl; open my $lock, "<&=100" or die;
                my $range = pack("s s x4 q q i x4", F_WRLCK, 0, 5, 1, 0);
                print fcntl($lock, F_SETLK, $range) ? "locked\n" : "refused\n"'

            """;
        await using var world = await World.Serving(("/x", Script));
        await world.Run("x").Succeeds("refused\nrefused\n");
        await Planned.Is(() => world.Run("x"), "refused\nrefused\n");
    }

    [Fact]
    [Needs("strace")]
    public async Task A_lock_that_cannot_be_looked_at_is_an_error_and_not_a_script_that_does_not_run()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        var file = Assert.Single(Directory.GetFiles(box.Locks));
        foreach (var call in (string[])["openat", "fcntl"])
        {
            foreach (var error in (string[])["EIO", "EACCES", "ENOMEM", "EMFILE"])
            {
                Command Broken(string option, params string[] script) => box.Run([option, .. script]).Traced(
                    out _, "-P", file, "-e", $"trace={call}", "-e", $"inject={call}:error={error}:when=1+");

                await Broken("--stop", "./x").Fails(ExitStatus.CannotWrite, box.Locks);
                await Broken("--ps").Fails(ExitStatus.CannotWrite, box.Locks);
            }
        }

        foreach (var call in (string[])["openat", "getdents64"])
        {
            await box.Run("--ps").Traced(out _, "-P", box.Locks, "-e", $"trace={call}", "-e", $"inject={call}:error=EIO")
                .Fails(ExitStatus.CannotWrite, box.Locks);
        }

        await holder.Ends();
    }
}
