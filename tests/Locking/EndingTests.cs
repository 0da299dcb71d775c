namespace Run.Tests.Locking;

/// <summary><c>--replace</c> and <c>--stop</c> end the holders of the lock, and no other process.</summary>
public sealed class EndingTests
{
    [Fact]
    public async Task Replace_ends_all_that_hold_the_lock_and_takes_over()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var first = await box.Holds("./x");
        await using var second = await box.Holds("./x");
        await using var third = await box.Holds("--replace", "./x");
        Assert.Equal(128 + Libc.SIGTERM, (await first.Exit()).Status);
        Assert.Equal(128 + Libc.SIGTERM, (await second.Exit()).Status);
        Assert.Equal("", third.ErrorsSoFar);
        Assert.Equal($"{third.Pid} exclusive ./x\n", await box.Ps());
        await third.Ends();
        await box.Run("--replace", "./x").Succeeds("started\nended\n");
    }

    [Fact]
    public async Task A_holder_that_ignores_SIGTERM_is_killed_after_ten_seconds()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\ntrap '' TERM\necho started; while :; do sleep 1; done\n");
        await using var holder = await box.Holds("--lock", "./x");
        var result = await box.Run("--stop", "./x").Result();
        Assert.Equal(0, result.Status);
        Assert.InRange(result.Time.TotalSeconds, 10, 20);
        Assert.Contains($"pid {holder.Pid}", result.Stderr, StringComparison.Ordinal);
        Assert.Contains("SIGKILL", result.Stderr, StringComparison.Ordinal);
        Assert.Equal(128 + Libc.SIGKILL, (await holder.Exit()).Status);
    }

    [Fact]
    public async Task Nobody_is_ended_for_a_successor_that_cannot_start()
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.Put("y", "#!/no/such/interpreter\n");
        await using var holder = await box.Holds("--lock=name", "./x");
        await box.Run("--replace", "--lock=name", "./y").Fails(ExitStatus.NotFound, "/no/such/interpreter");
        Assert.Equal($"{holder.Pid} exclusive ./x\n", await box.Ps());
        await holder.Ends();
    }

    [Fact]
    public async Task Stop_ends_every_run_of_the_script_and_only_those()
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.PutHolder("y");
        await box.Run("--stop", "./x").Succeeds("");
        await using var shared = await box.Holds("./x");
        await using var alsoShared = await box.Holds("./x");
        await using var named = await box.Holds("--lock=one", "./x");
        await using var other = await box.Holds("--lock=two", "./y");
        await box.Run("--stop", "./x").Succeeds("");
        foreach (var ended in (Child[])[shared, alsoShared, named])
        {
            Assert.Equal(128 + Libc.SIGTERM, (await ended.Exit()).Status);
        }

        Assert.Equal($"{other.Pid} exclusive ./y\n", await box.Ps());
        await other.Ends();
        await box.Run("--stop", "./x").Succeeds("");
    }

    [Fact]
    public async Task Stop_does_not_mean_those_that_wait()
    {
        using var box = new Sandbox();
        box.PutHolder();
        await using var holder = await box.Holds("--lock", "./x");
        await using var waiting = box.Run("--wait", "./x").InputStaysOpen().Start();
        await waiting.Errors("waiting");
        await box.Run("--stop", "./x").Succeeds("");
        await waiting.Output("started");
        Assert.Equal(128 + Libc.SIGTERM, (await holder.Exit()).Status);
        waiting.CloseInput();
        Assert.Equal("started\nended\n", (await waiting.Exit()).Stdout);
    }

    [Fact]
    public async Task Stop_ends_a_script_whose_file_is_gone()
    {
        using var box = new Sandbox();
        var path = box.PutHolder();
        await using var holder = await box.Holds("./x");
        File.Delete(path);
        await box.Run("--stop", "./x").Succeeds("");
        Assert.Equal(128 + Libc.SIGTERM, (await holder.Exit()).Status);
    }

    /// <summary>
    /// After the replacer has found the holder, and before its next system call, the holder ends and a bystander gets its PID: strace
    /// delays the replacer at that call, and ns_last_pid (proc(5)) chooses the PID.
    /// </summary>
    [RootFact]
    public async Task A_PID_that_has_gone_to_somebody_else_is_not_signalled_when_it_was_looked_up_before() => await Recycle("pidfd_open");

    /// <inheritdoc cref="A_PID_that_has_gone_to_somebody_else_is_not_signalled_when_it_was_looked_up_before"/>
    [RootFact]
    public async Task A_PID_that_has_gone_to_somebody_else_is_not_signalled_when_it_was_opened_before() =>
        await Recycle("pidfd_send_signal");

    private static async Task Recycle(string heldUpAt)
    {
        using var box = new Sandbox();
        box.PutHolder();
        box.Put("recycle", $$"""
            #!/bin/bash
            mkfifo gate && exec 8<>gate
            run --lock ./x <gate >out & holder=$!
            until grep -q started out; do sleep 0.01; done
            strace -f -qq -o trace -e trace={{heldUpAt}} -e inject={{heldUpAt}}:delay_enter=3000000 \
                run --replace ./x </dev/null >out2 & replacer=$!
            until grep -q {{heldUpAt}} trace 2>/dev/null; do sleep 0.01; done
            kill -KILL $holder; wait $holder 2>/dev/null
            tries=0 bystander=
            until [ "$bystander" = $holder ]; do
                [ $((tries += 1)) -gt 200 ] && echo "PID $holder was not given again" && exit 1
                [ -n "$bystander" ] && kill -KILL $bystander
                echo $((holder - 1)) >/proc/sys/kernel/ns_last_pid
                sleep 100 & bystander=$!
            done
            wait $replacer || exit 2
            kill -0 $bystander && echo unharmed
            cat out2
            grep -c '{{heldUpAt}}' trace
            """);
        var result = await box.Exec("./recycle").Through("unshare", "--pid", "--fork", "--mount-proc", "--kill-child").Result();
        result.Check(result.Status == 0 && result.Stdout == "unharmed\nstarted\nended\n1\n", "a bystander that lives");
    }
}
