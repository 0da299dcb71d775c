namespace Run.Tests.Locking;

/// <summary><c>--detach</c>, if its PID cannot be printed.</summary>
public sealed class DetachOutputTests
{
    [Theory]
    [InlineData(">/dev/full")]
    [InlineData(">&-")]
    [InlineData("1</dev/null")]
    public async Task A_script_whose_PID_cannot_be_told_is_not_started(string redirection)
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\ntouch ran\n");
        await box.Sh($"run --detach ./x {redirection}").Fails(ExitStatus.CannotWrite, "standard output");
        Assert.Equal("", await box.Ps());
        Assert.False(Directory.Exists(box.StateHome + "/run/logs"), "nothing was started, so there is no log");
    }

    /// <summary>Only writing to a file shows that its disk is full, and there is a PID only once the script is about to start.</summary>
    [RootFact]
    public async Task If_only_printing_it_shows_that_the_message_has_it()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\nexec sleep 1000\n");
        var full = $"mkdir {box.Root}/full; mount -t tmpfs -o size=4k none {box.Root}/full; head -c 4096 /dev/zero >{box.Root}/full/file";
        var result = await box.Sh($"run --detach ./x >>{box.Root}/full/file").InMountNamespace(full).Result();
        var pid = (await box.Ps()).Split(' ')[0];
        result.Failed(73, "standard output", $"./x is running as pid {pid}");
        await box.Run("--stop", "./x").Succeeds("");
    }
}
