using Run.Tests.Planning;

namespace Run.Tests.Locking;

/// <summary>The lock files: who owns them, and what happens if they cannot be created or locked.</summary>
public sealed class LockFileTests
{
    private const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Theory]
    [InlineData("000")]
    [InlineData("022")]
    [InlineData("777")]
    public async Task They_are_the_users_alone_whatever_the_umask(string umask)
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\numask\n");
        await box.Run("./x").Umask(umask).Succeeds($"0{umask}\n");
        Assert.Equal(PrivateDirectory, File.GetUnixFileMode(box.Locks));
        Assert.Equal(PrivateFile, File.GetUnixFileMode(Assert.Single(Directory.GetFiles(box.Locks))));
    }

    [Fact]
    public async Task Those_that_others_can_read_are_closed()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        await box.Run("./x").Succeeds("ran\n");
        var file = Assert.Single(Directory.GetFiles(box.Locks));
        File.SetUnixFileMode(file, PrivateFile | UnixFileMode.OtherRead);
        File.SetUnixFileMode(box.Locks, PrivateDirectory | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        await box.Run("./x").Succeeds("ran\n");
        Assert.Equal(PrivateDirectory, File.GetUnixFileMode(box.Locks));
        Assert.Equal(PrivateFile, File.GetUnixFileMode(file));
    }

    [Theory]
    [InlineData("--lock")]
    [InlineData("--quiet")]
    public async Task Those_that_others_can_write_are_refused(string option)
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        await box.Run("./x").Succeeds("ran\n");
        var file = Assert.Single(Directory.GetFiles(box.Locks));
        File.SetUnixFileMode(file, PrivateFile | UnixFileMode.GroupWrite);
        await box.Run(option, "./x").Fails(ExitStatus.Refused, file);
        File.SetUnixFileMode(file, PrivateFile);
        File.SetUnixFileMode(box.Locks, PrivateDirectory | UnixFileMode.OtherWrite);
        await box.Run(option, "./x").Fails(ExitStatus.Refused, box.Locks);
    }

    /// <summary>To open a FIFO is to wait for somebody at its other end.</summary>
    [Theory]
    [InlineData("mkfifo -m 600")]
    [InlineData("mkdir -m 700")]
    public async Task What_is_no_file_is_refused_and_nobody_waits(string make)
    {
        await using var world = await World.Serving(("/y", Saying("y")));
        world.Put("x", Saying("ran"));
        await world.Run("./x").Succeeds("ran\n");
        var file = Assert.Single(Directory.GetFiles(world.Locks));

        // A local script has a plan if there is a cache.
        await world.Run("y").Succeeds("y\n");
        await Planned.Is(() => world.Run("./x"), "ran\n");
        await world.Sh($"rm {file}; {make} {file}").Succeeds("");
        var limit = TimeSpan.FromSeconds(30);
        for (var i = 0; i < 2; i++)
        {
            var ran = await world.Run("./x").Within(limit).Result();
            Assert.Equal((0, "ran\n"), (ran.Status, ran.Stdout));
            Assert.Contains("cannot take a lock", ran.Stderr, StringComparison.Ordinal);
        }

        await world.Run("--lock", "./x").Within(limit).Fails(ExitStatus.CannotWrite, "cannot take a lock");
        await world.Run("--ps").Within(limit).Succeeds("");
        await world.Run("--stop", "./x").Within(limit).Succeeds("");
        world.Server["/y"] = Saying("other");
        await world.Run("-u", "y").Within(limit).Succeeds("other\n");
        await world.Run("--clean=1s", "--yes").Within(limit).Succeeds("");
        await world.Run("--clean", "--yes").Within(limit).Succeeds("");
    }

    [RootFact]
    public async Task Another_users_are_refused_and_left_as_they_are()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        box.GiveTo(1234);
        await box.Run("./x").As(1234).Succeeds("ran\n");
        var file = Assert.Single(Directory.GetFiles(box.Locks));
        await box.Run("./x").Fails(ExitStatus.Refused, box.Root, "1234");
        await box.Run("--lock", "./x").Fails(ExitStatus.Refused, box.Root, "1234");
        await box.Exec("stat", "-c", "%u", file, box.Locks).Succeeds("1234\n1234\n");
        await box.Run("--lock", "./x").As(1234).Succeeds("ran\n");
    }

    [Fact]
    [Needs("strace")]
    public async Task If_the_file_system_has_no_locks_a_plain_run_goes_on_and_a_locked_one_does_not()
    {
        // The first fcntl on the lock's descriptor is F_DUPFD, which moves it out of the script's way; the second one locks.
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        await box.Run("./x").Succeeds("ran\n");
        var file = Assert.Single(Directory.GetFiles(box.Locks));
        foreach (var error in (string[])["ENOLCK", "EOPNOTSUPP", "EIO"])
        {
            Command Broken(params string[] arguments) => box.Run(arguments).Traced(
                out _, "-P", file, "-e", "trace=fcntl", "-e", $"inject=fcntl:error={error}:when=2+");

            await Broken("--lock", "./x").Fails(ExitStatus.CannotWrite, box.Locks);
            await Broken("--wait", "./x").Fails(ExitStatus.CannotWrite, box.Locks);
            var plain = await Broken("./x").Result();
            Assert.Equal((0, "ran\n"), (plain.Status, plain.Stdout));
            Assert.StartsWith($"run: cannot take a lock in {box.Locks}: ", plain.Stderr, StringComparison.Ordinal);
            await Broken("--quiet", "./x").Succeeds("ran\n");
        }
    }

    [RootFact]
    public async Task A_read_only_home_stops_no_plain_run()
    {
        using var box = new Sandbox();
        box.PutHolder();
        var readOnly = $"mount --bind {box.Home} {box.Home} && mount -o remount,ro,bind {box.Home}";
        var without = await box.Run("./x").InMountNamespace(readOnly).Result();
        Assert.Equal((0, "started\nended\n"), (without.Status, without.Stdout));
        Assert.Contains(box.StateHome, without.Stderr, StringComparison.Ordinal);
        await box.Run("--lock", "./x").InMountNamespace(readOnly).Fails(ExitStatus.CannotWrite, box.StateHome);

        // If the file exists, shared locks work even on a read-only file system.
        await box.Run("./x").Succeeds("started\nended\n");
        await box.Run("./x").InMountNamespace(readOnly).Succeeds("started\nended\n");
        await using var holder = await box.Holds("--lock", "./x");
        await box.Run("./x").InMountNamespace(readOnly).Fails(ExitStatus.AlreadyRunning, $"(pid {holder.Pid})");
        await holder.Ends();
    }

    [RootFact]
    public async Task A_full_disk_takes_nothing_but_the_name()
    {
        using var box = new Sandbox();
        box.PutHolder();
        var full = $"mount -t tmpfs -o size=4k,nr_inodes=20 none {box.StateHome}; head -c 4096 /dev/zero >{box.StateHome}/full";
        await box.Run("--lock", "./x").InMountNamespace(full).Succeeds("started\nended\n");
    }

    [Fact]
    [Needs("strace")]
    public async Task A_file_that_was_removed_before_it_was_locked_is_not_the_lock()
    {
        // After the first run has opened the file, and before it locks it, the file is removed and another run creates a new one.
        using var box = new Sandbox();
        box.PutHolder();
        await box.Run("./x").Succeeds("started\nended\n");
        var file = Assert.Single(Directory.GetFiles(box.Locks));
        await using var late = box.Run("--lock", "./x").Traced(
            out var trace, "-P", file, "-e", "trace=fcntl", "-e", "inject=fcntl:delay_enter=2000000:when=2").Start();
        await Eventually.True(
            () => File.Exists(trace) && File.ReadAllText(trace).Contains("F_SETLK", StringComparison.Ordinal), "it is about to lock");
        File.Delete(file);
        await using var holder = await box.Holds("--lock", "./x");
        Assert.Equal(75, (await late.Exit()).Status);
        await holder.Ends();
    }

    [Fact]
    public async Task No_secret_is_in_them()
    {
        await using var world = await World.Serving(("/x?token=s3cret", Saying("ran")));
        await world.Run($"{world.Server.Url.Replace("//", "//user:passw0rd@", StringComparison.Ordinal)}/x?token=s3cret").Succeeds("ran\n");
        var content = File.ReadAllText(Assert.Single(Directory.GetFiles(world.Locks)));
        Assert.Contains("/x", content, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", content, StringComparison.Ordinal);
        Assert.DoesNotContain("passw0rd", content, StringComparison.Ordinal);
    }
}
