using System.Text.RegularExpressions;

namespace Run.Tests.Completion;

/// <summary>
/// The completions in the real shells, on a terminal that is typed at: each input ends in Tab and Enter, and the command that is then run
/// shows what Tab completed. For that, <c>run</c> is a recorder here, which passes on only what the completions themselves ask the program.
/// </summary>
public sealed partial class CompletionTests
{
    private const string Recorder = """
        #!/bin/sh
        for last; do :; done
        case $last in
            words | running | logged | launchers | places | bash | zsh | fish) exec {binary} "$@" ;;
        esac
        printf 'ran'
        printf '[%s]' "$@"
        echo .

        """;

    /// <summary>As fish 4 is, where a question mark in a pattern is no wildcard.</summary>
    private const string Fish4 = "fish with qmark-noglob";

    public static TheoryData<string> Shells => new("bash", "bash with bash-completion", "zsh", "fish", Fish4);

    [Theory, MemberData(nameof(Shells))]
    public async Task Options_scripts_and_files_are_completed(string shell)
    {
        using var box = new Sandbox();
        await Prepare(box);
        await using var terminal = await Start(box, shell);

        // An option, a value out of a few, a command and a file.
        await Ran(terminal, "run --dry\tops:x\r", "--dry-run", "ops:x");
        await Ran(terminal, "run --completion b\tx\r", "--completion", "bash", "x");
        await Ran(terminal, "run --completion=z\tx\r", "--completion=zsh", "x");
        await Ran(terminal, "run -i funny-inter\thel\t\r", "-i", "funny-interpreter", "hello.sh");
        await Ran(terminal, "run --config=sub/\tx\r", "--config=sub/only.conf", "x");
        await Ran(terminal, "run --on st\tx\r", "--on", "staging", "x");
        await Ran(terminal, "run --on=st\tx\r", "--on=staging", "x");

        // SCRIPT: a source, its cached scripts, a cached script, a local file, and the second SCRIPT if there can be several.
        await Ran(terminal, "run code\tOWNER/x\r", "codeberg:OWNER/x");
        await Ran(terminal, "run ops:d\t\r", "ops:deep/tool.sh@v1");
        await Ran(terminal, "run --lock hel\t\r", "--lock", "hello.sh");
        await Ran(terminal, "run ./lo\t\r", "./local.sh");
        await Ran(terminal, "run -- hel\t\r", "--", "hello.sh");
        await Ran(terminal, "run --pin hello.sh ops:d\t\r", "--pin", "hello.sh", "ops:deep/tool.sh@v1");

        // A running script, where only such a one can be meant.
        box.Put("hold.sh", "#!/bin/sh\necho started; read -r _\n");
        await using (var running = new Command(box, Suite.Binary, ["run", "./hold.sh"]).InputStaysOpen().Start())
        {
            await running.Output("started");
            await Ran(terminal, "run --stop ./\t\r", "--stop", "./hold.sh");
        }

        // One that has a log, where that is what can be shown.
        box.Put("noted.sh", "#!/bin/sh\n");
        await new Command(box, Suite.Binary, ["run", "--detach", "./noted.sh"]).Result();
        await Ran(terminal, "run --logs ./\t\r", "--logs", "./noted.sh");

        // A place for locks: its name may follow.
        await Ran(terminal, "run --lock=fl\tjob hello.sh\r", "--lock=fleet:job", "hello.sh");
        await Ran(terminal, "run --ps fl\t\r", "--ps", "fleet:");

        // After SCRIPT: files, as for any command, and no options of run.
        await Ran(terminal, "run ops:deep/tool.sh@v1 my\t\r", "ops:deep/tool.sh@v1", "my data.txt");
        await Ran(terminal, "run -u hello.sh --of\tx\r", "-u", "hello.sh", "--ofx");
        await Ran(terminal, "run -i sh ./local.sh sub/\t\r", "-i", "sh", "./local.sh", "sub/only.conf");
    }

    [Theory, MemberData(nameof(Shells))]
    public async Task A_local_script_is_completed_as_if_called_by_itself(string shell)
    {
        using var box = new Sandbox();
        await Prepare(box);
        await using var terminal = await Start(box, shell);
        await Say(terminal, shell switch
        {
            "zsh" => "_own() { compadd own-word }; compdef _own local.sh",
            "fish" or Fish4 => "complete -c local.sh -f -a own-word",
            _ => "complete -W own-word local.sh",
        });
        // Without bash-completion, bash has no function that completes another command.
        await Ran(terminal, "run ./local.sh ow\t\r", "./local.sh", shell == "bash" ? "ow" : "own-word");
    }

    [Theory]
    [InlineData("bash", "run --conf\t\t", "--config", "--conflict-exit-code")]
    [InlineData("zsh", "run --conf\t", "read this run.conf and no other", "exit status if it is already running (75)")]
    [InlineData("zsh", "run git\t\t", "OWNER/REPO/PATH[@REF]")]
    [InlineData("fish", "run --conf\t", "read this run.conf and no other", "exit status if it is already running (75)")]
    [InlineData("fish", "run git\t", "OWNER/REPO/PATH[@REF]")]
    public async Task Several_answers_are_shown_with_what_they_mean(string shell, string typed, params string[] shown)
    {
        using var box = new Sandbox();
        await Prepare(box);
        await using var terminal = await Start(box, shell);
        await terminal.Type(typed);
        foreach (var text in shown)
        {
            await terminal.Output(text);
        }
    }

    [Fact]
    public async Task What_SCRIPT_may_be_is_told_to_any_shell()
    {
        using var box = new Sandbox();
        await Prepare(box);
        var result = await box.Run("--completion", "words").Result();
        var words = result.Is(0, result.Stdout).Stdout;
        Assert.StartsWith("bitbucket:\tOWNER/REPO/PATH[@REF]\n", words, StringComparison.Ordinal);
        Assert.Matches("\nops:\tPATH\\[@REF\\]\nhello.sh\tcached \\d+s ago\nops:deep/tool.sh@v1\tcached \\d+s ago\n$", words);

        var conf = box.Put("other.conf", "sources:\n  mine: https://example.com/%s/%s\n", executable: false);
        var others = (await box.Run("--config", conf, "--completion", "words").Result()).Stdout;
        Assert.Contains("\nmine:\tREPO/PATH\n", others, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shell_without_completion_is_told_the_nearest()
    {
        using var box = new Sandbox();
        await box.Run("--completion", "fis").Fails(ExitStatus.Usage, "fis: no completion for this shell", "did you mean fish?");
        await box.Run("--completion", "powershell").Fails(ExitStatus.Usage, "supported shells: bash, zsh, fish");
    }

    [Fact]
    [Needs("shellcheck")]
    public async Task The_completion_for_bash_is_clean()
    {
        using var box = new Sandbox();
        await box.Sh("run --completion bash | shellcheck --shell bash --severity style -").Succeeds("");
    }

    private static async Task Prepare(Sandbox box)
    {
        await using var server = await ScriptServer.Start();
        server["/hello.sh"] = server["/deep/tool.sh?v1"] = "#!/bin/sh\n";
        box.Sources(server, $"ops: {server.Url}/%s?{{ref}}");
        box.Conf(File.ReadAllText(box.ConfFile)
            + "launchers:\n  staging: ssh staging\nlocks:\n  fleet: postgresql://db.example.com/ops\n");
        await box.Run("hello.sh").Succeeds("");
        await box.Run("ops:deep/tool.sh@v1").Succeeds("");
        box.Put("local.sh", "#!/bin/sh\n");
        box.Put("my data.txt", "", executable: false);
        box.Put("sub/only.conf", "", executable: false);
        box.Put("../bin/funny-interpreter", "#!/bin/sh\n");
        File.Delete(box.Bin + "/run");
        box.Put("../bin/run", Recorder.Replace("{binary}", Suite.Binary, StringComparison.Ordinal));
    }

    private static async Task<Child> Start(Sandbox box, string shell)
    {
        Tools.Need(shell == "bash with bash-completion" ? "/usr/share/bash-completion/bash_completion" : shell.Split(' ')[0]);
        var (program, setup) = shell switch
        {
            "bash" => ((string[])["bash", "--norc", "--noprofile", "-i"], "PS1='$ '; eval \"$(run --completion bash)\""),
            "zsh" => (["zsh", "-f", "-i"], "PS1='$ '; autoload -U compinit; compinit -u -D; eval \"$(run --completion zsh)\""),
            Fish4 => (["fish", "--no-config", "--features", "qmark-noglob"],
                "function fish_prompt; echo '$ '; end; string match -q -- '-?*' --x; and exit 1; run --completion fish | source"),
            "fish" => (["fish", "--no-config"], "function fish_prompt; echo '$ '; end; run --completion fish | source"),
            _ => (["bash", "--norc", "--noprofile", "-i"],
                "PS1='$ '; . /usr/share/bash-completion/bash_completion; eval \"$(run --completion bash)\""),
        };
        var terminal = box.Exec(program[0], program[1..]).Env("TERM", "xterm").OnTerminal().Start();
        await Say(terminal, setup);
        return terminal;
    }

    /// <summary>Types a line and waits until the shell has executed it.</summary>
    private static async Task Say(Child terminal, string line)
    {
        var mark = $"said{terminal.OutputSoFar.Length}";
        await terminal.Type($"{line}; echo {mark[..2]}''{mark[2..]}\r");
        await terminal.Output($"{mark}\r\n");
    }

    /// <summary>Types a line and waits until run has been called, which must be with these words.</summary>
    private static async Task Ran(Child terminal, string typed, params string[] words)
    {
        var before = terminal.OutputSoFar.Length;
        var ran = Match.Empty;
        await terminal.Type(typed);
        await Eventually.True(() => (ran = Recorded().Match(terminal.OutputSoFar, before)).Success, $"{typed} has been run");
        Assert.Equal(string.Concat(words.Select(static word => $"[{word}]")), ran.Groups[1].Value);
    }

    [GeneratedRegex(@"ran((?:\[[^]]*\])+)\.")]
    private static partial Regex Recorded();
}
