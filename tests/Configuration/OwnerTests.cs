namespace Run.Tests.Configuration;

/// <summary>Whose run.conf it is: it chooses what runs, so it must be the user's or root's.</summary>
public sealed class OwnerTests
{
    private const int User = 1234, Other = 65534;

    [RootFact]
    public async Task Another_users_run_conf_is_refused_and_roots_is_not()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        world.GiveTo(User);
        Command Run(params string[] arguments) => world.Run([.. arguments, "x"]).As(User);
        await Planning.Planned.Is(() => Run(), "ran\n");
        string[][] ways = [[], ["--config", world.ConfFile]];
        foreach (var way in ways)
        {
            Libc.ChangeOwner(world.ConfFile, User);
            await Run(way).Succeeds("ran\n");
            Libc.ChangeOwner(world.ConfFile, Other);
            await Run(way).Fails(ExitStatus.Refused, world.ConfFile, $"{Other}");
            Libc.ChangeOwner(world.ConfFile, 0);
            await Run(way).Succeeds("ran\n");
        }

        // Root with the home of a user.
        Libc.ChangeOwner(world.ConfFile, User);
        await world.Run("x").Env("XDG_CACHE_HOME", null).Env("RUN_CACHE", "/tmp").Fails(ExitStatus.Refused);

        // A link of another user's.
        File.Move(world.ConfFile, world.Work + "/real.conf");
        File.CreateSymbolicLink(world.ConfFile, world.Work + "/real.conf");
        Libc.ChangeOwner(world.ConfFile, User);
        await Run().Succeeds("ran\n");
        Libc.ChangeOwner(world.ConfFile, Other);
        await Run("-q").Fails(ExitStatus.Refused, world.ConfFile, $"{Other}");
    }

    [Fact]
    public async Task One_that_everybody_can_write_is_refused_and_one_of_the_group_is_not()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Planning.Planned.Is(() => world.Run("x"), "ran\n");
        File.SetUnixFileMode(world.ConfFile, (UnixFileMode)0b110_110_110);
        await world.Run("x").Fails(ExitStatus.Refused, world.ConfFile, $"chmod o-w {world.ConfFile}");
        await world.Run("x").Env("RUN_CONFIG", world.ConfFile).Fails(ExitStatus.Refused, world.ConfFile);
        File.SetUnixFileMode(world.ConfFile, (UnixFileMode)0b110_110_100);
        await world.Run("x").Succeeds("ran\n");
    }

    [Fact]
    public async Task A_pipe_and_a_device_have_no_owner_to_ask()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var conf = File.ReadAllText(world.ConfFile);
        await world.Run("--config", "/dev/stdin", "x").Input(conf).Succeeds("ran\n");
        await world.Exec("bash", "-c", $"run --config <(cat {world.ConfFile}) x").Succeeds("ran\n");
        await world.Run($"{world.Server.Url}/x").Env("RUN_CONFIG", "/dev/null").Succeeds("ran\n");
    }
}
