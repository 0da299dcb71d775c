using FsCheck.Fluent;
using Run.Launching;
using Run.Posix;

namespace Run.Tests.Machines;

/// <summary>With <c>quoting: shell</c>, a shell takes apart what it gets into exactly the words.</summary>
public sealed class QuotingTests
{
    /// <summary>What some shell, or some launcher before it, takes for something else than itself.</summary>
    internal static readonly string[] Hard =
    [
        "", " ", "a b", "\t", "\n", "a\nb\n", "\r", "'", "''", "it's", "\"", "\\", "\\\\", "a\\", "\\n", "$HOME", "${x}", "$(id)", "`id`",
        "$", "*", "?", "[a-z]", "{a,b}", "~", "~root", "a=~/b", "=ls", "a=b", "#", "a#b", "!", "!!", "^a^b", "&", "|", ";", "<", ">",
        "(", ")", "-", "--", "-n", "--help", "-e\n", "{}", "{.}", "{/}", "{#}", "{%}", "{1}", "{= $_=1 =}", "%", "%h", "%%",
        "%u%n", "%hosts", "100%", "é", "日本", "😀", "\udcff", "\udc80x\udcc3 \udcf0\udc9f", "\u007f\u0001\u001b[1m", "run", "if", "time",
        ":::", "::::", "...", "@",
    ];

    private const string Tells = "#!/bin/sh\nfor a; do printf '[%s]' \"$a\"; done\n";

    [Theory]
    [InlineData("sh")]
    [InlineData("bash")]
    [InlineData("bash", "--posix")]
    [InlineData("zsh")]
    [InlineData("busybox", "sh")]
    public async Task Every_shell_gets_the_words_back(string shell, params string[] options)
    {
        Tools.Need(shell);
        using var box = new Sandbox();
        box.Put("tell", Tells);
        string[] words = [.. Hard, new string('\'', 1000), new string('x', 100_000)];
        await box.Exec(shell, [.. options, "-c", PosixShell.Quote(["./tell", .. words])])
            .Succeeds(string.Concat(words.Select(static word => $"[{word}]")));
    }

    [Fact]
    public void A_shell_gets_back_whatever_the_words_are()
    {
        using var box = new Sandbox();
        box.Put("tell", Tells);
        Prop.ForAll<byte[][]>(lists =>
        {
            string[] words = [.. lists.Select(static bytes => OsText.FromBytes([.. bytes.Where(static b => b != 0)]))];
            var told = box.Exec("sh", "-c", PosixShell.Quote(["./tell", .. words])).Result().GetAwaiter().GetResult();
            return told.Stdout == string.Concat(words.Select(static word => $"[{word}]"));
        }).Holds();
    }

    [Fact]
    public void What_needs_no_quotes_has_none() => Assert.Equal(
        "run --lock --wait=60 --sha256 0af https://example.com/o/r/v1.2/a_b.sh a=b -x +1 you@host:22 1,2",
        PosixShell.Quote(
        [
            "run", "--lock", "--wait=60", "--sha256", "0af", "https://example.com/o/r/v1.2/a_b.sh", "a=b", "-x", "+1", "you@host:22", "1,2",
        ]));
}
