using static Run.Tests.Planning.Planned;

namespace Run.Tests.Caching;

/// <summary>Where the cache is: what somebody else could exchange is not used, and what run has not marked is not removed.</summary>
public sealed class PlaceTests
{
    private const int Other = 65534;

    [Theory]
    [InlineData("tmp")]
    [InlineData("flights")]
    [InlineData("plans")]
    [InlineData("KEY")]
    [InlineData("KEY/VERSION")]
    public async Task All_that_is_in_it_is_checked(string what)
    {
        Assert.SkipUnless(Libc.IsRoot, "only root can give files away");
        await using var world = await World.Serving(("/x", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");
        var version = Path.GetDirectoryName(world.CachedScript("x"))!;
        var path = what switch { "KEY" => Path.GetDirectoryName(version)!, "KEY/VERSION" => version, _ => $"{world.Cache}/{what}" };
        var usual = File.GetUnixFileMode(path);

        // An update comes to all of them but the plans.
        string[] run = what == "plans" ? ["x"] : ["-u", "x"];
        Libc.ChangeOwner(path, Other);
        await world.Run(run).Fails(ExitStatus.Refused, path);
        Libc.ChangeOwner(path, 0);
        File.SetUnixFileMode(path, usual | UnixFileMode.OtherWrite);
        await world.Run(run).Fails(ExitStatus.Refused, path);
        File.SetUnixFileMode(path, usual);
        await world.Run(run).Succeeds("ran\n");
    }

    [Fact]
    public async Task What_gets_its_final_name_is_what_was_hashed()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "there is no strace: apt-get install strace");
        await using var world = await World.Serving(("/x", Saying("one")), ("/y", Saying("other")));
        await world.Run("y").Succeeds("other\n");
        await using var child = world.Run($"x#sha256={DigestOf(Saying("one"))}").Traced(
            out var trace, "-e", "trace=rename", "-e", "inject=rename:delay_enter=2000000:when=1").Start();
        await Eventually.True(
            () => File.Exists(trace) && File.ReadAllText(trace).Contains("rename(", StringComparison.Ordinal), "it is about to rename");
        var staging = Assert.Single(Directory.GetFiles(world.Cache + "/tmp"));
        File.Delete(staging);
        world.Put(staging, Saying("planted"));
        (await child.Exit()).Failed((int)ExitStatus.Refused, "x");
        await world.Run("x").Succeeds("one\n");
    }

    [Fact]
    public async Task It_is_marked_as_a_cache_and_kept_out_of_backups()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        Assert.StartsWith(
            "Signature: 8a477f597d28d172789f06886806bc55\n", File.ReadAllText(world.Cache + "/CACHEDIR.TAG"), StringComparison.Ordinal);
        await world.Run("-cy").Succeeds("");
        await world.Exec("tar", "-C", world.CacheHome, "-c", "--exclude-caches-all", "-f", "/dev/null", "-v", "run").Expect(
            0, "", "tar: run/: contains a cache directory tag CACHEDIR.TAG; directory not dumped\n");
    }

    [Theory]
    [InlineData("")]
    [InlineData("Signature: 8a477f597d28d172789f06886806bc55\n# of another program\n")]
    public async Task Nothing_is_removed_from_a_directory_that_it_has_not_marked(string tag)
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("ran")));
        var directory = Directory.CreateDirectory(world.Home + "/mine", (UnixFileMode)0b111_000_000).FullName;
        string[] precious =
            [$"{directory}/tmp/precious", $"{directory}/tmp/123-abc", $"{directory}/flights/0123456789abcdef0123456789abcdef"];
        foreach (var path in precious)
        {
            world.Put(path, "precious", executable: false);
            File.SetUnixFileMode(Path.GetDirectoryName(path)!, (UnixFileMode)0b111_000_000);
        }

        if (tag.Length > 0)
        {
            world.Put(directory + "/CACHEDIR.TAG", tag, executable: false);
        }

        Command Run(params string[] arguments) => world.Run(arguments).Env("RUN_CACHE", directory);
        await Run("x").Succeeds("ran\n");
        await Run("-u", "x").Succeeds("ran\n");
        await Run("-cy").Fails(ExitStatus.CannotWrite, directory, "not marked");
        await Run("-cy", "x").Fails(ExitStatus.CannotWrite, directory, "not marked");
        await Run("-cy", "y").Expect(0, "", "run: y: not cached\n     did you mean x?\n");
        await Run("x").Succeeds("ran\n");
        Assert.All(precious, static path => Assert.True(File.Exists(path), path));
        Assert.Equal(tag.Length > 0, File.Exists(directory + "/CACHEDIR.TAG"));
    }

    [Fact]
    public async Task A_cache_of_an_earlier_version_is_adopted()
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("ran")));
        await Is(() => world.Run("x"), "ran\n");
        File.Delete(world.Cache + "/CACHEDIR.TAG");
        await world.Run("y").Succeeds("ran\n");
        Assert.True(File.Exists(world.Cache + "/CACHEDIR.TAG"));
        File.Delete(world.Cache + "/CACHEDIR.TAG");
        await world.Run("-cy").Succeeds("");
        await world.Run("--list").Succeeds("");
    }

    [RootFact]
    public async Task Where_somebody_else_could_exchange_it_RUN_CACHE_is_refused()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var theirs = Directory.CreateDirectory(world.Root + "/theirs/deeper").Parent!.FullName;
        Command Run(string cache) => world.Run("x").Env("RUN_CACHE", cache);

        await Is(() => Run(theirs + "/deeper/cache"), "ran\n");
        Libc.ChangeOwner(theirs, Other);
        await Run(theirs + "/deeper/cache").Fails(ExitStatus.Refused, theirs, $"{Other}");
        await Run(theirs + "/cache").Fails(ExitStatus.Refused, theirs, $"{Other}");
        await Run($"{world.Work}/../theirs/cache").Fails(ExitStatus.Refused, theirs);
        await Run("../theirs/cache").Fails(ExitStatus.Refused, theirs);

        // A link on the way, and in the place of the cache: this user's is followed, another user's is not.
        var mine = Directory.CreateDirectory(world.Root + "/mine", (UnixFileMode)0b111_000_000).FullName;
        File.CreateSymbolicLink(world.Root + "/link", mine);
        await Run(world.Root + "/link").Succeeds("ran\n");
        await Run(world.Root + "/link/deeper").Succeeds("ran\n");
        Libc.ChangeOwner(world.Root + "/link", Other);
        await Run(world.Root + "/link").Fails(ExitStatus.Refused, world.Root + "/link", $"{Other}");
        await Run(world.Root + "/link/deeper").Fails(ExitStatus.Refused, world.Root + "/link", $"{Other}");
        await Run(world.Root + "/link").Env("PATH", null).Fails(ExitStatus.Refused, world.Root + "/link");
        await world.Run("-cy").Env("RUN_CACHE", world.Root + "/link").Fails(ExitStatus.Refused, world.Root + "/link");
        File.CreateSymbolicLink(world.Root + "/through", theirs);
        await Run(world.Root + "/through/cache").Fails(ExitStatus.Refused, theirs);

        // The permissions of the directories above are their owners' affair.
        File.SetUnixFileMode(mine, (UnixFileMode)0b111_111_111);
        await Run(mine + "/open").Succeeds("ran\n");
    }

    [Theory]
    [InlineData("HOME")]
    [InlineData("XDG")]
    [InlineData("XDG_CACHE_HOME")]
    [InlineData("XDG_STATE_HOME")]
    public async Task In_the_home_of_another_user_a_private_directory_takes_its_place(string what)
    {
        Assert.SkipUnless(Libc.IsRoot, "only root can give files away");
        await using var world = await World.Serving(("/x", Saying("ran")));
        var conf = world.Put("my.conf", $"sources:\n  default: {world.Server.Url}/%s\n", executable: false);
        var home = Directory.CreateDirectory(world.Root + "/theirs").FullName;
        Libc.ChangeOwner(home, Other);
        Command Run(params string[] arguments)
        {
            var run = world.Run(arguments).Env("RUN_CONFIG", conf);
            if (what.StartsWith("XDG_", StringComparison.Ordinal))
            {
                // The home and the other directory are this user's.
                return run.Env(what, home + "/x");
            }

            run = run.Env("HOME", home);
            return what == "XDG"
                ? run.Env("XDG_CACHE_HOME", home + "/cache").Env("XDG_STATE_HOME", home + "/state").Env("XDG_CONFIG_HOME", null)
                : run.Env("XDG_CACHE_HOME", null).Env("XDG_STATE_HOME", null).Env("XDG_CONFIG_HOME", null);
        }

        for (var i = 0; i < 3; i++)
        {
            var result = await Run("x").Result();
            Assert.Equal((0, "ran\n"), (result.Status, result.Stdout));
            Assert.Single(result.Stderr.TrimEnd('\n').Split('\n'));
            Assert.Contains($"{home} belongs to another user (uid {Other})", result.Stderr, StringComparison.Ordinal);
            Assert.Contains($"using {world.Temporary}/run-0", result.Stderr, StringComparison.Ordinal);
        }

        await Run("-q", "x").Succeeds("ran\n");
        var detached = await Run("--detach", "x").Result();
        Assert.Single(detached.Stderr.Split('\n'), static line => line.Contains("belongs", StringComparison.Ordinal));
        Assert.Equal(1, world.Server.Count("/x"));
        Assert.Empty(Directory.GetFileSystemEntries(home));

        // A cache that is this user's own is no better there.
        Directory.CreateDirectory(home + "/.cache/run");
        Assert.Contains("belongs to another user", (await Run("x").Result()).Stderr, StringComparison.Ordinal);
    }

    [RootFact]
    public async Task A_plan_ends_when_a_directory_above_is_given_away()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        foreach (var directory in (string[])[world.CacheHome, world.Home, Path.GetDirectoryName(world.StateHome)!, world.StateHome])
        {
            await Is(() => world.Run("x"), "ran\n");
            Libc.ChangeOwner(directory, Other);
            await IsNot(() => world.Run("x"));
            Assert.Contains(directory, (await world.Run("x").Result()).Stderr, StringComparison.Ordinal);
            Libc.ChangeOwner(directory, 0);
        }

        // Moved by its owner to where another user could exchange it.
        await Is(() => world.Run("x"), "ran\n");
        Directory.CreateDirectory(world.Root + "/theirs");
        Libc.ChangeOwner(world.Root + "/theirs", Other);
        Directory.Move(world.CacheHome, world.Root + "/theirs/cache");
        File.CreateSymbolicLink(world.CacheHome, world.Root + "/theirs/cache");
        await IsNot(() => world.Run("x"));
    }

    [RootFact]
    public async Task In_a_user_namespace_roots_directories_have_no_owner_and_are_used()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        const int user = 1234;
        world.GiveTo(user);
        var can = await world.Exec("unshare", "-Ur", "true").As(user).Result();
        Assert.SkipUnless(can.Status == 0, "user namespaces are not to be had here");
        foreach (var option in (string[])["-Ur", "-U"])
        {
            await world.Run("x").Through("unshare", option).As(user).Succeeds("ran\n");
        }

        Assert.Equal(1, world.Server.Count("/x"));
    }
}
