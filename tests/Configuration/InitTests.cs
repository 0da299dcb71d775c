using Run.Posix;

namespace Run.Tests.Configuration;

/// <summary>run --init: a first run.conf.</summary>
public sealed class InitTests
{
    [RootFact]
    public async Task It_writes_the_users_file_and_keeps_an_existing_one()
    {
        using var box = new Sandbox();
        box.GiveTo(65534);
        await box.Run("-I").As(65534).Expect(0, "", $"run: wrote {box.ConfFile}\n");
        var text = File.ReadAllText(box.ConfFile);
        await box.Run("--init").As(65534).Fails(ExitStatus.CannotWrite, box.ConfFile);
        Assert.Equal(text, File.ReadAllText(box.ConfFile));
        Assert.Equal([box.ConfFile], Directory.GetFiles(Path.GetDirectoryName(box.ConfFile)!));
    }

    [RootFact]
    public async Task For_root_it_writes_the_systems_file()
    {
        using var box = new Sandbox();
        Directory.CreateDirectory(box.Root + "/etc");
        var etc = $"mount --bind {box.Root}/etc /etc";
        await box.Run("--init").InMountNamespace(etc).Expect(0, "", "run: wrote /etc/run.conf\n");
        await box.Run("--init").InMountNamespace(etc).Fails(ExitStatus.CannotWrite, "/etc/run.conf");
        Assert.True(File.Exists(box.Root + "/etc/run.conf"));
        Assert.False(File.Exists(box.ConfFile));
    }

    [Fact]
    public async Task It_changes_nothing_and_all_that_it_shows_is_right()
    {
        using var box = new Sandbox();
        await box.Run("-q", "--init", "--config", "dir/new.conf").Succeeds("");
        var text = File.ReadAllText(box.Work + "/dir/new.conf");
        Assert.Equal(await WouldRun.Of(box, "x"), await WouldRun.Of(box, "--config", "dir/new.conf", "x"), Same);

        // What is commented out is valid too, all of it at once.
        box.Put("shown.conf", string.Join('\n', text.Split('\n').Select(static line => IsSetting(line) ? "  " + line[4..] : line)));
        foreach (var script in (string[])["tools:x", $"ops:x#sha256={Sha256.HexOf([])}"])
        {
            Assert.StartsWith("https://git.", (await WouldRun.Of(box, "--config", "shown.conf", script)).Url, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task It_explains_every_key()
    {
        using var box = new Sandbox();
        await box.Run("-q", "-I", "--config", "new.conf").Succeeds("");
        var text = File.ReadAllText(box.Work + "/new.conf");
        string[] words =
        [
            "%s", "{ref}", "url:", "mirrors:", "ref:", "headers:", "max-age:", "lock:", "trust:", "plain-http:", "locks:", "interpreters:",
            "github:",
        ];
        Assert.All(words, word => Assert.Contains(word, text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_dangling_link_counts_as_an_existing_file()
    {
        using var box = new Sandbox();
        File.CreateSymbolicLink(box.Work + "/link.conf", "elsewhere");
        await box.Run("-I", "--config", "link.conf").Fails(ExitStatus.CannotWrite, "link.conf");
        Assert.False(File.Exists(box.Work + "/elsewhere"));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written()
    {
        using var box = new Sandbox();
        box.Put("file", "");
        await box.Run("-I", "--config", "file/run.conf").Fails(ExitStatus.CannotWrite, "file");
        await box.Run("-I", "--config", "/proc/run.conf").Fails(ExitStatus.CannotWrite, "/proc/run.conf");
    }

    /// <summary>A setting that is commented out, not a sentence.</summary>
    private static bool IsSetting(string line) =>
        line.StartsWith("  # ", StringComparison.Ordinal) && (line.Contains(": ", StringComparison.Ordinal) || line.EndsWith(':'));

    private static bool Same(WouldRun one, WouldRun other) => one.Url == other.Url && one.Path == other.Path;
}
