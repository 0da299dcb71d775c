namespace Run.Tests.CommandLine;

/// <summary>What comes after SCRIPT is passed to the script, byte for byte.</summary>
public sealed class ArgumentTests
{
    private const string Tells = "#!/bin/sh\nfor a; do printf '[%s]' \"$a\"; done\n";

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    [InlineData("--version", "-V")]
    [InlineData("--")]
    [InlineData("--", "--", "-x")]
    [InlineData("-v", "--view", "-n", "--list", "--clean", "--init", "--stop")]
    [InlineData("-i", "bash", "--help")]
    [InlineData("-u", "--offline", "--sha256", "x", "--lock", "--wait=1", "-E", "3")]
    [InlineData("@file", "@")]
    [InlineData("[suggest]", "[diagram]")]
    [InlineData("", "", "a", "")]
    [InlineData("a b", " ", "\t", "\n", "'", "\"", "\\", "$HOME", "*")]
    [InlineData("#sha256=x", "x#y", "%s", "{ref}", "é", "日本", "😀")]
    [InlineData("-", "--=", "---", "-=x")]
    public async Task None_is_taken_for_an_option_of_run(params string[] arguments)
    {
        using var box = new Sandbox();
        box.Put("tell", Tells);
        box.Put("file", "--help\n");
        var told = string.Concat(arguments.Select(static a => $"[{a}]"));
        await box.Run(["./tell", .. arguments]).Succeeds(told);
        await box.Run(["-q", "--lock", "./tell", .. arguments]).Succeeds(told);
        await box.Run(["--", "./tell", .. arguments]).Succeeds(told);
        await box.Run(["-i", "sh", "--", "./tell", .. arguments]).Succeeds(told);
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF_8_are_kept()
    {
        using var box = new Sandbox();
        box.Put("tell", Tells);
        const string Bytes = "\udcff\udc80x\udcc3 \udcf0\udc9f";
        await box.Run("./tell", Bytes, "\udc80").Succeeds($"[{Bytes}][\udc80]");
        await box.Run("-q", "./tell", Bytes).Succeeds($"[{Bytes}]");
    }

    [Fact]
    public async Task Ten_thousand_arguments_and_a_very_long_one()
    {
        using var box = new Sandbox();
        box.Put("count", "#!/bin/sh\necho \"$#\" \"$1\" \"${10000}\"\n");
        box.Put("long", "#!/bin/sh\nprintf %s \"$1\" | wc -c\n");
        await box.Sh("run ./count $(seq 10000); run -q ./count $(seq 10000)").Succeeds("10000 1 10000\n10000 1 10000\n");
        await box.Sh("run -q ./long \"$(head -c 131000 /dev/zero | tr '\\0' x)\"").Succeeds("131000\n");
    }

    [Fact]
    public async Task More_than_the_kernel_takes()
    {
        using var box = new Sandbox();
        var word = new string('x', 100_000);
        box.Put("tell.x", "no first line\n");
        box.Conf($"interpreters:\n  .x: sh {word} {word}\n");
        await box.Run("./tell.x", word).Limit("stack", 1 << 20).Fails(ExitStatus.CannotStart, "./tell.x", "too long");
    }

    [Fact]
    public async Task After_two_dashes_even_what_looks_like_an_option_is_SCRIPT()
    {
        await using var world = await World.Serving(("/--help", Tells));
        await world.Run("--", "--help", "--help").Succeeds("[--help]");
    }

    [Fact]
    public async Task An_environment_that_is_not_UTF_8_is_kept()
    {
        using var box = new Sandbox();
        box.Put("tell", "#!/bin/sh\nprintf %s \"$X\"\n");
        await box.Run("./tell").Env("X", "\udcff=\n").Succeeds("\udcff=\n");
        await box.Run("-q", "./tell").Env("X", "\udcff=\n").Succeeds("\udcff=\n");
    }
}
