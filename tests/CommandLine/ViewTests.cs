using System.Text;

namespace Run.Tests.CommandLine;

/// <summary>What <c>--view</c> and <c>--diff</c> show on a terminal: all of a script, and nothing that acts there or hides.</summary>
public sealed class ViewTests
{
    private const string Hidden =
        "#!/bin/sh\n# \e[8mhidden\e[0m \e]0;title\a \u202ereversed\u2066 \b\b\b\r# nothing\n\techo é 日本 😀 ran\n";

    [Fact]
    public async Task A_script_cannot_hide_from_who_views_it_on_a_terminal()
    {
        await using var world = await World.Serving(("/x", Hidden));
        var shown = (await world.Run("--view", "x").OnTerminal().Result()).Stdout;
        Assert.Equal(
            """
            #!/bin/sh
            # \x1b[8mhidden\x1b[0m \x1b]0;title\x07 \u{202e}reversed\u{2066} \x08\x08\x08\x0d# nothing
            	echo é 日本 😀 ran

            """,
            shown.Replace("\r\n", "\n", StringComparison.Ordinal).Replace("        echo", "\techo", StringComparison.Ordinal));
        var local = world.Put("local.sh", Hidden);
        Assert.Equal(shown, (await world.Run("--view", local).OnTerminal().Result()).Stdout);
    }

    [Fact]
    public async Task Elsewhere_it_gets_the_bytes()
    {
        const string bytes = Hidden + "\udcff\0\u3164";
        await using var world = await World.Serving(("/x", bytes));
        await world.Run("--view", "x").Succeeds(bytes);
    }

    [Fact]
    public async Task A_long_line_is_shown_to_its_end()
    {
        var line = new string('x', 1 << 20);
        await using var world = await World.Serving(("/x", $"#!/bin/sh\n# {line}"));
        Assert.Contains(line, (await world.Run("--view", "x").OnTerminal().Result()).Stdout, StringComparison.Ordinal);
    }

    /// <summary>All that Unicode 15.1 calls Default_Ignorable_Code_Point, and what is blank without being a blank.</summary>
    [Theory]
    [InlineData(0x00ad, 0x00ad)]
    [InlineData(0x034f, 0x034f)]
    [InlineData(0x061c, 0x061c)]
    [InlineData(0x115f, 0x1160)]
    [InlineData(0x17b4, 0x17b5)]
    [InlineData(0x180b, 0x180f)]
    [InlineData(0x200b, 0x200f)]
    [InlineData(0x202a, 0x202e)]
    [InlineData(0x2060, 0x206f)]
    [InlineData(0x3164, 0x3164)]
    [InlineData(0xfe00, 0xfe0f)]
    [InlineData(0xfeff, 0xfeff)]
    [InlineData(0xffa0, 0xffa0)]
    [InlineData(0xfff0, 0xfffb)]
    [InlineData(0x1bca0, 0x1bca3)]
    [InlineData(0x1d173, 0x1d17a)]
    [InlineData(0xe0000, 0xe0fff)]
    [InlineData(0x2028, 0x2029)]
    [InlineData(0x00a0, 0x00a0)]
    [InlineData(0x1680, 0x1680)]
    [InlineData(0x2000, 0x200a)]
    [InlineData(0x202f, 0x202f)]
    [InlineData(0x205f, 0x205f)]
    [InlineData(0x2800, 0x2800)]
    [InlineData(0x3000, 0x3000)]
    [InlineData(0x13441, 0x13442)]
    [InlineData(0x16fe4, 0x16fe4)]
    [InlineData(0x1d159, 0x1d159)]
    public async Task What_is_not_seen_is_shown_by_its_number(int first, int last)
    {
        var runes = Enumerable.Range(first, last - first + 1).Select(static value => new Rune(value)).ToArray();
        using var box = new Sandbox();
        var path = box.Put("x.sh", $"#!/bin/sh\n# {string.Concat(runes)}\n");
        var shown = (await box.Run("--view", path).OnTerminal().Result()).Stdout;
        Assert.Contains(string.Concat(runes.Select(static rune => $@"\u{{{rune.Value:x4}}}")), shown, StringComparison.Ordinal);
        Assert.DoesNotContain(shown.EnumerateRunes(), runes.Contains);
    }

    [Fact]
    public async Task A_change_is_shown_in_the_same_way()
    {
        await using var world = await World.Serving(("/x", Saying("one")));
        await world.Run("x").Succeeds("one\n");
        world.Server["/x"] = Saying("one\u3164\u2800\u115f\u034f\ufe0f\U000e0041");
        var diff = await world.Run("--diff", "x").OnTerminal().Result();
        Assert.Contains(@"+echo one\u{3164}\u{2800}\u{115f}\u{034f}\u{fe0f}\u{e0041}", diff.Stdout, StringComparison.Ordinal);
    }
}
