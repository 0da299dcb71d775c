using Run.Tests.Infra;

namespace Run.Tests;

/// <summary>What belongs to run, what belongs to the script, and what is said where neither is clear.</summary>
public sealed class CommandLineTests
{
    /// <summary>Prints each of its arguments on a line, in brackets.</summary>
    private const string Echo = "#!/bin/sh\nfor a; do printf '[%s]\\n' \"$a\"; done\n";

    [Theory]
    [InlineData("--help")]
    [InlineData("-h", "--version", "-V")]
    [InlineData("--")]
    [InlineData("--", "--", "x")]
    [InlineData("-i", "bash", "--help")]
    [InlineData("@file")]
    [InlineData("[suggest]", "[suggest:3]")]
    [InlineData("")]
    [InlineData("", "", "")]
    [InlineData("a b", " ", "\n", "\t", "'\"\\$`*?~")]
    [InlineData("é", "\ufeff", "\ufffd")]
    [InlineData("--lock", "--sha256=x", "-n", "--unknown-option")]
    [InlineData("#sha256=abc")]
    public async Task Everything_after_the_script_is_the_scripts_own(params string[] arguments)
    {
        using var box = new Sandbox();
        box.Put("echo", Echo);
        var expected = string.Concat(arguments.Select(static a => $"[{a}]\n"));
        await box.Run(["./echo", .. arguments]).Succeeds(expected);
        await box.Run(["--", "./echo", .. arguments]).Succeeds(expected);
        await box.Run(["--quiet", "./echo", .. arguments]).Succeeds(expected);
        await box.Run(["-i", "/bin/sh", "./echo", .. arguments]).Succeeds(expected);
        await box.Run(["--config", "/dev/null", "-q", "--", "./echo", .. arguments]).Succeeds(expected);
    }

    [Fact]
    public async Task Arguments_that_are_no_text_arrive_byte_for_byte()
    {
        using var box = new Sandbox();
        box.Put("echo", Echo);
        // A surrogate half and a long form as UTF-8, and bytes that begin nothing: decoding would change each.
        string[] arguments = ["\udcff\udc80", "\udced\udca0\udc80", "\udcc0\udcaf", "a\udcc3"];
        var expected = string.Concat(arguments.Select(static a => $"[{a}]\n"));
        await box.Run(["./echo", .. arguments]).Succeeds(expected);
        await box.Run(["-q", "./echo", .. arguments]).Succeeds(expected);
        await box.Run(["-i", "sh", "./echo", .. arguments]).Succeeds(expected);
    }

    [Fact]
    public async Task Very_many_arguments_and_very_long_ones_arrive()
    {
        using var box = new Sandbox();
        box.Put("count", "#!/bin/sh\necho $#\nprintf %s \"$1\" | wc -c\n");
        var long_ = new string('x', 100_000);
        await box.Run(["./count", long_, .. Enumerable.Repeat("y", 3000)]).Succeeds("3001\n100000\n");
    }

    [Fact]
    public async Task After_two_dashes_even_an_option_is_a_script()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/-x"] = Echo;
        await box.Run("--", "-x", "-y").Succeeds("[-y]\n");
        await box.Run("--").Fails(ExitStatus.Usage);
    }

    [Theory]
    [InlineData("--updat", "--update")]
    [InlineData("--intepreter", "--interpreter")]
    [InlineData("--Version", "--version")]
    [InlineData("--offlin", "--offline")]
    [InlineData("--frobnicate")]
    [InlineData("-Z")]
    [InlineData("-9")]
    [InlineData("--ver")]
    [InlineData("--interp=sh", "--interpreter")]
    public async Task An_unknown_option_is_answered_with_the_nearest(params string[] words)
    {
        using var box = new Sandbox();
        box.Put("x", Echo);
        await box.Run(words[0], "./x").Fails(ExitStatus.Usage, [.. words[1..], words[0].Split('=')[0]]);
    }

    [Theory]
    [InlineData("-i")]
    [InlineData("--interpreter")]
    [InlineData("--sha256")]
    [InlineData("-E")]
    [InlineData("--config")]
    [InlineData("--completion")]
    public async Task An_option_without_its_value_says_so(string option)
    {
        using var box = new Sandbox();
        await box.Run(option).Fails(ExitStatus.Usage, option);
    }

    [Theory]
    [InlineData("-E", "256", "./x")]
    [InlineData("-E", "-1", "./x")]
    [InlineData("--conflict-exit-code=", "./x")]
    [InlineData("--conflict-exit-code", "many", "./x")]
    [InlineData("--interpreter=", "./x")]
    [InlineData("-i", " ", "./x")]
    [InlineData("--offline=yes", "./x")]
    [InlineData("--update=1", "./x")]
    [InlineData("--help=x")]
    [InlineData("--wait=-1", "./x")]
    [InlineData("--wait=soon", "./x")]
    [InlineData("--lock=", "./x")]
    [InlineData("--config", "", "./x")]
    [InlineData("--view")]
    [InlineData("--dry-run")]
    [InlineData("--quiet")]
    [InlineData("-u", "--offline", "./x")]
    [InlineData("--view", "--dry-run", "./x")]
    [InlineData("--completion", "tcsh")]
    [InlineData("-")]
    public async Task A_command_line_that_makes_no_sense_is_64(params string[] arguments)
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho ran\n");
        await box.Run(arguments).Fails(ExitStatus.Usage);
    }

    [Fact]
    public async Task An_options_value_may_follow_or_stand_after_an_equals_sign()
    {
        using var box = new Sandbox();
        box.Put("x", "script\n");
        await box.Run("--interpreter=echo the", "./x", "a").Succeeds("the ./x a\n");
        await box.Run("--interpreter", "echo the", "./x", "a").Succeeds("the ./x a\n");
        await box.Run("-i", "echo 'a  b' \"c\"", "./x").Succeeds("a  b c ./x\n");
    }

    [Fact]
    public async Task An_optional_value_stands_only_after_an_equals_sign()
    {
        using var box = new Sandbox();
        box.Put("x", Echo);
        await box.Run("--lock", "./x", "a").Succeeds("[a]\n");
        await box.Run("--lock=name", "./x", "a").Succeeds("[a]\n");
        await box.Run("--wait", "./x", "a").Succeeds("[a]\n");
    }

    [Theory]
    [InlineData("-h")]
    [InlineData("--help")]
    [InlineData]
    public async Task Help_goes_to_standard_output_within_80_columns(params string[] arguments)
    {
        using var box = new Sandbox();
        var result = await box.Run(arguments).Result();
        result.Check(result.Status == 0 && result.Stderr.Length == 0, "status 0 and nothing on standard error");
        Assert.Contains("--interpreter", result.Stdout, StringComparison.Ordinal);
        Assert.All(result.Stdout.Split('\n'), static line => Assert.True(line.Length <= 80, line));
        Assert.False(Directory.Exists(box.Cache));
    }

    [Theory]
    [InlineData("-V")]
    [InlineData("--version")]
    public async Task Version_is_one_line(string option)
    {
        using var box = new Sandbox();
        var result = await box.Run(option).Result();
        Assert.Matches(@"^run \d+\.\d+\.\d+\n$", result.Stdout);
        result.Check(result.Status == 0 && result.Stderr.Length == 0, "status 0 and nothing on standard error");
    }

    [Theory]
    [InlineData("run --help >/dev/full")]
    [InlineData("run --version >/dev/full")]
    [InlineData("run --view ./x >/dev/full")]
    [InlineData("run --dry-run ./x >/dev/full")]
    [InlineData("run --help >&-")]
    [InlineData("run --view ./x >&-")]
    [InlineData("run --version </dev/null >&- 2>&2")]
    public async Task Standard_output_that_is_full_or_closed_is_73(string line)
    {
        using var box = new Sandbox();
        box.Put("x", Echo);
        await box.Sh(line).Fails(ExitStatus.CannotWrite, "standard output");
    }

    [Fact]
    public async Task With_nobody_to_hear_it_the_status_still_tells()
    {
        using var box = new Sandbox();
        await box.Sh("run --unknown 2>&-").Expect(64, "");
        await box.Sh("run --unknown 2>/dev/full").Expect(64, "");
        await box.Sh("run --unknown <&- >&- 2>&-").Expect(64, "");
        await box.Sh("run ./nowhere <&- >&- 2>&-").Expect(127, "");
    }

    [Fact]
    public async Task A_reader_that_goes_away_ends_it_as_it_ends_cat()
    {
        using var box = new Sandbox();
        box.Put("big", "#!/bin/sh\n" + new string('#', 1 << 20));
        await box.Exec("bash", "-c", "run --view ./big | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}").Succeeds("141\n");
    }

    [Fact]
    public async Task View_prints_the_bytes_and_runs_nothing()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        const string script = "#!/bin/sh\r\necho ran\udcff\u001b[31m\0 no newline";
        server["/x"] = script;
        await box.Run("-v", "x").Succeeds(script);
        await box.Run("--view", "x").Succeeds(script);
        box.Put("local", script, executable: false);
        await box.Run("--view", "./local").Succeeds(script);
        Assert.Equal(1, server.Count("/x"));
    }

    [Fact]
    public async Task Dry_run_neither_fetches_nor_creates()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = Echo;
        var before = await DryRun.Of(box, "x", "a b");
        Assert.Equal((server.Url + "/x", null, null), (before.Url, before.Path, before.Sha256));
        Assert.Empty(server.Requests);
        Assert.False(Directory.Exists(box.Cache));

        await box.Run("x").Succeeds("");
        var after = await DryRun.Of(box, "x", "a b");
        Assert.Equal(box.CachedScript("x"), after.Path);
        Assert.Equal(Sha256.HexOf(OsText.ToBytes(Echo)), after.Sha256);
        Assert.Equal([after.Path!, "a b"], after.Arguments);
        Assert.Equal(1, server.Count("/x"));
    }

    [Fact]
    public async Task Init_writes_a_file_that_run_reads_and_never_overwrites_one()
    {
        using var box = new Sandbox();
        box.GiveTo(65534);
        if (!Posix.IsRoot)
        {
            Assert.Skip("root's own file is /etc/run.conf, so another user has to do this");
        }

        (await box.Run("--init").As(65534).Result()).Check(File.Exists(box.ConfFile), "a run.conf");
        DryRun.Of(await box.Run("-n", "--json", "x").As(65534).Result());
        var text = File.ReadAllText(box.ConfFile);
        await box.Run("-I").As(65534).Fails(ExitStatus.CannotWrite, box.ConfFile);
        Assert.Equal(text, File.ReadAllText(box.ConfFile));
    }

    [Fact]
    public async Task Clean_removes_the_copies_and_asks_first()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = server["/y"] = Echo;
        await box.Run("x").Succeeds("");
        await box.Run("y").Succeeds("");
        await box.Run("--clean").Fails(ExitStatus.Usage, "--yes");
        await box.Run("--clean", "--yes", "x").Expect(0, "");
        await box.Run("--offline", "y").Succeeds("");
        await box.Run("--offline", "x").Fails(ExitStatus.Unavailable, "x");
        await box.Run("-c", "-y").Expect(0, "");
        await box.Run("--offline", "y").Fails(ExitStatus.Unavailable, "y");
        await box.Run("y").Succeeds("");
        await using var asked = box.Run("-c").OnTerminal().Start();
        await asked.Output("?");
        await asked.Type("n\n");
        await asked.Exit();
        await box.Run("--offline", "y").Succeeds("");
    }

    [Fact]
    public async Task Verbose_speaks_on_standard_error_alone()
    {
        using var box = new Sandbox();
        box.Put("x", Echo);
        var result = await box.Run("--verbose", "./x", "a").Result();
        Assert.Equal((0, "[a]\n"), (result.Status, result.Stdout));
        Assert.All(result.Stderr.TrimEnd('\n').Split('\n'), static line => Assert.StartsWith("run: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Colour_is_for_terminals_that_want_it()
    {
        using var box = new Sandbox();
        Assert.Contains("\e[", (await box.Run("./nowhere").OnTerminal().Env("TERM", "xterm").Result()).Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("\e[", (await box.Run("./nowhere").OnTerminal().Env("TERM", "xterm").Env("NO_COLOR", "1").Result()).Stdout, StringComparison.Ordinal);
        Assert.DoesNotContain("\e", (await box.Run("./nowhere").Env("TERM", "xterm").Result()).Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_characters_in_a_name_do_not_reach_the_terminal()
    {
        using var box = new Sandbox();
        var result = await box.Run("./\e[2J\a\udcff").Fails(ExitStatus.NotFound);
        Assert.DoesNotContain(result.Stderr, static c => char.IsControl(c) && c != '\n');
    }
}
