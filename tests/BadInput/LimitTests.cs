namespace Run.Tests.BadInput;

/// <summary>Small limits, and calls of the runtime that fail: a message within a bounded time, or a run; never a crash.</summary>
public sealed class LimitTests
{
    private const int User = 23450;

    /// <summary>Enough for <c>run</c> itself, and for the fetch's threads or not.</summary>
    [RootFact]
    public async Task On_processes()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        for (var most = 1; most <= 12; most++)
        {
            // The kernel counts the threads of all processes that a user has.
            world.GiveTo(User + most);
            await RanOrFailed(world.Run("-u", "x").As(User + most).Limit("nproc", most), most >= 10, "cannot start a thread");
        }
    }

    /// <summary>The message is delayed, so that another thread fails before the process has ended.</summary>
    [RootFact]
    [Needs("strace")]
    public async Task Threads_that_fail_at_the_same_time_report_it_once()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        var failed = 0;
        for (var most = 3; most <= 6; most++)
        {
            var user = User + 20 + most;
            world.GiveTo(user);
            var command = world.Run("-u", "x").Through("setpriv", $"--reuid={user}", "--clear-groups", "prlimit", $"--nproc={most}")
                .Traced(out _, "-e", "trace=write", "-e", "inject=write:delay_enter=500000");
            failed += await RanOrFailed(command, false, "cannot start a thread") == 0 ? 0 : 1;
        }

        Assert.True(failed > 0, "a thread could not be started");
    }

    [Theory]
    [InlineData("as", 24, 90, 100, 110, 120, 130, 140, 160, 200, 400)]
    [InlineData("data", 3, 4, 8, 16, 24, 32, 40, 100)]
    public async Task On_memory(string limit, params int[] megabytes)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        foreach (var size in megabytes)
        {
            await RanOrFailed(world.Run("-u", "x").Limit(limit, (long)size << 20), size == megabytes[^1], "memory");
        }
    }

    /// <summary>Like a limit on processes that is reached for a moment.</summary>
    [Fact]
    [Needs("strace")]
    public async Task A_thread_that_cannot_be_started_at_once_is_started_later()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        for (var which = 1; which <= 8; which++)
        {
            await world.Run("-u", "x").Traced(
                out _, "-e", "trace=clone,clone3", "-e", $"inject=clone,clone3:error=EAGAIN:when={which}..{which + 1}").Succeeds("ran\n");
        }
    }

    [Fact]
    [Needs("strace")]
    public async Task A_number_of_processors_that_cannot_be_read_is_no_failure()
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Traced(out _, "-e", "trace=sched_getaffinity", "-e", "inject=sched_getaffinity:error=EINVAL")
            .Succeeds("ran\n");
    }

    [Theory]
    [Needs("strace")]
    [InlineData("ENOSPC")]
    [InlineData("EIO")]
    public async Task A_disk_on_which_the_file_cannot_be_emptied_is_reported_as_such(string error)
    {
        await using var world = await World.Serving(("/x", Saying("ran")));
        await world.Run("x").Traced(out _, "-e", "trace=ftruncate", "-e", $"inject=ftruncate:error={error}")
            .Fails(ExitStatus.CannotWrite, "cannot be saved");
    }

    private static async Task<int> RanOrFailed(Command command, bool mustRun, string message)
    {
        var result = await command.Within(TimeSpan.FromSeconds(30)).Result();
        if (mustRun || result.Status == 0)
        {
            result.Is(0, "ran\n");
        }
        else
        {
            result.Failed(70, message);
        }

        return result.Status;
    }
}
