namespace Run.Tests.AnyLanguage;

/// <summary>Scripts in any language, fetched or local: what starts them, and with which arguments.</summary>
public sealed class InterpreterTests
{
    private static readonly string[] s_notEverywhere = ["python3", "node"];

    [Theory]
    [InlineData("#!/bin/sh\necho \"$# $1 $2\"\n")]
    [InlineData("#!/bin/bash\na=(\"$@\"); echo \"${#a[@]} ${a[*]}\"\n")]
    [InlineData("#!/usr/bin/env bash\na=(\"$@\"); echo \"${#a[@]} ${a[*]}\"\n")]
    [InlineData("#!/usr/bin/env -S bash -e\n[[ $- == *e* ]] && echo \"$# $*\"\n")]
    [InlineData("#!/usr/bin/env python3\nimport sys\nprint(len(sys.argv) - 1, *sys.argv[1:])\n")]
    [InlineData("#!/usr/bin/python3 -u\nimport sys\nprint(len(sys.argv) - 1, *sys.argv[1:])\n")]
    [InlineData("#!/usr/bin/perl -w\nprint scalar(@ARGV), \" @ARGV\\n\";\n")]
    [InlineData("#!/usr/bin/awk -f\nBEGIN { print ARGC - 1, ARGV[1], ARGV[2] }\n")]
    [InlineData("#!/usr/bin/env node\nconsole.log(process.argv.length - 2, process.argv.slice(2).join(' '))\n")]
    [InlineData("echo \"$# $1 $2\"\n")]
    [InlineData("#! \t /bin/sh \t \necho \"$# $1 $2\"\n")]
    [InlineData("#!/bin/sh\r\necho \"$# $1 $2\" #\r\n")]
    [InlineData("#!/bin/sh -e\r\necho \"$# $1 $2\" #\r\n")]
    [InlineData("#!/usr/bin/env bash\r\necho \"$# $1 $2\" #\r\n")]
    [InlineData("#!/usr/bin/env -S bash -e\r\necho \"$# $1 $2\" #\r\n")]
    public async Task Each_gets_its_arguments(string script)
    {
        Tools.Need([.. s_notEverywhere.Where(script.Split('\n')[0].Contains)]);
        await using var world = await World.Serving(("/x", script));
        world.Put("y", script);
        world.Put("z", script, executable: false);
        await world.Run("x", "a", "b").Succeeds("2 a b\n");
        await world.Run("x", "a", "b").Succeeds("2 a b\n");
        await world.Run("./y", "a", "b").Succeeds("2 a b\n");
        await world.Run("./z", "a", "b").Succeeds("2 a b\n");
    }

    [Fact]
    public async Task A_line_that_is_all_of_the_file_needs_no_end()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/echo a");
        box.Put("y", "#!/bin/echo a", executable: false);
        await box.Run("./x", "b").Succeeds("a ./x b\n");
        await box.Run("./y", "b").Succeeds("a ./y b\n");
    }

    [Fact]
    public async Task A_line_that_is_longer_than_the_kernel_reads()
    {
        using var box = new Sandbox();
        var words = string.Concat(Enumerable.Range(0, 200).Select(static i => $" {i}"));
        box.Put("x", $"#!/usr/bin/env -S echo{words}\n");
        await box.Run("./x", "end").Succeeds($"{words[1..]} ./x end\n");
        var deep = box.Put(string.Concat(Enumerable.Repeat("directory/", 30)) + "interpreter", "#!/bin/sh\necho \"deep: $2\"\n");
        box.Put("y", $"#!{deep}\n");
        await box.Run("./y", "a").Succeeds("deep: a\n");
    }

    [Fact]
    public async Task The_argument_in_the_line_is_one_whatever_blanks_are_in_it()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/usr/bin/printf [%s]a  b\tc \n");
        box.Put("y", "#!/usr/bin/printf [%s]a  b\tc \r\n");
        await box.Run("./x", "z").Succeeds("[./x]a  b\tc[z]a  b\tc");
        await box.Run("./y", "z").Succeeds("[./y]a  b\tc[z]a  b\tc");
    }

    [Fact]
    [Needs("python3")]
    public async Task An_interpreter_that_is_named_takes_the_place_of_any()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/false\nimport sys; print(sys.flags.dont_write_bytecode, sys.argv)\n");
        box.Put("y", "echo \"$-\" \"$0\" \"$@\"\n", executable: false);
        box.Put("my tool", "#!/bin/sh\necho \"[$1][$2][$3]\"\n");
        await box.Run("-i", "python3 -B", "./x", "a").Succeeds("1 ['./x', 'a']\n");
        await box.Run("-i", "sh -e", "./y", "a b").Succeeds("e ./y a b\n");
        await box.Run("-i", "'./my tool' \"it's\"", "./y").Succeeds("[it's][./y][]\n");
        await box.Run("-i", "/usr/bin/env echo", "./y", "a").Succeeds("./y a\n");
    }

    [Fact]
    [Needs("python3")]
    public async Task A_named_interpreter_works_for_a_fetched_script_too()
    {
        await using var world = await World.Serving(("/x.py", "print('a')\n"));
        await world.Run("-i", "python3 -B", "x.py").Succeeds("a\n");
        await world.Run("x.py").Succeeds("a\n");
    }

    [RootFact]
    public async Task A_noexec_file_system_is_no_obstacle()
    {
        await using var world = await World.Serving(
            ("/sh", "#!/bin/sh\necho \"sh $1\"\n"),
            ("/env", "#!/usr/bin/env -S python3 -B\nimport sys\nprint('python', sys.argv[1])\n"),
            ("/none", "echo \"none $1\"\n"),
            ("/crlf", "#!/bin/sh\r\necho \"crlf $1\" #\r\n"));
        world.Server.Bytes("/elf", File.ReadAllBytes("/bin/true"));
        var mount = $"mkdir -p {world.Cache}; mount -t tmpfs -o noexec,mode=700 none {world.Cache}";
        foreach (var name in (string[])["sh", "env", "none", "crlf"])
        {
            await world.Run(name, "a").InMountNamespace(mount).Succeeds($"{name.Replace("env", "python", StringComparison.Ordinal)} a\n");
        }

        await world.Run("elf").InMountNamespace(mount).Fails(ExitStatus.CannotStart, "elf", "noexec");
    }

    [Fact]
    public async Task The_process_has_the_scripts_name_if_the_kernel_starts_it()
    {
        await using var world = await World.Serving(("/my-tool", "#!/bin/sh\nread -r name </proc/$$/comm; echo \"$name\"\n"));
        world.Put("local-tool", "#!/bin/sh\nread -r name </proc/$$/comm; echo \"$name\"\n");
        await world.Run("my-tool").Succeeds("my-tool\n");
        await world.Run("my-tool").Succeeds("my-tool\n");
        await world.Run("./local-tool").Succeeds("local-tool\n");
        await world.Run("-i", "sh", "./local-tool").Succeeds("sh\n");
    }

    [Fact]
    public async Task The_script_is_the_process_that_was_started_and_its_end_is_the_callers_to_see()
    {
        await using var world = await World.Serving(("/x", "#!/bin/sh\neval \"$1\"\n"));
        foreach (var run in (string[])["x", $"{world.Server.Url}/x", "x"])
        {
            await world.Run(run, "exit 0").Succeeds("");
            await world.Run(run, "exit 64").Expect(64, "");
            await world.Run(run, "exit 255").Expect(255, "");
            await world.Run(run, "kill -TERM $$").Expect(128 + 15, "");
            await world.Run(run, "kill -KILL $$").Expect(128 + 9, "");
            await world.Run(run, "kill -PIPE $$").Expect(128 + 13, "");
        }

        await using var child = world.Run("x", "echo $$; read -r line; exit 3").InputStaysOpen().Start();
        await child.Output($"{child.Pid}\n");
        child.CloseInput();
        Assert.Equal(3, (await child.Exit()).Status);
    }

    [Fact]
    public async Task A_script_that_is_a_program()
    {
        await using var world = await World.Serving();
        world.Server.Bytes("/dir/true", File.ReadAllBytes("/bin/true"));
        world.Server.Bytes("/echo", File.ReadAllBytes("/bin/echo"));
        await world.Run("dir/true").Succeeds("");
        await world.Run("echo", "a", "b").Succeeds("a b\n");
        await world.Run("echo", "a", "b").Succeeds("a b\n");
        await world.Run("/bin/echo", "c").Succeeds("c\n");
    }
}
