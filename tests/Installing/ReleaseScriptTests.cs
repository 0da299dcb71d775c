using System.Text.RegularExpressions;

namespace Run.Tests.Installing;

/// <summary>What a release begins with: scripts/release-notes, scripts/lock, and what scripts/package refuses to release.</summary>
public sealed partial class ReleaseScriptTests
{
    private const string Changes =
        "# Changes\n\n## 1.3.0\n\nNot yet.\n\n## 1.2.3\n\nTwo things:\n\n- one\n- another\n\n## 1.2.30\n\nOf another one.\n";

    [Theory]
    [InlineData("")]
    [InlineData("v1.2.3")]
    public async Task The_notes_are_those_of_this_version_alone(string tag)
    {
        using var box = Tree("release-notes");
        await box.Sh($"scripts/release-notes {tag}").Succeeds("Two things:\n\n- one\n- another\n");
    }

    [Theory]
    [InlineData("v1.2.4")]
    [InlineData("1.2.3")]
    [InlineData("v1.2.3-rc1")]
    public async Task A_tag_that_is_not_of_this_version_is_refused(string tag)
    {
        using var box = Tree("release-notes");
        await box.Sh($"scripts/release-notes {tag}")
            .Expect(1, "", $"release-notes: the tag is {tag}, but Directory.Build.props says 1.2.3\n");
    }

    [Theory]
    [InlineData("# Changes\n\n## 1.2.30\n\nOf another one.\n")]
    [InlineData("# Changes\n\n## 1.2.3\n\n## 1.2.2\n\nOf an older one.\n")]
    public async Task A_version_of_which_nothing_is_written_is_refused(string changes)
    {
        using var box = Tree("release-notes");
        box.Put("CHANGELOG.md", changes);
        await box.Sh("scripts/release-notes").Expect(1, "", "release-notes: CHANGELOG.md says nothing about 1.2.3\n");
    }

    [Fact]
    public async Task This_version_has_notes()
    {
        using var box = new Sandbox();
        var result = (await box.Exec(Path.Combine(Suite.Repository, "scripts/release-notes")).Result()).Check(0);
        Assert.NotEmpty(result.Stdout.Trim());
    }

    [Fact]
    public async Task A_lock_file_differs_from_the_first_in_the_platforms_compiler_alone()
    {
        using var box = Tree("lock");
        var first = File.ReadAllText(Path.Combine(Suite.Repository, "src/packages.lock.json"));
        box.Put("src/packages.lock.json", first);
        // What restores is not asked here, but how the files compare.
        box.Put("../bin/dotnet", "#!/bin/sh\necho 1.0.0 [/nowhere]\n");
        box.Put("global.json", "{\"sdk\": {\n\"version\": \"1.0.0\"\n}}\n");

        var other = first.Replace("linux-x64", "linux-arm64", StringComparison.Ordinal);
        other = Compiler().Replace(other, static match => match.Groups[1].Value + new string('A', 86) + "==");
        Assert.NotEqual(first.Replace("linux-x64", "linux-arm64", StringComparison.Ordinal), other);
        box.Put("src/packages.linux-arm64.lock.json", other);
        await box.Sh("scripts/lock --check linux-x64 linux-arm64").Succeeds("linux-x64: restored, locked\nlinux-arm64: restored, locked\n");

        foreach (var changed in (string[])[
            Hash().Replace(other, "\"contentHash\": \"changed\"", 1),
            other.Replace("\"resolved\": \"8.9.1\"", "\"resolved\": \"8.9.0\"", StringComparison.Ordinal),
        ])
        {
            Assert.NotEqual(other, changed);
            box.Put("src/packages.linux-arm64.lock.json", changed);
            var result = (await box.Sh("scripts/lock --check linux-arm64").Result()).Check(1);
            Assert.Contains("linux-arm64: src/packages.linux-arm64.lock.json differs from", result.Stderr, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GLIBC_2.29 GLIBC_2.4", null)]
    [InlineData("", null)]
    [InlineData("GLIBC_2.9 GLIBC_2.34 GLIBC_2.4", "2.34")]
    [InlineData("GLIBC_2.100", "2.100")]
    public async Task A_program_that_asks_for_too_much_is_not_released(string symbols, string? refused)
    {
        using var box = new Sandbox();
        var program = box.Put("program", $"#!/bin/sh\n# {symbols}\nexec {Suite.Binary} \"$@\"\n");
        var package = box.Exec(Path.Combine(Suite.Repository, "scripts/package"), "--archive-only", "--for-release")
            .Env("RUN_BINARY", program).Env("RUN_PACKAGES", box.Root + "/release");
        if (refused is null)
        {
            (await package.Result()).Check(0);
            return;
        }

        await package.Expect(
            1, "", $"package: {program} needs glibc {refused}, but install.sh says 2.29: build releases in packaging/glibc/Dockerfile\n");
        Assert.False(Directory.Exists(box.Root + "/release"));
    }

    /// <summary>A repository of version 1.2.3, with this script in it.</summary>
    private static Sandbox Tree(string script)
    {
        var box = new Sandbox();
        foreach (var name in (string[])["lib.sh", script])
        {
            box.Put("scripts/" + name, File.ReadAllText(Path.Combine(Suite.Repository, "scripts", name)));
        }

        box.Put(
            "Directory.Build.props", "<Project><PropertyGroup>\n    <VersionPrefix>1.2.3</VersionPrefix>\n</PropertyGroup></Project>\n");
        box.Put("CHANGELOG.md", Changes);
        return box;
    }

    [GeneratedRegex("(runtime\\.[^{]*\\{[^}]*\"contentHash\": \")[^\"]*")]
    private static partial Regex Compiler();

    [GeneratedRegex("\"contentHash\": \"[^\"]*\"")]
    private static partial Regex Hash();
}
