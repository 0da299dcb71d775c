using Run.Tests.Locking;
using Run.Tests.Planning;

namespace Run.Tests.CommandLine;

/// <summary><c>--clean=AGE</c> removes what nobody has used for so long, and nothing else.</summary>
public sealed class CleanByAgeTests
{
    [Fact]
    public async Task What_is_unused_goes_and_what_is_used_or_running_stays()
    {
        await using var world = await World.Serving(
            ("/old", Saying("old")), ("/used", Saying("used")), ("/runs", Saying("started; read -r _")));
        world.PutHolder("local");
        world.PutHolder("other");
        foreach (var name in (string[])["old", "used", "./local", "./other"])
        {
            await world.Run(name).Result();
        }

        await world.Run("-q", "--detach", "./other").Result();
        await using var holder = await world.Holds("runs");
        await using var local = await world.Holds("./local");
        Age(world, 100);
        await world.Run("used").Succeeds("used\n");
        await world.Run("--clean=90d", "--yes").Succeeds("");

        Assert.Equal(["runs", "used"], Directory.GetFiles(world.Cache, "*", SearchOption.AllDirectories).Select(Path.GetFileName)
            .Where(static name => name is "old" or "used" or "runs").Order(StringComparer.Ordinal));
        Assert.Equal(3, Directory.GetFiles(world.Locks).Length);
        Assert.Empty(Directory.GetFiles(world.StateHome + "/run/logs"));
        Assert.DoesNotContain(
            Directory.GetFiles(world.Cache + "/plans"), static plan => File.GetLastWriteTimeUtc(plan) < DateTime.UtcNow.AddDays(-90));
        var running = await world.Ps();
        Assert.Contains(" shared runs\n", running, StringComparison.Ordinal);
        Assert.Contains(" shared ./local\n", running, StringComparison.Ordinal);
        await local.Ends();
        await world.Run("old").Succeeds("old\n");
        Assert.Equal(2, world.Server.Count("/old"));
    }

    [Fact]
    public async Task A_planned_run_is_a_use_and_so_is_one_under_another_lock()
    {
        await using var world = await World.Serving(("/x", Saying("ran")), ("/y", Saying("ran")));
        await world.Run("y").Succeeds("ran\n");
        await Planned.Is(() => world.Run("x"), "ran\n");
        var day = DateTime.UtcNow.AddHours(-25);
        Age(world, 100);
        await Planned.Is(() => world.Run("x"), "ran\n");
        await world.Run("--lock=name", "y").Succeeds("ran\n");
        await world.Run("--lock=name", "x").Succeeds("ran\n");
        await world.Run("-cy", "--clean=1d").Succeeds("");
        await world.Run("--offline", "x").Succeeds("ran\n");
        await world.Run("--offline", "y").Succeeds("ran\n");
        Assert.All(Directory.GetFiles(world.Locks), path => Assert.True(File.GetLastWriteTimeUtc(path) > day));
    }

    [Fact]
    public async Task The_time_of_the_last_use_is_moved_only_once_a_day()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Succeeds("ran\n");
        var file = Assert.Single(Directory.GetFiles(world.Locks));
        var before = DateTime.UtcNow.AddHours(-23);
        File.SetLastWriteTimeUtc(file, before);
        await Planned.Is(() => world.Run("x"), "ran\n");
        await world.Run("-q", "x").Succeeds("ran\n");
        Assert.InRange(File.GetLastWriteTimeUtc(file), before.AddSeconds(-1), before.AddSeconds(1));
        foreach (var run in (Command[])[world.Run("x"), world.Run("-q", "x")])
        {
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-25));
            await run.Succeeds("ran\n");
            Assert.InRange(File.GetLastWriteTimeUtc(file), DateTime.UtcNow.AddMinutes(-1), DateTime.UtcNow.AddMinutes(1));
        }
    }

    [Fact]
    public async Task Whoever_waits_for_a_lock_file_that_is_removed_gets_another()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        var waiting = Enumerable.Range(0, 5).Select(_ => box.Run("--wait", "./x").Start()).ToList();
        foreach (var child in waiting)
        {
            await child.Errors("waiting");
            child.CloseInput();
        }

        Age(box, 100);
        await box.Run("--clean=1d", "--yes").Succeeds("");
        await holder.Ends();
        await Task.WhenAll(waiting.Select(async child => Assert.Equal("started\nended\n", (await child.Exit()).Stdout)));
    }

    [Theory]
    [InlineData("--clean=90", "90: not an age")]
    [InlineData("--clean=x", "x: not an age")]
    public async Task Anything_but_an_age_is_refused(string option, string message)
    {
        using var box = new Sandbox();
        await box.Run(option, "--yes").Fails(ExitStatus.Usage, message, "such as 90d");
        await box.Run("--clean=1d", "--yes", "x").Fails(ExitStatus.Usage, "--clean=AGE takes no SCRIPT");
        await box.Run("--clean", "90d").Fails(ExitStatus.Usage, "did you mean --clean=90d?");
        await box.Run("--clean=1d").Fails(ExitStatus.Usage, "--yes");
    }

    /// <summary>Makes all that run has written look as if it were that many days older; of the records, what they say as well.</summary>
    internal static void Age(Sandbox box, int days)
    {
        var then = DateTime.UtcNow.AddDays(-days);
        foreach (var root in (string[])[.. ((string[])[box.Cache, box.StateHome + "/run"]).Where(Directory.Exists)])
        {
            foreach (var record in Directory.GetFiles(root, "record*", SearchOption.AllDirectories))
            {
                var seconds = new DateTimeOffset(then).ToUnixTimeSeconds();
                TestFile.Write(record, string.Concat(File.ReadAllLines(record).Select(line =>
                    (line.StartsWith("fetched ", StringComparison.Ordinal) ? $"fetched {seconds}"
                        : line.StartsWith("checked ", StringComparison.Ordinal) ? $"checked {seconds}" : line) + "\n")));
            }

            // The bytes of a script are read again if its time has changed, so it stays as it is.
            foreach (var path in Directory.GetFileSystemEntries(root, "*", SearchOption.AllDirectories)
                .Where(path => Directory.Exists(path) || root != box.Cache || path.Contains("/plans/", StringComparison.Ordinal)))
            {
                File.SetLastWriteTimeUtc(path, then);
            }
        }
    }
}
