using System.Security.Cryptography;

namespace Run.Tests.Installing;

/// <summary>install.sh as people use it: piped into a shell, from a server on loopback that has the files of scripts/package.</summary>
public sealed class InstallTests(Release release) : IClassFixture<Release>
{
    private static readonly string s_script = File.ReadAllText(Path.Combine(Suite.Repository, "install.sh"));

    private static readonly string[] s_installed =
    [
        "bin/run", "share/bash-completion/completions/run", "share/doc/run/copyright", "share/fish/vendor_completions.d/run.fish",
        "share/man/man1/run.1", "share/zsh/site-functions/_run",
    ];

    public static TheoryData<string> Shells => new("dash", "bash", "bash --posix", "busybox sh");

    [Theory, MemberData(nameof(Shells))]
    public async Task It_installs_upgrades_and_uninstalls(string shell)
    {
        using var box = new Sandbox();
        await using var server = await Serve();

        var result = (await Install(box, server.Url, shell).Result()).Check(0);
        Assert.StartsWith($"install.sh: run {release.Version} is in {Prefix(box)}/bin\n", result.Stdout, StringComparison.Ordinal);
        Assert.Contains($"export PATH=\"{Prefix(box)}/bin:$PATH\"", result.Stdout, StringComparison.Ordinal);
        Assert.Equal(s_installed, Installed(box));
        await box.Exec(Prefix(box) + "/bin/run", "--version").Succeeds($"run {release.Version}\n");

        var before = File.GetCreationTimeUtc(Prefix(box) + "/bin/run");
        await Install(box, server.Url, shell).Env("RUN_VERSION", release.Version).Env("PATH", $"{Prefix(box)}/bin:{box.Variables["PATH"]}")
            .Succeeds($"install.sh: run {release.Version} is in {Prefix(box)}/bin\n");
        Assert.Equal(s_installed, Installed(box));
        Assert.NotEqual(before, File.GetCreationTimeUtc(Prefix(box) + "/bin/run"));

        await Install(box, server.Url, shell, "--uninstall").Succeeds($"install.sh: run is no longer in {Prefix(box)}\n");
        Assert.Empty(Installed(box));
        await Install(box, server.Url, shell, "--uninstall").Expect(
            1, "", $"install.sh: there is no {Prefix(box)}/bin/run\n            PREFIX=... names another place\n");
        Assert.Empty(Directory.EnumerateFileSystemEntries(box.Temporary));
    }

    [Fact]
    [Needs("curl")]
    public async Task The_program_itself_is_installed_by_a_pipe_from_curl()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        (await Release.Package(box, box.Root + "/release", Suite.Binary).Result()).Check(0);
        Release.Serve(box.Root + "/release", server);
        server["/install.sh"] = s_script;
        var command = box.Sh($"curl -fsSL {server.Url}/install.sh | sh").Env("RUN_RELEASES", server.Url);
        if (Libc.IsRoot)
        {
            box.GiveTo(65534);
            command.As(65534);
        }

        (await command.Result()).Check(0);
        await box.Exec(box.Home + "/.local/bin/run", "--version").Succeeds($"run {release.Version}\n");
        Assert.Equal(File.ReadAllBytes(Suite.Binary), File.ReadAllBytes(box.Home + "/.local/bin/run"));
    }

    [Theory, MemberData(nameof(Shells))]
    public async Task Nothing_is_installed_of_what_is_not_right(string shell)
    {
        using var box = new Sandbox();
        await using var server = await Serve();
        var corrupted = release.Archive;
        corrupted[corrupted.Length / 2] ^= 1;

        server.Bytes(release.ArchivePath, corrupted);
        await Refuses("is not what it should be, and nothing was installed");
        server.Bytes(release.ArchivePath, release.Archive[..^1000]);
        await Refuses("is not what it should be, and nothing was installed");
        server.Status(release.ArchivePath, 404);
        await Refuses($"{server.Url}{release.ArchivePath} cannot be fetched");
        release.ServeOn(server);

        server[Release.LatestSumsPath] = release.Sums.Replace(Release.Platform, "linux-vax", StringComparison.Ordinal);
        await Refuses($"there is no build for {Release.Platform}, only for linux-vax");
        server[Release.LatestSumsPath] = "<!DOCTYPE html><title>Sign in</title>\n";
        await Refuses("is not a list of checksums");
        server.Status(Release.LatestSumsPath, 403);
        await Refuses($"{server.Url}{Release.LatestSumsPath} cannot be fetched");

        async Task Refuses(string why)
        {
            var result = await Install(box, server.Url, shell).Result();
            result.Check(1);
            result.Check(result.Stdout.Length == 0 && result.Stderr.Contains(why, StringComparison.Ordinal), why);
            Assert.Empty(Installed(box));
            Assert.Empty(Directory.EnumerateFileSystemEntries(box.Temporary));
        }
    }

    [Fact]
    public async Task An_archive_that_breaks_off_is_not_installed()
    {
        using var box = new Sandbox();
        await using var server = await Serve();
        server.Map(release.ArchivePath, async context =>
        {
            context.Response.ContentLength = release.Archive.Length;
            await context.Response.Body.WriteAsync(release.Archive.AsMemory(0, 1000));
            context.Abort();
        });
        (await Install(box, server.Url).Result()).Check(1);
        Assert.Empty(Installed(box));
    }

    [Fact]
    public async Task A_script_that_was_cut_short_does_nothing()
    {
        using var box = new Sandbox();
        box.Put("releases/x", "");
        var lastLine = s_script.TrimEnd().LastIndexOf('\n') + 1;
        Assert.Equal("main \"$@\"\n", s_script[lastLine..]);

        // One shell reads many lines, each of which hands a cut script to a shell of its own: that saves a start by the launcher each time.
        var cuts = Enumerable.Range(0, lastLine).Where(at => s_script[at] is '\n' or '|' or ';' or '"')
            .Append(lastLine - 1).Append(lastLine + 3);
        foreach (var cut in cuts.Chunk(40))
        {
            var line = string.Concat(cut.Select(at => $"head -c {at} install.sh | sh >/dev/null 2>&1\n"));
            box.Put("install.sh", s_script);
            await box.Sh(line + "true").Env("PREFIX", Prefix(box)).Env("RUN_RELEASES", "file:" + release.Root).Succeeds("");
            Assert.False(Directory.Exists(Prefix(box)), "a cut script has installed something");
        }
    }

    [Fact]
    public async Task A_digest_from_elsewhere_is_what_counts()
    {
        using var box = new Sandbox();
        await using var server = await Serve();
        var digest = Convert.ToHexString(SHA256.HashData(release.Archive));

        (await Install(box, server.Url).Env("RUN_VERSION", release.Version).Env("RUN_SHA256", digest).Result()).Check(0);
        Assert.Equal([release.ArchivePath], server.Requests.Select(static r => r.Path));
        Directory.Delete(Prefix(box), recursive: true);

        // It is refused although the server's own checksums match the archive.
        (await Install(box, server.Url).Env("RUN_VERSION", release.Version).Env("RUN_SHA256", new string('0', 64)).Result()).Check(1);
        (await Install(box, server.Url).Env("RUN_SHA256", digest).Result()).Check(1);
        Assert.Empty(Installed(box));
    }

    [Fact]
    public async Task Places_for_releases_are_directories_and_https()
    {
        using var box = new Sandbox();
        foreach (var place in (string[])[$"file:{release.Root}", $"file://{release.Root}/"])
        {
            (await Install(box, place).Result()).Check(0);
            Assert.Equal(s_installed, Installed(box));
            Directory.Delete(Prefix(box), recursive: true);
        }

        string[] places =
            ["http://releases.example", "http://127.0.0.1.example/", "http://localhost@releases.example", "ftp://127.0.0.1", "/tmp"];
        foreach (var place in places)
        {
            var result = (await Install(box, place).Result()).Check(1);
            result.Check(
                result.Stderr.Contains("refused", StringComparison.Ordinal) || result.Stderr.Contains("neither", StringComparison.Ordinal),
                "a refusal");
        }
    }

    [Theory]
    [InlineData("curl", "sha256sum")]
    [InlineData("wget", "sha256sum")]
    [InlineData("wget", "shasum")]
    [InlineData("curl", "openssl")]
    [InlineData("busybox", "busybox")]
    public async Task What_the_machine_has_is_used(string downloader, string hasher)
    {
        using var box = new Sandbox();
        await using var server = await Serve();
        var bin = await Few(box, downloader, hasher, "perl");
        if (downloader == "busybox")
        {
            File.CreateSymbolicLink($"{bin}/wget", $"{bin}/busybox");
            File.CreateSymbolicLink($"{bin}/sha256sum", $"{bin}/busybox");
        }

        (await Install(box, server.Url).Env("PATH", bin).Result()).Check(0);
        Assert.Equal(s_installed, Installed(box));

        File.Delete($"{bin}/{(hasher == "busybox" ? "sha256sum" : hasher)}");
        File.Delete($"{bin}/perl");
        var result = (await Install(box, server.Url).Env("PATH", bin).Result()).Check(1);
        result.Check(
            result.Stderr.Contains("none of sha256sum, shasum and openssl", StringComparison.Ordinal), "a refusal to go on unchecked");
    }

    [Theory]
    [InlineData("wget")]
    [InlineData("busybox")]
    public async Task Without_curl_only_a_digest_from_elsewhere_will_do(string downloader)
    {
        using var box = new Sandbox();
        var bin = await Few(box, downloader);
        if (downloader == "busybox")
        {
            File.CreateSymbolicLink($"{bin}/wget", $"{bin}/busybox");
        }

        // Nobody listens there: what is tried is refused by the machine, what is not tried by the script.
        var install = Install(box, "https://127.0.0.1:1").Env("PATH", bin);
        var result = (await install.Result()).Check(1);
        Assert.Equal(
            "install.sh: without curl, RUN_SHA256 must be set: a download by wget cannot be trusted\n"
            + "            install curl, or take the digest from SHA256SUMS on the releases page\n",
            result.Stderr);
        result = (await install.Env("RUN_VERSION", release.Version).Env("RUN_SHA256", new string('0', 64)).Result()).Check(1);
        var failed = $"install.sh: https://127.0.0.1:1{release.ArchivePath} cannot be fetched\n";
        Assert.Contains(failed, result.Stderr, StringComparison.Ordinal);
        Assert.Empty(Installed(box));
    }

    [Theory]
    [InlineData("2.28", false)]
    [InlineData("2.17", false)]
    [InlineData("2.29", true)]
    [InlineData("2.100", true)]
    public async Task A_C_library_that_is_too_old_is_told_before_anything_is_downloaded(string version, bool goodEnough)
    {
        using var box = new Sandbox();
        await using var server = await Serve();
        box.Put("../bin/getconf", $"#!/bin/sh\necho glibc {version}\n");
        var result = await Install(box, server.Url).Result();
        if (goodEnough)
        {
            Assert.Equal(s_installed, Installed(box));
            return;
        }

        result.Is(1, "",
            $"install.sh: run needs glibc 2.29 or newer, and this is {version}\n"
            + "            ./install.sh --from-source builds it in a checkout\n");
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_link_that_waits_beside_the_program_is_not_followed()
    {
        using var box = new Sandbox();
        var victim = box.Put("victim", "as it was\n");
        Directory.CreateDirectory(Prefix(box) + "/bin");
        Directory.CreateDirectory(Prefix(box) + "/share/man/man1");

        // The shell that plants them becomes the one that installs: whatever is named after its PID is found.
        box.Put("install.sh", s_script);
        var plant = $"cd {Prefix(box)}; ln -s {victim} bin/.run.$$; ln -s {victim} share/man/man1/run.1.$$; cd {box.Work}";
        await box.Sh($"{plant}; exec sh install.sh >/dev/null")
            .Env("PREFIX", Prefix(box)).Env("RUN_RELEASES", "file:" + release.Root).Succeeds("");
        Assert.Equal("as it was\n", File.ReadAllText(victim));
        await box.Exec(Prefix(box) + "/bin/run", "--version").Succeeds($"run {release.Version}\n");
        Assert.Equal(
            ["755 bin/run", .. s_installed[1..].Select(static name => "644 " + name)],
            s_installed.Select(name => $"{Convert.ToString((int)File.GetUnixFileMode($"{Prefix(box)}/{name}"), 8)} {name}"));
    }

    [RootFact]
    public async Task What_an_uninstallation_leaves_is_named()
    {
        using var box = new Sandbox();
        (await Install(box, "file:" + release.Root).Result()).Check(0);
        box.Put(box.Root + "/etc/run.conf", "sources: {}\n");
        Directory.CreateDirectory(box.Cache);
        await Install(box, "", "/bin/sh", "--uninstall").InMountNamespace($"mount --bind {box.Root}/etc /etc").Succeeds(
            $"install.sh: run is no longer in {Prefix(box)}\n"
            + $"install.sh: left in place: /etc/run.conf\ninstall.sh: left in place: {box.Cache}\n");
    }

    [Theory]
    [InlineData("Linux riscv64", "there is no build for riscv64")]
    [InlineData("Darwin arm64", "run is for Linux, and this is Darwin")]
    public async Task Another_platform_is_told_so(string platform, string why)
    {
        using var box = new Sandbox();
        box.Put("../bin/uname", $"#!/bin/sh\nset -- {platform} \"$@\"\ncase $3 in -s) echo $1 ;; -m) echo $2 ;; esac\n");
        var result = (await Install(box, "file:" + release.Root).Result()).Check(1);
        Assert.StartsWith($"install.sh: {why}\n", result.Stderr, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("aarch64", "linux-arm64", false)]
    [InlineData("aarch64", "linux-musl-arm64", true)]
    [InlineData("x86_64", "linux-musl-x64", true)]
    public async Task Each_platform_has_its_own_archive(string machine, string platform, bool musl)
    {
        if (musl && !Directory.EnumerateFiles("/lib", "ld-musl-*").Any())
        {
            // If neither a glibc that tells its version nor musl is found, it is taken to be glibc.
            platform = platform.Replace("-musl", "", StringComparison.Ordinal);
        }

        using var box = new Sandbox();
        await using var server = await Serve();
        server[Release.LatestSumsPath] =
            $"{new string('a', 64)}  run-{release.Version}-linux-vax.tar.gz\n{new string('b', 64)}  run-9.9.9-{platform}.tar.gz\n";
        box.Put("../bin/uname", $"#!/bin/sh\ncase $1 in -s) echo Linux ;; -m) echo {machine} ;; esac\n");
        if (musl)
        {
            box.Put("../bin/getconf", "#!/bin/sh\nexit 1\n");
        }

        (await Install(box, server.Url).Result()).Check(1);
        Assert.Equal($"/download/v9.9.9/run-9.9.9-{platform}.tar.gz", server.Requests[^1].Path);
    }

    [Fact]
    public async Task A_program_that_does_not_start_does_not_take_the_old_ones_place()
    {
        using var box = new Sandbox();
        (await Install(box, "file:" + release.Root).Result()).Check(0);
        var binary = box.Put(
            "broken",
            $"#!/bin/sh\n[ -e {box.Work}/moved ] && {{ echo 'no such loader' >&2; exit 127; }}\necho run {release.Version}\n");
        (await Release.Package(box, box.Root + "/broken", binary).Result()).Check(0);
        box.Put("moved", "");

        var result = (await Install(box, $"file:{box.Root}/broken").Result()).Check(1);
        Assert.StartsWith(
            $"install.sh: run {release.Version} does not start on this machine, and nothing was installed: no such loader\n",
            result.Stderr, StringComparison.Ordinal);
        await box.Exec(Prefix(box) + "/bin/run", "--version").Succeeds($"run {release.Version}\n");
        Assert.Equal(s_installed, Installed(box));
    }

    [RootFact]
    public async Task A_place_that_cannot_be_written_is_named_and_never_forced()
    {
        using var box = new Sandbox();
        box.Put("../bin/sudo", $"#!/bin/sh\necho sudo >>{box.Root}/asked\n");
        box.GiveTo(65534);
        var result = (await Install(box, "file:" + release.Root).Env("PREFIX", "/usr").As(65534).Result()).Check(1);
        Assert.StartsWith("install.sh: /usr/bin cannot be written\n", result.Stderr, StringComparison.Ordinal);
        Assert.False(File.Exists(box.Root + "/asked"));
    }

    [Fact]
    public async Task In_a_checkout_it_installs_what_is_built_there()
    {
        using var box = new Sandbox();
        var result = await box.Exec(Path.Combine(Suite.Repository, "install.sh"), "--from-source")
            .Env("RUN_BINARY", release.Program).Env("RUN_PACKAGES", box.Root + "/release").Env("PREFIX", Prefix(box)).Result();
        result.Check(0);
        Assert.Equal(s_installed, Installed(box));

        result = (await Install(box, "file:" + release.Root, "/bin/sh", "--from-source").Result()).Check(1);
        Assert.StartsWith("install.sh: --from-source works in a checkout\n", result.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_it_does_not_know_is_refused()
    {
        using var box = new Sandbox();
        foreach (var (command, why) in new[]
        {
            (Install(box, "file:/x", "/bin/sh", "--uninstal"), "unknown option --uninstal"),
            (Install(box, "file:/x").Env("PREFIX", "here"), "PREFIX is not an absolute path: here"),
            (Install(box, "file:/x").Env("RUN_VERSION", "../.."), "RUN_VERSION is not a version: ../.."),
        })
        {
            var result = (await command.Result()).Check(1);
            Assert.StartsWith($"install.sh: {why}\n", result.Stderr, StringComparison.Ordinal);
        }

        var help = (await Install(box, "file:/x", "/bin/sh", "--help").Result()).Check(0);
        Assert.StartsWith("Usage: install.sh", help.Stdout, StringComparison.Ordinal);
        Assert.Empty(Installed(box));
    }

    /// <summary>A directory for PATH with little more in it than what every machine has.</summary>
    private static async Task<string> Few(Sandbox box, params string[] more)
    {
        string[] usual =
        [
            "cat", "cp", "mv", "rm", "mkdir", "mktemp", "tar", "gzip", "grep", "sed", "head", "tr", "uname", "id", "getconf", "ls", "chmod",
            "dirname",
        ];
        Tools.Need(more);
        var bin = Directory.CreateDirectory(box.Root + "/few").FullName;
        foreach (var program in usual.Concat(more).Distinct())
        {
            File.CreateSymbolicLink($"{bin}/{program}", (await box.Sh($"command -v {program}").Result()).Stdout.Trim());
        }

        return bin;
    }

    private static string Prefix(Sandbox box) => box.Root + "/prefix";

    /// <summary>What an installation leaves, including hidden files.</summary>
    private static IEnumerable<string> Installed(Sandbox box) => !Directory.Exists(Prefix(box)) ? []
        : Directory.EnumerateFiles(
            Prefix(box), "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .Select(path => path[(Prefix(box).Length + 1)..]).Order(StringComparer.Ordinal);

    private static Command Install(Sandbox box, string releases, string shell = "/bin/sh", params string[] arguments)
    {
        var words = shell.Split(' ');
        Tools.Need(words[0]);
        return box.Exec(words[0], [.. words[1..], "-s", "--", .. arguments]).Input(s_script)
            .Env("PREFIX", Prefix(box)).Env("RUN_RELEASES", releases).Env("SHELL", "/bin/bash");
    }

    private async Task<ScriptServer> Serve()
    {
        Tools.Need("curl");
        var server = await ScriptServer.Start();
        release.ServeOn(server);
        return server;
    }
}
