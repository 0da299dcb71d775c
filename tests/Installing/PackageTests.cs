using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Run.Tests.Installing;

/// <summary>The files that scripts/package creates.</summary>
public sealed partial class PackageTests(Release release) : IClassFixture<Release>
{
    [Fact]
    public void The_archive_is_a_tree_for_a_prefix()
    {
        var top = $"run-{release.Version}-{Release.Platform}/";
        Assert.Equal(
            [
                $"755 0 {top}bin/run", $"644 0 {top}share/bash-completion/completions/run", $"644 0 {top}share/doc/run/copyright",
                $"644 0 {top}share/fish/vendor_completions.d/run.fish", $"644 0 {top}share/man/man1/run.1",
                $"644 0 {top}share/zsh/site-functions/_run",
            ],
            release.ArchiveEntries());
    }

    [Fact]
    public async Task The_same_tree_gives_the_same_bytes()
    {
        using var box = new Sandbox();
        (await Release.Package(box, box.Root + "/again", release.Program).Umask("077").Result()).Check(0);
        Assert.Equal(release.Sums, File.ReadAllText($"{box.Root}/again{release.SumsPath}"));
        Assert.Equal(release.Sums, File.ReadAllText($"{box.Root}/again{Release.LatestSumsPath}"));
        await box.Exec("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS")
            .In($"{box.Root}/again/download/v{release.Version}").Succeeds("");
    }

    [Fact]
    public void The_bill_of_materials_has_every_package_of_the_lock_file()
    {
        var file = release.Root + release.ArchivePath.Replace(".tar.gz", ".cdx.json", StringComparison.Ordinal);
        using var bill = JsonDocument.Parse(File.ReadAllText(file));
        using var locked = JsonDocument.Parse(File.ReadAllText(Path.Combine(Suite.Repository, "src/packages.lock.json")));
        var expected = locked.RootElement.GetProperty("dependencies").EnumerateObject()
            .SelectMany(static target => target.Value.EnumerateObject())
            .Select(static package => $"pkg:nuget/{package.Name}@{package.Value.GetProperty("resolved").GetString()}")
            .Distinct().Order(StringComparer.Ordinal);
        var listed = bill.RootElement.GetProperty("components").EnumerateArray().ToList();
        Assert.Equal(expected, listed.Select(static c => c.GetProperty("purl").GetString()!).Order(StringComparer.Ordinal));

        // The licence of everything that is compiled into the program is in the file that is installed with it.
        var licences = File.ReadAllText(Path.Combine(Suite.Repository, "packaging/copyright"));
        foreach (var part in listed.Where(static c => c.GetProperty("scope").GetString() == "required"))
        {
            var name = part.GetProperty("name").GetString()!;
            Assert.True(part.TryGetProperty("licenses", out _), $"{name} has no licence");
            var heading = name.Contains("ILCompiler", StringComparison.Ordinal) ? ".NET runtime" : name;
            Assert.Contains(heading, licences, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Needs("lintian", "dpkg-shlibdeps")]
    public async Task The_Debian_package_is_in_order()
    {
        using var box = new Sandbox();
        var into = box.Root + "/packages";
        (await box.Exec(Path.Combine(Suite.Repository, "scripts/package")).Env("RUN_BINARY", Suite.Binary).Env("RUN_PACKAGES", into)
            .Within(TimeSpan.FromMinutes(3)).Result()).Check(0);
        var package = Assert.Single(Directory.GetFiles($"{into}/download/v{release.Version}", "*.deb"));
        Assert.Contains(Path.GetFileName(package), File.ReadAllText(into + release.SumsPath), StringComparison.Ordinal);

        (await box.Exec("dpkg-deb", "--extract", package, box.Root + "/tree").Result()).Check(0);
        await box.Exec(box.Root + "/tree/usr/bin/run", "--version").Succeeds($"run {release.Version}\n");
        Assert.True(File.Exists(box.Root + "/tree/usr/share/man/man1/run.1.gz"));
        Assert.True(File.Exists(box.Root + "/tree/usr/share/zsh/vendor-completions/_run"));

        var depends = (await box.Exec("dpkg-deb", "--field", package, "Depends").Result()).Stdout;
        // At least what its symbols ask for.
        Assert.InRange(int.Parse(DependsOnGlibc().Match(depends).Groups[1].Value, null), AskedOfGlibc(Suite.Binary), 99);
        var lint = await box.Exec("lintian", "--fail-on", "error,warning", "--allow-root", package)
            .Within(TimeSpan.FromMinutes(3)).Result();
        lint.Check(lint.Status == 0 && lint.Stdout.Length == 0, "nothing from lintian");
    }

    [Fact]
    public async Task A_program_of_another_version_is_not_packaged()
    {
        using var box = new Sandbox();
        var result = (await Release.Package(box, box.Root + "/x", box.Put("old", "#!/bin/sh\necho run 0.0.1\n")).Result()).Check(1);
        Assert.Contains($"says that it is \"run 0.0.1\", not \"run {release.Version}\"", result.Stderr, StringComparison.Ordinal);
        Assert.False(Directory.Exists(box.Root + "/x"));
    }

    /// <summary>The newest version of glibc's symbols that a program asks for, 2.N: read from the ELF itself.</summary>
    private static int AskedOfGlibc(string program) =>
        Symbols().Matches(Encoding.Latin1.GetString(File.ReadAllBytes(program)))
            .Max(static match => int.Parse(match.Groups[1].Value, null));

    [GeneratedRegex(@"\0GLIBC_2\.([0-9]+)(?:\.[0-9]+)?\0")]
    private static partial Regex Symbols();

    [GeneratedRegex(@"^libc6 \(>= 2\.(\d+)\), ")]
    private static partial Regex DependsOnGlibc();
}
