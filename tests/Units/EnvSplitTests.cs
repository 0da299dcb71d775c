using Run.Execution;

namespace Run.Tests.Units;

/// <summary>The words of <c>env -S</c>, compared with those that the machine's env makes of the same text.</summary>
public sealed class EnvSplitTests
{
    private static readonly Dictionary<string, string> s_variables = new() { ["A"] = "a b", ["EMPTY"] = "", ["_x1"] = "'#$\\" };

    /// <summary>What the grammar is made of, and a little more.</summary>
    private static readonly string[] s_pieces =
    [
        " ", "\t", "\n", "\v", "\r", "'", "\"", "\\", "#", "$", "{",
        "}", "_", "c", "f", "n", "r", "t", "v", "a", "ä", "-", "=", "\\_", "\\c",
        "\\'", "\\\\", "${A}", "${EMPTY}", "${NONE}", "${_x1}", "x #", "''",
    ];

    [Theory]
    [InlineData("", new string[0])]
    [InlineData(" \t\v\f\r\n ", new string[0])]
    [InlineData("run --lock", new[] { "run", "--lock" })]
    [InlineData("run\\_--lock", new[] { "run", "--lock" })]
    [InlineData("\"a\\_b\"", new[] { "a b" })]
    [InlineData("run\\c --lock", new[] { "run" })]
    [InlineData("run --lock # one at a time", new[] { "run", "--lock" })]
    [InlineData("run# x\\#y \\# '#'", new[] { "run#", "x#y", "#", "#" })]
    [InlineData("a\\fb\\nc\\rd\\te\\vf", new[] { "a\fb\nc\rd\te\vf" })]
    [InlineData("\\$\\\"\\'\\\\", new[] { "$\"'\\" })]
    [InlineData("'a\\b' 'a\\\\b' 'a\\'b' 'a\"${A}'", new[] { "a\\b", "a\\b", "a'b", "a\"${A}" })]
    [InlineData("\"it's\" '' \"\"x", new[] { "it's", "", "x" })]
    [InlineData("${A} x${A}y \"${A}\"", new[] { "a b", "xa by", "a b" })]
    [InlineData("${NONE} \"${NONE}\" ${EMPTY}", new[] { "", "" })]
    [InlineData("${_x1}", new[] { "'#$\\" })]
    [InlineData("--lock=job-${A}", new[] { "--lock=job-a b" })]
    public async Task They_are_those_of_env(string text, string[] words)
    {
        Assert.Equal(words, EnvSplit.Split(text, s_variables.GetValueOrDefault));
        Assert.Equal(words, await OfEnv(text));
    }

    [Theory]
    [InlineData("'")]
    [InlineData("a \"b")]
    [InlineData("a\\")]
    [InlineData("\\x")]
    [InlineData("\"a\\c\"")]
    [InlineData("$A")]
    [InlineData("${}")]
    [InlineData("${1}")]
    [InlineData("${A")]
    [InlineData("${A-b}")]
    public async Task What_env_refuses_has_none(string text)
    {
        Assert.Null(EnvSplit.Split(text, s_variables.GetValueOrDefault));
        Assert.Null(await OfEnv(text));
    }

    [Fact]
    public async Task Whatever_the_text_is_they_are_those_of_env()
    {
        const int Texts = 300, MostPieces = 12;
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < Texts; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(MostPieces)).Select(_ => s_pieces[random.Next(s_pieces.Length)]));
            var (own, real) = (EnvSplit.Split(text, s_variables.GetValueOrDefault), await OfEnv(text));
            Assert.True(
                own is null ? real is null : real is not null && own.SequenceEqual(real),
                $"{text} (seed {seed}): [{string.Join('|', own ?? ["refused"])}], but env says [{string.Join('|', real ?? ["refused"])}]");
        }
    }

    [Theory]
    [InlineData("run", "run")]
    [InlineData("-S run --lock", "run --lock")]
    [InlineData("-vS run --lock", "run --lock")]
    [InlineData("-Srun", "run")]
    [InlineData("--split-string=run --lock", "run --lock")]
    [InlineData("--split=run", "run")]
    [InlineData("-S -i A=b -u HOME run", "-u HOME run")]
    [InlineData("-S -i -u HOME A=b C= run -q", "run -q")]
    [InlineData("-S -iuHOME - run", "run")]
    [InlineData("-S -C / --chdir / --unset=X -- run --", "run --")]
    [InlineData("-S -S\\_run\\_-q x", "run -q x")]
    [InlineData("-S --block-signal=INT --default-signal run", "run")]
    [InlineData("-S", null)]
    [InlineData("-S A=b", null)]
    [InlineData("-S -0 run", null)]
    [InlineData("-S --version run", null)]
    [InlineData("-S --no-such run", null)]
    [InlineData("-S 'run", null)]
    public void Which_program_env_starts(string argument, string? program) =>
        Assert.Equal(program, EnvCommand.Of([argument], static _ => null) is { } env ? string.Join(' ', env.Program) : null);

    [Theory]
    [InlineData("nice run", "run")]
    [InlineData("nice -n 5 run --lock", "run --lock")]
    [InlineData("nice -n5 uv run --script", "uv run --script")]
    [InlineData("nice -5 npm run", "npm run")]
    [InlineData("timeout -k 5 --signal KILL 10 run", "run")]
    [InlineData("timeout -k5 10 docker run x", "docker run x")]
    [InlineData("ionice -c 3 run", "run")]
    [InlineData("ionice -c3 -t run", "run")]
    [InlineData("taskset -c 0-3 run", "run")]
    [InlineData("chrt -b 0 run", "run")]
    [InlineData("flock -n -w 5 /run run", "run")]
    [InlineData("sudo -u run -- A=b poetry run", "poetry run")]
    [InlineData("sudo -nu run A=b poetry run", "poetry run")]
    [InlineData("setarch x86_64 -R run", "run")]
    [InlineData("setarch -R uv run", "uv run")]
    [InlineData("stdbuf -oL -e 0 run", "run")]
    [InlineData("nice", null)]
    [InlineData("timeout 5", null)]
    [InlineData("uv run", null)]
    public void What_a_wrapper_starts(string line, string? command)
    {
        var words = line.Split(' ');
        Assert.Equal(command, Wrapper.Own(words[0], words.AsSpan(1)) is { } own ? string.Join(' ', words[(own + 1)..]) : null);
    }

    private static async Task<string[]?> OfEnv(string text)
    {
        using var box = new Sandbox();
        var command = box.Exec("/usr/bin/env", "-S", $"printf '%s\\0' first {text}");
        foreach (var (name, value) in s_variables)
        {
            command.Env(name, value);
        }

        var result = await command.Env("NONE", null).Result();
        return result.Status == 0 ? result.Stdout.Split('\0')[1..^1] : null;
    }
}
