namespace Run.Tests.AnyLanguage;

/// <summary>A script that exists but cannot be started: the message says what is missing, and what asked for it.</summary>
public sealed class CannotStartTests
{
    [Theory]
    [InlineData("#!/missing/interpreter\n", "/missing/interpreter")]
    [InlineData("#!/missing/interpreter -x\n", "/missing/interpreter", "#!/missing/interpreter -x")]
    [InlineData("#!/missing/interpreter\r\n", "/missing/interpreter")]
    [InlineData("#!missing\n", "missing")]
    [InlineData("#!/usr/bin/env missing-interpreter\n", "missing-interpreter", "#!/usr/bin/env missing-interpreter")]
    [InlineData("#!/usr/bin/env missing-interpreter\r\n", "missing-interpreter")]
    public async Task An_interpreter_that_is_missing(string line, string interpreter, string? shown = null)
    {
        await using var world = await World.Serving(("/x", line));
        world.Put("y", line);
        world.Put("z", line, executable: false);
        foreach (var script in (string[])["x", "x", "./y", "./y", "./z"])
        {
            await world.Run(script).Fails(ExitStatus.NotFound, $"{script}: no such interpreter: {interpreter}", shown ?? "#!");
        }
    }

    [Fact]
    public async Task An_interpreter_that_cannot_be_executed()
    {
        using var box = new Sandbox();
        var plain = box.Put("plain", "#!/bin/sh\n", executable: false);
        box.Put(box.Bin + "/in-path", "#!/bin/sh\n", executable: false);
        box.Put("x", $"#!{plain}\n");
        box.Put("y", "#!/usr/bin/env in-path\n");
        box.Put("z", "#!/usr\n");
        await box.Run("./x").Fails(ExitStatus.CannotStart, "./x", plain);
        await box.Run("./y").Fails(ExitStatus.CannotStart, "./y", box.Bin + "/in-path", "#!/usr/bin/env in-path");
        await box.Run("./z").Fails(ExitStatus.CannotStart, "./z", "/usr");
        await box.Run("-i", plain, "./x").Fails(ExitStatus.CannotStart, "./x", plain);
    }

    [Fact]
    public async Task One_that_was_named_and_is_missing()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/bin/sh\n");
        await box.Run("-i", "missing -x", "./x").Fails(ExitStatus.NotFound, "./x", "missing");
        await box.Run("-i", "/missing/sh", "./x").Fails(ExitStatus.NotFound, "./x", "/missing/sh");
    }

    [Fact]
    public async Task A_program_that_is_cut_short_or_of_another_machine()
    {
        await using var world = await World.Serving();
        var program = File.ReadAllBytes("/bin/true");
        var other = (byte[])program.Clone();
        other[18] = 0xf3; // e_machine: RISC-V
        world.Server.Bytes("/cut", program[..100]);
        world.Server.Bytes("/other", other);
        world.Server.Bytes("/binary", [1, 2, 0, 3, 10, 0, 255]);
        await world.Run("cut").Fails(ExitStatus.CannotStart, "cut");
        await world.Run("other").Fails(ExitStatus.CannotStart, "other", "this machine");
        await world.Run("binary").Fails(ExitStatus.CannotStart, "binary");
    }

    [Fact]
    public async Task A_program_whose_loader_is_missing()
    {
        using var box = new Sandbox();
        var program = File.ReadAllBytes("/bin/true");
        var at = program.AsSpan().IndexOf("/lib64/ld-linux"u8);
        program[at + 1] = (byte)'X';
        var path = box.Put("x", "");
        TestFile.Write(path, program);
        await box.Run("./x").Fails(ExitStatus.CannotStart, "./x", "loader");
    }

    /// <summary>The kernel says the same of a missing script, a missing interpreter and a missing loader.</summary>
    [Theory]
    [InlineData("script")]
    [InlineData("program")]
    public async Task One_that_is_removed_right_before_it_starts(string kind)
    {
        Tools.Need("strace");
        using var box = new Sandbox();
        var path = box.Put("x", Saying("ran"));
        if (kind == "program")
        {
            TestFile.Write(path, File.ReadAllBytes("/bin/true"));
        }

        string[] late = ["-e", "trace=execve,openat", "-e", "inject=execve:delay_enter=2000000:when=1"];
        var run = box.Run("./x").Traced(out var trace, late).Result();
        await Eventually.True(
            () => File.Exists(trace) && File.ReadAllText(trace).Split("\"./x\", O_RDONLY").Length > 2, "the script has been read");
        File.Delete(path);
        (await run).Is(127, "", "run: ./x: no such file\n");
    }

    [RootFact]
    public async Task A_script_that_can_only_be_executed_and_whose_interpreter_is_missing()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/missing/interpreter\n");
        box.GiveTo(65534);
        File.SetUnixFileMode(box.Work + "/x", UnixFileMode.UserExecute);
        await box.Run("./x").As(65534).Fails(ExitStatus.CannotStart, "./x: its interpreter or loader is not installed");
    }

    [Fact]
    public async Task The_line_that_names_the_interpreter_is_shown()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/usr/bin/env run\n#!/missing/interpreter -x\n");
        await box.Run("./x").Fails(ExitStatus.NotFound, "/missing/interpreter", "its second line is #!/missing/interpreter -x");
    }

    [Fact]
    public async Task A_local_program_without_the_x_bit()
    {
        using var box = new Sandbox();
        TestFile.Write(box.Put("x", "", executable: false), File.ReadAllBytes("/bin/true"));
        await box.Run("./x").Fails(ExitStatus.CannotStart, "./x", "x bit");
    }

    [Fact]
    public async Task A_loop_of_interpreters()
    {
        using var box = new Sandbox();
        var path = box.Put("x", "");
        box.Put("x", $"#!{path}\n");
        await box.Run("./x").Fails(ExitStatus.CannotStart, "./x");
    }

    [RootFact]
    public async Task A_local_script_that_cannot_be_read()
    {
        using var box = new Sandbox();
        box.Put("x", Saying("ran"));
        box.GiveTo(65534);
        File.SetUnixFileMode(box.Work + "/x", UnixFileMode.None);
        await box.Run("./x").As(65534).Fails(ExitStatus.CannotStart, "./x", "permission denied");
    }

    [Fact]
    public async Task Without_PATH_env_looks_where_the_system_does()
    {
        using var box = new Sandbox();
        box.Put("x", "#!/usr/bin/env sh\necho ran\n");
        await box.Run("./x").Env("PATH", null).Succeeds("ran\n");
        await box.Run("-i", "sh", "./x").Env("PATH", null).Succeeds("ran\n");
        await box.Run("./x").Env("PATH", box.Work).Fails(ExitStatus.NotFound, "./x: no such interpreter: sh", "#!/usr/bin/env sh");
    }
}
