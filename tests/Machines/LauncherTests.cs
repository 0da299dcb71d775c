namespace Run.Tests.Machines;

/// <summary>What a launcher is told to start, shown by one that prints its words.</summary>
public sealed class LauncherTests
{
    private const string Tells = "#!/bin/sh\nprintf '[%s]' \"$@\"\n";

    [Fact]
    public async Task It_is_given_the_digest_and_the_URL_of_what_was_found_here()
    {
        await using var world = await Serving();
        var told = $"[run][--sha256][{DigestOf(Saying("hello"))}][{world.Server.Url}/hello.sh]";
        await world.Run("--on", "tell", "hello.sh").Succeeds(told);
        await world.Run("--on=tell", "hello.sh", "a b", "", "--on", "\udcff", "'").Succeeds($"{told}[a b][][--on][\udcff][']");
        await world.Run("--on", "quoted", "hello.sh", "a b", "", "c").Succeeds(
            $"[-x][run --sha256 {DigestOf(Saying("hello"))} {world.Server.Url}/hello.sh 'a b' '' c]");
        Assert.Equal(1, world.Server.Count("/hello.sh"));
    }

    [Fact]
    public async Task What_the_server_has_later_changes_nothing_until_it_is_asked_for()
    {
        await using var world = await Serving();
        await world.Run("--fetch", "hello.sh").Result();
        world.Server["/hello.sh"] = Saying("other");
        var before = await world.Run("--on", "tell", "hello.sh").Result();
        var after = await world.Run("-u", "--on", "tell", "hello.sh").Result();
        Assert.Contains(DigestOf(Saying("hello")), before.Stdout, StringComparison.Ordinal);
        Assert.Contains(DigestOf(Saying("other")), after.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_that_concern_the_other_machine_are_handed_on()
    {
        await using var world = await Serving();
        await world.Run("--fetch", "hello.sh").Result();
        var rest = $"[--sha256][{DigestOf(Saying("hello"))}][{world.Server.Url}/hello.sh][-q]";
        await world.Run("--on", "tell", "-q", "--lock=x", "-w60", "hello.sh").Fails(ExitStatus.Usage, "--wait=60");
        await world.Run("--on", "tell", "-q", "--lock=x", "--wait=60", "-E", "0", "hello.sh", "-q").Succeeds(
            $"[run][--lock=x][--quiet][--wait=60][--conflict-exit-code=0]{rest}");
        await world.Run("--on", "tell", "-l", "--offline", "-i", "sh -x", "hello.sh", "-q").Succeeds(
            $"[run][--lock][--offline][--interpreter=sh -x]{rest}");
        await world.Run("--on", "tell", "-E1", "-q", "--lock=a", "-w", "-E2", "-q", "--lock=b", "--wait=2", "hello.sh", "-q").Succeeds(
            $"[run][--lock=b][--conflict-exit-code=2][--quiet][--wait=2]{rest}");
        await world.Run("--on", "tell", "--detach", "--replace", "hello.sh", "-q").Succeeds($"[run][--detach][--replace]{rest}");
        await world.Run("--on", "tell", "hello.sh", "-q").Env("RUN_OFFLINE", "1").Succeeds($"[run][--offline]{rest}");
        Assert.Equal($"[run][--verbose]{rest}", (await world.Run("--on", "tell", "--verbose", "hello.sh", "-q").Result()).Stdout);

        // Options that concern what is found here stay here.
        await world.Run(
            "--on", "tell", "-u", "--config", world.ConfFile, "--sha256", DigestOf(Saying("hello")), "--pinned", "hello.sh", "-q")
            .Succeeds($"[run]{rest}");

        // The other machine does not know that the source asks for a lock.
        await world.Run("--on", "tell", "alone:hello.sh", "-q").Succeeds($"[run][--lock]{rest}");
        await world.Run("--on", "tell", "--lock=x", "alone:hello.sh", "-q").Succeeds($"[run][--lock=x]{rest}");
        await world.Run("--on", "tell", "one:hello.sh", "-q").Succeeds($"[run][--lock=fleet:]{rest}");
        await world.Run("--on", "tell", "--lock=fleet:x", "one:hello.sh", "-q").Succeeds($"[run][--lock=fleet:x]{rest}");
    }

    [Fact]
    public async Task Header_fields_are_not_handed_on_and_the_script_goes_by_its_own_name()
    {
        await using var world = await Serving();
        world.Server.Map("/secret.sh", context => context.Request.Headers["X-Token"] == "hunter2"
            ? ScriptServer.Send(context, Saying("secret")) : ScriptServer.Refuse(context, 403));
        var told = $"[run][--sha256][{DigestOf(Saying("secret"))}]";
        foreach (var name in (string[])["private:secret.sh", "password:secret.sh"])
        {
            var run = await world.Run("--on", "tell", "--verbose", name, "x").Env("TOKEN", "hunter2").Result();
            run.Check(run.Stdout == $"[run][--verbose]{told[5..]}[{name}][x]", "its own name");
            Assert.DoesNotContain("hunter2", run.Stdout + run.Stderr, StringComparison.Ordinal);
            var shown = await world.Run("--on", "tell", "-n", "--json", name).Env("TOKEN", "hunter2").Result();
            Assert.DoesNotContain("hunter2", shown.Stdout, StringComparison.Ordinal);
            Assert.Contains($"\"{name}\"", shown.Stdout, StringComparison.Ordinal);
        }

        // A name that looks like an option stays a name.
        world.Server.Map("/-x", context => ScriptServer.Send(context, Saying("x")));
        await world.Run("--on", "tell", "--", "private:-x").Succeeds($"[run][--sha256][{DigestOf(Saying("x"))}][private:-x]");
        var conf = File.ReadAllText(world.ConfFile);
        world.Conf(conf.Replace("  default: ", "  default:\n    headers: {A: b}\n    url: ", StringComparison.Ordinal));
        await world.Run("--on", "tell", "--", "-x").Succeeds($"[run][--sha256][{DigestOf(Saying("x"))}][--][-x]");
    }

    [Fact]
    public async Task A_password_in_a_URL_that_was_typed_is_handed_on_but_not_shown()
    {
        await using var world = await Serving();
        var url = world.Server.Url.Replace("//", "//me:hunter2@", StringComparison.Ordinal) + "/hello.sh";
        var told = $"[run][--sha256][{DigestOf(Saying("hello"))}][{url}]";
        await world.Run("--on", "tell", url).Succeeds(told);
        var verbose = (await world.Run("--verbose", "--on", "tell", url).Result()).Stderr;
        Assert.Contains("executing", verbose, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", verbose, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", (await world.Run("-n", "--on", "tell", url).Result()).Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_that_holds_for_a_run_holds_for_what_is_handed_on()
    {
        await using var world = await Serving();
        await world.Run("--on", "tell", "--sha256", new string('0', 64), "hello.sh").Fails(ExitStatus.Data, "the digest does not match");
        await world.Run("--on", "tell", "--pinned", "hello.sh").Fails(ExitStatus.Refused, "not pinned");
        await world.Run("--on", "tell", "asks:hello.sh").Fails(ExitStatus.Refused, "asks:hello.sh");
        await world.Run("--on", "tell", "--offline", "hello.sh").Fails(ExitStatus.Unavailable, "not cached, and offline");
        await world.Run("--on", "tell", "missing.sh").Fails(ExitStatus.NotFound, "404");
        await world.Run("--pin", "hello.sh").Result();
        world.Server["/hello.sh"] = Saying("other");
        await world.Run("--clean", "--yes").Result();
        await world.Run("--on", "tell", "hello.sh").Fails(ExitStatus.Data, "does not match the pin");
    }

    [Fact]
    public async Task A_dry_run_shows_the_launchers_words()
    {
        await using var world = await Serving();
        var url = $"{world.Server.Url}/hello.sh";
        await world.Run("-n", "--on", "quoted", "hello.sh", "a b").Succeeds(
            $"url     {url}\npath    not cached\nargv    {world.Work}/tell -x 'run --sha256 HEX {url} '\\''a b'\\'''\n");
        Assert.Equal(0, world.Server.Count("/hello.sh"));
        await world.Run("--fetch", "hello.sh").Result();
        var digest = DigestOf(Saying("hello"));
        var would = await WouldRun.Of(world, "--on", "tell", "hello.sh", "a b");
        Assert.Equal([world.Work + "/tell", "run", "--sha256", digest, url, "a b"], would.Argv);
        Assert.Equal(digest, would.Sha256);
        Assert.Equal([world.Work + "/tell", "hello.sh", world.CachedScript("hello.sh"), "a b"],
            (await WouldRun.Of(world, "--on", "here", "hello.sh", "a b")).Argv);
    }

    /// <summary>The place is looked for where the script is locked.</summary>
    [Fact]
    public async Task A_dry_run_does_not_look_for_a_place_that_only_the_other_machine_knows()
    {
        await using var world = await Serving();
        await world.Run("--fetch", "hello.sh").Succeeds("");
        var told = (await world.Run("--on", "tell", "--lock=theirs:x", "hello.sh").Result()).Stdout;
        Assert.StartsWith("[run][--lock=theirs:x]", told, StringComparison.Ordinal);
        var would = await WouldRun.Of(world, "--on", "tell", "--lock=theirs:x", "hello.sh");
        Assert.Equal(["run", "--lock=theirs:x"], would.Argv[1..3]);
        foreach (var command in (string[][])[["--on", "here", "--lock=theirs:x"], ["--lock=theirs:x"]])
        {
            await world.Run([.. command, "hello.sh"]).Fails(ExitStatus.Usage, "theirs");
            await world.Run([.. command, "-n", "hello.sh"]).Fails(ExitStatus.Usage, "theirs");
        }
    }

    [Fact]
    public async Task With_hands_path_it_starts_the_cached_file_or_a_local_one()
    {
        await using var world = await Serving();
        await world.Run("--on", "here", "hello.sh", "a b").Succeeds($"[hello.sh][{await Cached(world)}][a b]");
        world.Put("local", "#!/bin/sh\necho \"$A $*\"\n");
        await world.Run("--on", "here", "./local", "x").Succeeds($"[local][{world.Work}/local][x]");
        await world.Run("--on", "env", "./local", "x", "y").Succeeds("b x y\n");
        await world.Run("--on", "env", "-i", "sh -e", "./local").Succeeds("b \n");
        world.Put("plain", "echo plain\n");
        await world.Run("--on", "env", "./plain").Succeeds("plain\n");
        await world.Run("--on", "shell", "./local", "it's", "", "{}").Succeeds(" it's  {}\n");
        await world.Run("--on", "tell", "./local").Fails(ExitStatus.Usage, "./local: a local file", "hands: path");
        await world.Run("--on", "tell", "-n", "./local").Fails(ExitStatus.Usage, "./local: a local file", "hands: path");
    }

    [Theory]
    [InlineData("./x")]
    [InlineData("../{work}/x")]
    [InlineData("./link")]
    [InlineData("{path}/x")]
    public async Task With_hands_path_a_local_script_is_found_from_another_directory(string name)
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho \"$PWD ${0##*/} $*\"\n");
        File.CreateSymbolicLink(box.Work + "/link", "x");
        box.Conf("launchers:\n  root: {command: env -C /, hands: path}\n");
        name = name.Replace("{work}", Path.GetFileName(box.Work), StringComparison.Ordinal)
            .Replace("{path}", box.Work, StringComparison.Ordinal);
        await box.Run("--on", "root", name, "./a").Succeeds($"/ {Path.GetFileName(name)} ./a\n");
        await box.Run("--on", "root", "-i", "sh -e", name, "./a").Succeeds($"/ {Path.GetFileName(name)} ./a\n");
        var path = (await WouldRun.Of(box, "--on", "root", name)).Argv[^1];
        Assert.True(Path.IsPathRooted(path) && File.Exists(path), path);
    }

    [Fact]
    public async Task With_hands_path_the_launcher_holds_the_lock()
    {
        await using var world = await Serving();
        world.Put("hold", "#!/bin/sh\necho started; read -r _\n");
        await using var holder = world.Run("--lock", "--on", "env", "./hold").InputStaysOpen().Start();
        await holder.Output("started");
        await world.Run("--lock", "./hold").Fails(ExitStatus.AlreadyRunning, $"already running (pid {holder.Pid})");
        (await world.Run("--on", "env", "-E", "3", "./hold").Result()).Failed(3, $"already running (pid {holder.Pid})");
    }

    [Fact]
    public async Task A_file_that_starts_run_may_name_one()
    {
        await using var world = await Serving();
        world.Put("there", $"#!/usr/bin/env -S run --on tell -q\n{world.Server.Url}/hello.sh\n");
        await world.Exec("./there", "a b").Succeeds(
            $"[run][--quiet][--sha256][{DigestOf(Saying("hello"))}][{world.Server.Url}/hello.sh][a b]");
    }

    [Fact]
    public async Task More_than_the_kernel_takes()
    {
        await using var world = await Serving();
        var half = new string('x', 70_000);
        var told = await world.Run("--on", "tell", "hello.sh", half, half).Result();
        told.Check(told.Status == 0 && told.Stdout.EndsWith($"[{half}][{half}]", StringComparison.Ordinal), "both words");
        await world.Run("--on", "quoted", "hello.sh", half, half).Fails(
            ExitStatus.CannotStart, "quoted: the arguments and the environment are too long for the kernel", "128 KiB");
    }

    [Fact]
    public async Task The_name_of_the_script_is_harmless_among_its_words()
    {
        await using var world = await Serving();
        foreach (var (path, name) in ((string, string)[])[
            ("a;touch%20x", "a_touch_x"), ("-oProxyCommand=x", "_oProxyCommand_x"), ("$(id)", "__id_"), ("%C3%A9%FF.sh", "é_.sh")])
        {
            world.Server["/" + path] = Saying("x");
            var told = (await world.Run("--on", "named", $"{world.Server.Url}/{path}").Result()).Stdout;
            Assert.StartsWith($"[--unit={name}][run]", told, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_launcher_that_is_missing_or_unknown()
    {
        await using var world = await Serving();
        await world.Run("--on", "tel", "hello.sh").Fails(ExitStatus.Usage, "tel: no such launcher", "did you mean tell?");
        await world.Run("--on", "zzz", "hello.sh").Fails(ExitStatus.Usage, "known launchers: alias, env, gone");
        foreach (var command in (string[])["gone", "gone-path", "gone-here"])
        {
            await world.Run("--on", command, "hello.sh").Fails(ExitStatus.NotFound, $"{command}: no such program: ");
        }

        await world.Run("--on", "plain", "hello.sh").Fails(ExitStatus.CannotStart, "plain: cannot be executed: ");
        await world.Run("--on").Fails(ExitStatus.Usage, "--on needs a value", "--on LAUNCHER");
        await world.Run("--on", "tell", "--ps").Fails(ExitStatus.Usage, "--on is for running a script");
        await world.Run("--on", "tell", "--view", "hello.sh").Fails(ExitStatus.Usage, "--on is for running a script");
        await world.Run("--on", "tell", "--stop", "hello.sh").Fails(ExitStatus.Usage, "--on is for running a script");

        // Nothing has been fetched for it.
        Assert.Equal(0, world.Server.Count("/hello.sh"));
        using var box = new Sandbox();
        await box.Run("--on", "web", "x").Fails(ExitStatus.Usage, "web: no such launcher", "launchers: in run.conf");
        await box.Run("--config", world.ConfFile, "--completion", "launchers").Succeeds(
            (await world.Run("--completion", "launchers").Result()).Stdout);
    }

    [Fact]
    public async Task A_shell_is_expected_behind_the_programs_that_are_known_for_one()
    {
        using var box = new Sandbox();
        foreach (var (command, quotes) in ((string, bool)[])[
            ("ssh web1", true), ("/usr/bin/ssh web1", true), ("parallel --nonall -S web1", true), ("pdsh -w web1", true),
            ("clush -w web1", true), ("sshpass -f x ssh web1", true), ("srun", false), ("systemd-run --user", false),
            ("kubectl exec x --", false)])
        {
            box.Conf($"sources: {{default: 'https://example.com/%s'}}\nlaunchers: {{web: {command}}}\n");
            var words = command.Split(' ').Length;
            Assert.Equal(quotes ? words + 1 : words + 6, (await WouldRun.Of(box, "--on", "web", "x", "a", "b")).Argv.Length);
        }
    }

    private static async Task<string> Cached(World<ScriptServer> world)
    {
        await world.Run("--fetch", "hello.sh").Result();
        return world.CachedScript("hello.sh");
    }

    [RootFact]
    public async Task A_script_that_the_kernel_cannot_execute_is_handed_with_its_interpreter()
    {
        await using var world = await Serving();
        world.Put("plain-file", "#!/bin/sh -e\necho \"ran $*\"\n", executable: false);
        await world.Run("--on", "env", "./plain-file", "a b").Succeeds("ran a b\n");
        await world.Run("--on", "shell", "./plain-file", "a b").Succeeds("ran a b\n");
        var would = await WouldRun.Of(world, "--on", "env", "./plain-file");
        Assert.Equal($"env A=b /bin/sh -e {world.Work}/plain-file", string.Join(' ', would.Argv));
        var noexec = $"mkdir -p {world.Cache}; mount -t tmpfs -o noexec,mode=700 none {world.Cache}";
        await world.Run("--on", "env", "hello.sh").InMountNamespace(noexec).Succeeds("hello\n");
    }

    private static async Task<World<ScriptServer>> Serving()
    {
        var world = await World.Serving(("/hello.sh", Saying("hello")));
        var (url, tell) = (world.Server.Url, world.Put("tell", Tells));
        world.Put("not-executable", "", executable: false);
        world.Conf($$$"""
            sources:
              default: {{{url}}}/%s
              alone: {url: "{{{url}}}/%s", lock: exclusive}
              one: {url: "{{{url}}}/%s", lock: fleet}
              asks: {url: "{{{url}}}/%s", trust: ask}
              private: {url: "{{{url}}}/%s", headers: {X-Token: "${TOKEN}"}}
              password: {url: "{{{url.Replace("//", "//me:hunter2@", StringComparison.Ordinal)}}}/%s", headers: {X-Token: "${TOKEN}"}}
            locks:
              fleet: postgresql://db.example.com/ops
            launchers:
              tell: {{{tell}}}
              quoted: {command: {{{tell}}} -x, quoting: shell}
              here: {command: "{{{tell}}} {script}", hands: path}
              named: {command: "{{{tell}}} --unit={script}"}
              env: {command: env A=b, hands: path}
              shell: {command: sh -c, quoting: shell, hands: path}
              alias: {command: "'{{{tell}}}' 'a b'", quoting: none, hands: run}
              gone: no-such-program -x
              gone-path: /no/such/program
              gone-here: {command: no-such-program, hands: path}
              plain: {{{world.Work}}}/not-executable

            """);
        return world;
    }
}
