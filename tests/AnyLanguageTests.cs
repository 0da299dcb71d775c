using Run.Tests.Infra;

namespace Run.Tests;

/// <summary>
/// Whatever a script is written in, it starts as the kernel would start it; where the kernel cannot, as it would have been.
/// Each is tried from the cache and, where root can mount one, from a cache on a file system without exec.
/// </summary>
public sealed class AnyLanguageTests
{
    private const string NoExec = "mount -t tmpfs -o noexec,mode=755 none \"$XDG_CACHE_HOME\"";

    [Theory]
    [InlineData("x", "#!/bin/sh\necho \"$0 $1 $2\" | sed s,.*/,,\n", "x a b c\n")]
    [InlineData("x", "#!/bin/bash\na=(\"$@\"); echo \"${a[1]}\"\n", "b c\n")]
    [InlineData("x", "#!/usr/bin/perl -w\nprint \"$ARGV[1]\\n\";\n", "b c\n")]
    [InlineData("x", "#!/usr/bin/env node\nconsole.log(process.argv[3]);\n", "b c\n")]
    [InlineData("x", "#!/usr/bin/env python3\nimport sys\nprint(sys.argv[2])\n", "b c\n")]
    [InlineData("x", "#!/usr/bin/env -S python3 -u -B\nimport sys\nprint(sys.argv[2], sys.dont_write_bytecode)\n", "b c True\n")]
    [InlineData("x", "#!/usr/bin/env -S A=1 sh -e\necho $A $2\n", "1 b c\n")]
    [InlineData("x", "#!/usr/bin/awk -f\nBEGIN { print ARGV[2] }\n", "b c\n")]
    [InlineData("x", "echo \"$2\"\n", "b c\n")]
    [InlineData("x", "\necho \"$2\"\n", "b c\n")]
    [InlineData("x", "# a comment first\necho \"$2\"\n", "b c\n")]
    [InlineData("x.py", "import sys\nprint(sys.argv[2])\n", "b c\n")]
    [InlineData("x.pl", "print \"$ARGV[1]\\n\";\n", "b c\n")]
    [InlineData("x.unknown", "echo \"$2\"\n", "b c\n")]
    [InlineData("x", "#!/bin/sh\r\necho \"$2\" #\r\n", "b c\n")]
    [InlineData("x", "#!/usr/bin/env python3\r\nimport sys\r\nprint(sys.argv[2])\r\n", "b c\n")]
    [InlineData("x", "#!/usr/bin/env -S python3 -u\r\nimport sys\r\nprint(sys.argv[2])\r\n", "b c\n")]
    [InlineData("x", "#! /bin/sh\necho \"$2\"\n", "b c\n")]
    [InlineData("x", "#!\t /bin/sh\t \necho \"$2\"\n", "b c\n")]
    [InlineData("x", "#!/bin/sh", "")]
    [InlineData("x", "#!/bin/sh -e\nfalse\necho \"not reached\"\n", "", 1)]
    [InlineData("x", "#!/bin/cat\nthe script itself\n", "#!/bin/cat\nthe script itself\n", 1)]
    public async Task A_script_in_any_language_runs(string name, string script, string stdout, int status = 0)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server[$"/{name}"] = script;
        if (script.Contains("node", StringComparison.Ordinal) && !File.Exists("/usr/bin/node"))
        {
            Assert.Skip("there is no node");
        }

        foreach (var attempt in (string[])["cold", "warm", "warm again"])
        {
            var result = await box.Run(name, "a", "b c").Result();
            result.Check((result.Status, result.Stdout) == (status, stdout), $"status {status} and \"{stdout}\" from a {attempt} start");
        }

        if (Posix.IsRoot)
        {
            var result = await box.Run(name, "a", "b c").InMountNamespace(NoExec).Result();
            result.Check((result.Status, result.Stdout) == (status, stdout), $"status {status} and \"{stdout}\" on a mount without exec");
        }
    }

    /// <summary>What the kernel makes of a first line is what run makes of it where the kernel cannot: from a cache without exec, and with CRLF.</summary>
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(" -x")]
    [InlineData(" one argument, not four ")]
    [InlineData("\t\ttabs\tinside\t\t")]
    [InlineData(" 'quotes' \"stay\" \\n $HOME *")]
    [InlineData(" é")]
    public async Task A_first_line_means_what_it_means_to_the_kernel(string rest)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        // printf %s| prints whatever arguments the interpreter was given, and then the script's path and arguments.
        var interpreter = box.Put(box.Bin + "/show", "#!/bin/sh\nfor a; do printf '%s|' \"${a##*/}\"; done\n");
        var line = $"#!{interpreter}{rest}";
        server["/x"] = line + "\nthe rest\n";
        server["/crlf"] = line + "\r\nthe rest\r\n";
        await box.Run("x", "a b", "").Result();
        var byKernel = (await box.Exec(box.CachedScript("x"), "a b", "").Result()).Stdout;
        Assert.EndsWith("x|a b||", byKernel, StringComparison.Ordinal);
        await box.Run("x", "a b", "").Succeeds(byKernel);
        await box.Run("crlf", "a b", "").Succeeds(byKernel.Replace("x|a", "crlf|a", StringComparison.Ordinal));
        if (Posix.IsRoot)
        {
            await box.Run("x", "a b", "").InMountNamespace(NoExec).Succeeds(byKernel);
        }
    }

    [Fact]
    public async Task A_first_line_that_is_too_long_for_the_kernel_is_read_to_its_end()
    {
        using var box = new Sandbox();
        var padding = string.Concat(Enumerable.Range(0, 60).Select(static i => $"VARIABLE_{i}=x "));
        box.Put("x", $"#!/usr/bin/env -S {padding}LAST=z sh\necho \"$LAST $1\"\n");
        await box.Run("./x", "a").Succeeds("z a\n");
    }

    [Fact]
    public async Task An_interpreter_may_be_a_script_itself()
    {
        using var box = new Sandbox();
        var inner = box.Put("inner", "#!/bin/sh\necho \"inner of ${1##*/}\"\n");
        box.Put("x", $"#!{inner}\n");
        await box.Run("./x").Succeeds("inner of x\n");
    }

    [Fact]
    public async Task An_executable_binary_is_executed()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server.Bytes("/echo", File.ReadAllBytes("/bin/echo"), "application/octet-stream");
        await box.Run("echo", "a", "b c").Succeeds("a b c\n");
        await box.Run("echo", "a", "b c").Succeeds("a b c\n");
    }

    [RootFact]
    public async Task A_binary_cannot_be_started_where_nothing_can()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server.Bytes("/echo", File.ReadAllBytes("/bin/echo"), "application/octet-stream");
        await box.Run("echo", "a").InMountNamespace(NoExec).Fails(ExitStatus.CannotStart, "echo");
    }

    [Fact]
    public async Task A_binary_for_another_machine_says_so()
    {
        using var box = new Sandbox();
        var bytes = File.ReadAllBytes("/bin/echo");
        bytes[18] ^= 0x55; // e_machine
        File.WriteAllBytes(box.Put("alien", ""), bytes);
        await box.Run("./alien").Fails(ExitStatus.CannotStart, "./alien");
    }

    [Theory]
    [InlineData("#!/no/such/interpreter\n", "/no/such/interpreter")]
    [InlineData("#!/no/such/interpreter\r\n", "/no/such/interpreter")]
    [InlineData("#!/usr/bin/env no-such-program\n", "no-such-program")]
    [InlineData("#!/usr/bin/env -S no-such-program -x\n", "no-such-program")]
    [InlineData("#!/bin/sh/nonsense\n", "/bin/sh/nonsense")]
    public async Task A_missing_interpreter_is_127_and_named_with_who_asked_for_it(string script, string interpreter)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/tool"] = script;
        await box.Run("tool").Fails(ExitStatus.NotFound, interpreter, "tool");
        await box.Run("tool").Fails(ExitStatus.NotFound, interpreter, "tool");
        if (Posix.IsRoot)
        {
            await box.Run("tool").InMountNamespace(NoExec).Fails(ExitStatus.NotFound, interpreter, "tool");
        }
    }

    [Fact]
    public async Task A_missing_interpreter_of_ones_own_choice_is_127_too()
    {
        using var box = new Sandbox();
        box.Put("x", "");
        await box.Run("-i", "no-such-program", "./x").Fails(ExitStatus.NotFound, "no-such-program");
        await box.Run("-i", "/no/such/program -x", "./x").Fails(ExitStatus.NotFound, "/no/such/program");
        File.AppendAllText(box.Put(box.ConfFile, "interpreters:\n  .q: no-such-program\n", executable: false), "");
        box.Put("x.q", "text\n");
        await box.Run("./x.q").Fails(ExitStatus.NotFound, "no-such-program", "x.q");
    }

    [Theory]
    [InlineData("#!/etc/passwd\n", "/etc/passwd")]
    [InlineData("#!/usr\n", "/usr")]
    public async Task An_interpreter_that_cannot_be_executed_is_126(string script, string interpreter)
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/tool"] = script;
        await box.Run("tool").Fails(ExitStatus.CannotStart, interpreter, "tool");
        await box.Run("-i", interpreter, "tool").Fails(ExitStatus.CannotStart, interpreter);
    }

    [Fact]
    public async Task A_local_script_needs_no_x_bit()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\necho \"$0 $1\"\n", executable: false);
        box.Put("y.py", "import sys\nprint(sys.argv[1])\n", executable: false);
        await box.Run("./x", "a").Succeeds("./x a\n");
        await box.Run("./y.py", "a").Succeeds("a\n");
    }

    [Fact]
    public async Task The_process_has_the_name_of_the_script()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/tool"] = "#!/bin/sh\ncat /proc/$$/comm\ntr '\\0' ' ' </proc/$$/cmdline\n";
        await box.Run("tool", "a").Result();
        await box.Run("tool", "a").Succeeds($"tool\n/bin/sh {box.CachedScript("tool")} a ");
    }

    [Fact]
    public async Task An_interpreter_on_the_command_line_wins_over_the_first_line()
    {
        using var box = new Sandbox();
        await using var server = await ScriptServer.Start();
        box.Sources(server);
        server["/x"] = "#!/bin/sh\necho sh\n";
        await box.Run("-i", "echo -n", "x", "a").Result();
        await box.Run("-i", "echo -n", "x", "a").Succeeds($"{box.CachedScript("x")} a");
        await box.Run("x").Succeeds("sh\n");
    }

    [Fact]
    public async Task Programs_are_looked_for_in_the_callers_PATH()
    {
        using var box = new Sandbox();
        box.Put(box.Bin + "/own-interpreter", "#!/bin/sh\necho own\n");
        box.Put("x", "#!/usr/bin/env own-interpreter\n");
        await box.Run("./x").Succeeds("own\n");
        await box.Run("-i", "own-interpreter", "./x").Succeeds("own\n");
        await box.Run("-i", "own-interpreter", "./x").Env("PATH", "/usr/bin:/bin").Fails(ExitStatus.NotFound, "own-interpreter");
        // A directory of that name, or a file that is not executable, is passed over, as every shell does.
        Directory.CreateDirectory(box.Root + "/first/own-interpreter");
        box.Put(box.Root + "/second/own-interpreter", "", executable: false);
        await box.Run("-i", "own-interpreter", "./x").Env("PATH", $"{box.Root}/first:{box.Root}/second:{box.Bin}:/usr/bin:/bin").Succeeds("own\n");
    }

    [Fact]
    public async Task The_scripts_own_end_is_the_callers_to_see()
    {
        using var box = new Sandbox();
        box.Put("exits", "#!/bin/sh\nexit $1\n");
        box.Put("dies", "#!/bin/sh\nkill -$1 $$\n");
        await box.Run("./exits", "0").Expect(0, "");
        await box.Run("./exits", "42").Expect(42, "");
        await box.Run("./exits", "255").Expect(255, "");
        await box.Run("./dies", "TERM").Expect(128 + Posix.SIGTERM, "");
        await box.Run("./dies", "KILL").Expect(128 + Posix.SIGKILL, "");
    }
}
