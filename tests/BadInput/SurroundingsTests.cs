namespace Run.Tests.BadInput;

/// <summary>Environments that lack something that is nearly always there.</summary>
public sealed class SurroundingsTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("relative/home")]
    public async Task Without_a_home_a_private_directory_takes_its_place(string? home)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var conf = world.Put("my.conf", $"sources:\n  default: {world.Server.Url}/%s\n");
        for (var i = 0; i < 3; i++)
        {
            await Homeless(world.Run("x"), home).Env("RUN_CONFIG", conf).Succeeds("ran\n");
        }

        Assert.Equal(1, world.Server.Count("/x"));
        Assert.Equal([conf], Directory.GetFileSystemEntries(world.Work));
        var directory = Assert.Single(Directory.GetDirectories(world.Temporary));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
    }

    [RootFact]
    public async Task A_directory_in_its_place_that_is_not_the_users_alone_is_refused()
    {
        using var box = new Sandbox();
        var theirs = Directory.CreateDirectory($"{box.Temporary}/run-0").FullName;
        box.Put("x", Saying("ran"));
        Libc.ChangeOwner(theirs, 65534);
        await Homeless(box.Run("./x"), null).Fails(ExitStatus.Refused, theirs);
        Libc.ChangeOwner(theirs, 0);
        File.SetUnixFileMode(theirs, (UnixFileMode)0b111_111_111);
        await Homeless(box.Run("./x"), null).Fails(ExitStatus.Refused, theirs);
        Directory.Delete(theirs);
        File.CreateSymbolicLink(theirs, box.Work);
        await Homeless(box.Run("./x"), null).Fails(ExitStatus.Refused, theirs);
    }

    [Fact]
    public async Task Without_an_environment_at_all()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        await Homeless(box.Run("./x"), null).Env("PATH", null).Env("LANG", null).Succeeds("ran\n");
    }

    [RootFact]
    public async Task Without_proc()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.Put("y", Saying("ran"));
        const string NoProc = "umount -l /proc";
        await world.Run("x").InMountNamespace(NoProc).Succeeds("ran\n");
        await world.Run("x").InMountNamespace(NoProc).Succeeds("ran\n");
        await world.Run("./y").InMountNamespace(NoProc).Succeeds("ran\n");
        await world.Run("--lock", "./y").InMountNamespace(NoProc).Succeeds("ran\n");
        Assert.StartsWith("x ", (await world.Run("--list").InMountNamespace(NoProc).Result()).Stdout, StringComparison.Ordinal);
        await world.Run("missing").InMountNamespace(NoProc).Fails(ExitStatus.NotFound, "missing");
    }

    [Fact]
    public async Task With_hardly_any_descriptors_it_works_or_says_why_not()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        // The process becomes echo, because a shell needs descriptors of its own.
        TestFile.Write(world.Put("echo", ""), File.ReadAllBytes("/bin/echo"));
        for (var limit = 4; limit <= 20; limit++)
        {
            // The launcher has only the three standard streams open.
            var local = await world.Run("./echo", "ran").Limit("nofile", limit).Result();
            local.Check(local is { Status: 0, Stdout: "ran\n" }, "the program");
            local.Check(
                !local.Stderr.Contains("success", StringComparison.Ordinal) && local.Stderr.Split('\n').Length <= 3, "a note at most");

            var fetched = await world.Run("-v", "x").Limit("nofile", limit).Env("RUN_CACHE", $"{world.Root}/{limit}").Result();
            if (fetched.Status == 0)
            {
                fetched.Is(0, Saying("ran"));
            }
            else
            {
                fetched.Check(
                    (ExitStatus)fetched.Status is ExitStatus.Unavailable or ExitStatus.CannotWrite or ExitStatus.Configuration,
                    "a status of its own");
                fetched.Failed(fetched.Status);
                Assert.DoesNotMatch("Socket|TooMany", fetched.Stderr);
                if ((ExitStatus)fetched.Status == ExitStatus.Unavailable)
                {
                    Assert.Contains("too many open files", fetched.Stderr, StringComparison.Ordinal);
                    fetched.Check(fetched.Time < TimeSpan.FromSeconds(10), "no try that cannot succeed");
                }
            }
        }

        await world.Run("x").Limit("nofile", 64).Succeeds("ran\n");
    }

    [RootFact]
    public async Task With_a_home_that_is_not_there_and_cannot_be_made()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        box.GiveTo(65534);
        await Homeless(box.Run("./x"), "/nonexistent").As(65534).Succeeds("ran\n");
        await Homeless(box.Run("--lock", "./x"), "/nonexistent").As(65534).Succeeds("ran\n");
        Assert.Equal([$"{box.Temporary}/run-65534"], Directory.GetDirectories(box.Temporary));
    }

    [Fact]
    public async Task In_a_directory_that_is_gone()
    {
        using var box = new Sandbox();
        await box.Sh("mkdir gone; cd gone; rmdir ../gone; exec run /bin/echo ran").Succeeds("ran\n");
        await box.Sh("mkdir gone; cd gone; rmdir ../gone; exec run ./x").Fails(ExitStatus.NotFound, "./x");
    }

    private static Command Homeless(Command command, string? home) =>
        command.Env("HOME", home).Env("XDG_CACHE_HOME", null).Env("XDG_STATE_HOME", null).Env("XDG_CONFIG_HOME", null);
}
