using static Run.Tests.Planning.Planned;

namespace Run.Tests.Planning;

/// <summary>Planned runs of local scripts: the file that the name leads to now is run, under its lock.</summary>
public sealed class LocalTests
{
    [Fact]
    public async Task The_same_name_is_another_script_in_another_directory()
    {
        using var box = Box();
        box.Put("a/x", Saying("a"));
        box.Put("b/x", Saying("b"));
        Command In(string directory) => box.Run("./x").In(box.Work + "/" + directory);
        await Is(() => In("a"), "a\n");
        await NoLonger(() => In("b"), "b\n");
        await Is(() => In("b"), "b\n");
        await In("a").Succeeds("a\n");

        Directory.Move(box.Work + "/a", box.Work + "/c");
        Directory.Move(box.Work + "/b", box.Work + "/a");
        await NoLonger(() => In("a"), "b\n");
        Directory.Delete(box.Work + "/a", recursive: true);
        Directory.CreateDirectory(box.Work + "/a");
        await In("a").Fails(ExitStatus.NotFound, "./x");
    }

    [Fact]
    public async Task An_edit_counts_at_once()
    {
        using var box = Box();
        var path = box.Put("x", Saying("one"));
        await Is(() => box.Run(path), "one\n");
        box.Put("x", Saying("two"));
        await NoLonger(() => box.Run(path), "two\n");
        await Is(() => box.Run(path), "two\n");
        box.Put("x", "echo no first line\n");
        await box.Run(path).Succeeds("no first line\n");
        box.Put("x", Saying("two"), executable: false);
        await box.Run(path).Succeeds("two\n");
    }

    [Fact]
    public async Task The_lock_is_that_of_the_file_that_a_link_leads_to_now()
    {
        using var box = Box();
        box.Put("one", Waiting);
        box.Put("two", Waiting);
        File.CreateSymbolicLink(box.Work + "/x", "one");
        await Is(() => box.Run("./x"), "ran\n");
        await using var holder = box.Run("--lock", "./two").InputStaysOpen().Start();
        await holder.Output("ran");
        await box.Run("./x").Succeeds("ran\n");
        File.Delete(box.Work + "/x");
        File.CreateSymbolicLink(box.Work + "/x", "two");
        await box.Run("./x").Fails(ExitStatus.AlreadyRunning, "./x", $"(pid {holder.Pid})");
    }

    [Fact]
    public async Task A_lock_that_is_held_is_said_to_be()
    {
        using var box = Box();
        box.Put("x", Waiting);
        await Is(() => box.Run("./x"), "ran\n");
        await using var holder = box.Run("--lock", "./x").InputStaysOpen().Start();
        await holder.Output("ran");
        await box.Run("./x").Fails(ExitStatus.AlreadyRunning, "./x is already running", $"(pid {holder.Pid})");
        holder.CloseInput();
        await holder.Exit();
        await Is(() => box.Run("./x"), "ran\n");
    }

    [Theory]
    [InlineData("the file")]
    [InlineData("the directory")]
    public async Task A_lock_that_was_removed_is_made_again(string what)
    {
        using var box = Box();
        box.Put("x", Waiting);
        await Is(() => box.Run("./x"), "ran\n");
        var file = Assert.Single(Directory.GetFiles(box.Locks));
        if (what == "the file")
        {
            File.Delete(file);
        }
        else
        {
            Directory.Delete(box.Locks, recursive: true);
        }

        await using var running = box.Run("./x").InputStaysOpen().Start();
        await running.Output("ran");
        Assert.True(File.Exists(file));
        await box.Run("--lock", "./x").Fails(ExitStatus.AlreadyRunning, $"(pid {running.Pid})");
    }

    [Fact]
    public async Task Locks_that_others_can_write_are_refused_though_they_were_planned()
    {
        using var box = Box();
        box.Put("x", Waiting);
        await Is(() => box.Run("./x"), "ran\n");
        foreach (var path in (string[])[box.Locks, Path.GetDirectoryName(box.Locks)!, Assert.Single(Directory.GetFiles(box.Locks))])
        {
            var usual = File.GetUnixFileMode(path);
            File.SetUnixFileMode(path, usual | UnixFileMode.OtherWrite);
            await box.Run("./x").Fails(ExitStatus.Refused, path);
            File.SetUnixFileMode(path, usual);
        }

        await Is(() => box.Run("./x"), "ran\n");
    }

    private const string Waiting = "#!/bin/sh\necho ran\nread line || :\n";

    /// <summary>With a cache, which is where plans are.</summary>
    private static Sandbox Box()
    {
        var box = new Sandbox();
        Directory.CreateDirectory(box.Cache, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return box;
    }
}
