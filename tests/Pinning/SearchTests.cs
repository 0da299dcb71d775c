using System.Globalization;

namespace Run.Tests.Pinning;

/// <summary>The look for run.pins: whatever others leave on the way, and whatever fails, no pin is lost.</summary>
public sealed class SearchTests
{
    private const int User = 1234, Other = 65534;

    [Theory]
    [InlineData("a file of mode 600", "sticky")]
    [InlineData("a file of mode 600", "theirs")]
    [InlineData("a dangling link", "sticky")]
    [InlineData("a dangling link", "theirs")]
    [InlineData("a loop", "sticky")]
    [InlineData("a socket", "sticky")]
    [InlineData("a FIFO", "theirs")]
    [InlineData("a directory", "sticky")]
    [InlineData("a link to a file of this user's", "sticky")]
    public async Task In_a_directory_of_another_users_it_says_nothing_whatever_it_is(string what, string where)
    {
        Assert.SkipUnless(Libc.IsRoot, "only root can give files away");
        await using var world = await Forge.Serving(("/plain/x", Saying("now")));
        var shared = Directory.CreateDirectory(world.Root + "/shared").FullName;
        var mine = Directory.CreateDirectory(shared + "/mine").FullName;
        world.GiveTo(User);
        var pins = shared + "/run.pins";
        switch (what)
        {
            case "a file of mode 600":
                world.Put(pins, "garbage\n");
                File.SetUnixFileMode(pins, (UnixFileMode)0b110_000_000);
                break;
            case "a dangling link": File.CreateSymbolicLink(pins, "nowhere"); break;
            case "a loop": File.CreateSymbolicLink(pins, "run.pins"); break;
            case "a FIFO": Libc.MakeFifo(pins); break;
            case "a directory": Directory.CreateDirectory(pins); break;
            case "a link to a file of this user's":
                File.CreateSymbolicLink(pins, world.Put("mine", "garbage\n"));
                Libc.ChangeOwner(world.Work + "/mine", User);
                break;
            default:
                await world.Exec("python3", "-c", $"import socket; socket.socket(socket.AF_UNIX).bind('{pins}')").Succeeds("");
                break;
        }

        Libc.ChangeOwner(pins, Other);
        Libc.ChangeOwner(shared, where == "sticky" ? 0 : Other);
        File.SetUnixFileMode(shared, (UnixFileMode)(where == "sticky" ? 0x3ff : 0x1ed));
        foreach (var directory in (string[])[mine, shared])
        {
            await world.Run("plain:x").In(directory).As(User).Succeeds("now\n");
            await world.Run("plain:x").In(directory).As(User).Succeeds("now\n");
        }

        Assert.Equal(1, world.Server.Count("/plain/x"));
    }

    [RootFact]
    public async Task In_a_directory_of_this_users_another_users_file_is_refused()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("now")));
        var pins = world.Put("run.pins", "garbage\n");
        world.GiveTo(User);
        Libc.ChangeOwner(pins, Other);
        await world.Run("plain:x").As(User).Fails(ExitStatus.Refused, "run.pins", $"{Other}");
    }

    [Theory]
    [InlineData("statx")]
    [InlineData("openat")]
    [InlineData("getcwd")]
    [InlineData("readlink")]
    [InlineData("read")]
    public async Task A_call_that_fails_is_not_the_absence_of_pins(string call)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "there is no strace: apt-get install strace");
        await using var world = await Forge.Serving(("/plain/x", Saying("unpinned")), ("/plain/y", Saying("y")));
        var below = Directory.CreateDirectory(world.Work + "/below").FullName;
        await world.Run("plain:x").In(world.Root).Succeeds("unpinned\n");
        var line = $"plain:x {world.Server.Url}/plain/x sha256:{DigestOf("pinned")}\n";
        var pins = world.Put("run.pins", line);
        await world.Run("plain:x").In(below).Fails(ExitStatus.Data, "plain:x");
        foreach (var error in (string[])["EIO", "ENOMEM", "EACCES", "EINTR"])
        {
            for (var n = 1; ; n++)
            {
                var inject = string.Create(CultureInfo.InvariantCulture, $"inject={call}:error={error}:when={n}");
                var run = await world.Run("-q", "plain:x").In(below).Traced(out var trace, "-e", $"trace={call}", "-e", inject).Result();
                run.Check(run.Status != 0 && !run.Stdout.Contains("unpinned", StringComparison.Ordinal), "nothing that is not pinned");
                if (!File.ReadAllText(trace).Contains("INJECTED", StringComparison.Ordinal))
                {
                    break;
                }
            }
        }

        // Only the calls that name it, or the directories on the way: a fetch has hundreds.
        foreach (var error in (string[])["EIO", "EACCES"])
        {
            for (var n = 1; n <= 12; n++)
            {
                var inject = string.Create(CultureInfo.InvariantCulture, $"inject={call}:error={error}:when={n}");
                TestFile.Write(pins, line);
                string[] places = ["-P", below, "-P", world.Work, "-P", pins, "-P", "..", "-P", "../run.pins", "-P", "."];
                _ = await world.Run("--pin", "plain:y").In(below).Traced(out _, [.. places, "-e", $"trace={call}", "-e", inject]).Result();
                Assert.Contains(line, File.ReadAllText(pins), StringComparison.Ordinal);
                Assert.False(File.Exists(below + "/run.pins"), $"a new one, at {call} {n}");
            }
        }
    }

    [RootFact]
    public async Task A_pin_that_was_killed_does_not_stop_the_next()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "there is no strace: apt-get install strace");
        await using var world = await Forge.Serving(("/plain/x", Saying("now")));
        await world.Run("plain:x").Succeeds("now\n");

        // In a PID namespace of its own each has the same PID.
        Command Pin(string inject) => world.Run("-q", "--pin", "plain:x").Through(
            "unshare", "-pf", "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=rename", "-e", $"inject=rename:{inject}");

        // The cache's own files are renamed first.
        for (var n = 1; n <= 4 && Directory.GetFiles(world.Work).Length == 0; n++)
        {
            _ = await Pin($"signal=KILL:when={n}").Result();
        }

        Assert.False(File.Exists(world.Work + "/run.pins"));
        Assert.NotEmpty(Directory.GetFiles(world.Work));
        await Pin("delay_enter=0:when=99").Succeeds("");
        Assert.Equal(["run.pins"], Directory.GetFiles(world.Work).Select(Path.GetFileName));
    }

    [RootFact]
    public async Task A_file_of_roots_above_a_directory_of_roots_counts()
    {
        await using var world = await Forge.Serving(("/plain/x", Saying("now")));
        var sub = Directory.CreateDirectory(world.Root + "/repository/sub/deeper").FullName;
        world.GiveTo(User);
        var top = world.Root + "/repository";
        world.Put(top + "/run.pins", $"plain:x {world.Server.Url}/plain/x sha256:{DigestOf(Saying("pinned"))}\n");
        foreach (var path in (string[])[top, top + "/run.pins", top + "/sub", sub])
        {
            Libc.ChangeOwner(path, 0);
        }

        foreach (var directory in (string[])[top, top + "/sub", sub])
        {
            await world.Run("plain:x").In(directory).As(User).Fails(ExitStatus.Data, "plain:x");
        }

        // Above another user's, nothing counts.
        Libc.ChangeOwner(top + "/sub", Other);
        await world.Run("plain:x").In(sub).As(User).Succeeds("now\n");
    }
}
