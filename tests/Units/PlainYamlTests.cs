using FsCheck;
using FsCheck.Fluent;
using Run.Configuration;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Run.Tests.Units;

/// <summary>The fast reader of plain YAML against YamlDotNet's parser: what it takes, it takes in the same way.</summary>
public sealed class PlainYamlTests
{
    private static readonly string[] s_pieces =
    [
        "a", "b", "sources", "default", ".py", "-", "_", "x1", ":", ": ", ":  ", " ", "  ", "    ",
        "\n", "\n\n", "\n  ", "\n    ", "\n   ", "#", " #", " # c", "https://example.com/%s", "/{ref}/%s", "~", "~/x", "null",
        "\"", "'", "[", "]", "{", "}", ",", "&a", "*a", "!t", "|", ">", "%", "@", "`", "?", "- ",
        "---", "...", "\t", "\r\n", "é", "\u0085", "12h", "$", "${A}", "a b", ":a", "a:", "..", "\u2028",
    ];

    [Theory]
    [InlineData("sources:\n  default: https://example.com/%s\n")]
    [InlineData("# a comment\nsources:\n\n  a: https://a.example/%s # and another\n  b:\n    url: /s/%s\ninterpreters:\n  .py: python3 -u")]
    [InlineData("sources:\n  a:\n  b: ~\ninterpreters:\n")]
    public void It_takes_what_is_plain(string text) => Assert.NotNull(Take(text));

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("sources: {a: b}\n")]
    [InlineData("sources:\n  a: \"b\"\n")]
    [InlineData("sources:\n  - a\n")]
    [InlineData("sources:\n  a: b\n    c: d\n")]
    [InlineData("sources:\n    a: b\n  c: d\n")]
    [InlineData("sources:\n  a: b\n   c\n")]
    [InlineData("sources:\n\ta: b\n")]
    [InlineData("sources:\r\n  a: b\r\n")]
    [InlineData("a: b: c\n")]
    [InlineData("a:b\n")]
    [InlineData("---\na: b\n")]
    [InlineData("a: |\n  b\n")]
    [InlineData("ä: b\n")]
    public void It_leaves_the_rest(string text) => Assert.Null(PlainYaml.TryRead(text));

    [Fact]
    public void It_takes_the_file_that_is_built_in() =>
        Assert.NotNull(Take(File.ReadAllText(Path.Combine(Suite.Repository, "run.conf"))));

    [Fact]
    public void What_it_takes_it_reads_as_YamlDotNet_does()
    {
        var line =
            from indentation in Gen.Elements("", "  ", "    ", " ", "   ")
            from key in Gen.Elements("sources", "a", "b", ".py", "url", "x-y", "a:", "-a", "#")
            from colon in Gen.Elements(": ", ":", ":   ", " : ", " ")
            from value in Gen.Elements(
                "", "b", "https://e.com/%s", "~", "1d", "a b", "x # c", "x#c", "a: b", "a:", "'q'", "[x]", "${A}", " ", "#c")
            select indentation + key + colon + value + "\n";
        var plain = Gen.ListOf(
            from indentation in Gen.Elements("  ", "  ", "    ")
            from key in Gen.Elements("a", "b", ".py", "url")
            from value in Gen.Elements("", " b", " https://e.com/%s", " ~", " a b", " x # c", " #c")
            select indentation + key + ":" + value + "\n").Select(static all => "sources:\n" + string.Concat(all));
        var lines = Gen.ListOf(line).Select(static all => string.Concat(all));
        var noise = Gen.ListOf(Gen.Elements(s_pieces)).Select(static all => string.Concat(all));
        var texts = Gen.OneOf(plain, lines, noise, lines.SelectMany(text => noise.Select(more => text + more)));
        var taken = 0;
        Prop.ForAll(texts.ToArbitrary(), text => taken += Take(text) is null ? 0 : 1)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(20_000).WithEndSize(12).WithQuietOnSuccess(true));
        Assert.True(taken > 500, $"it takes enough of them to be tested: {taken}");
    }

    /// <summary>What it takes, if YamlDotNet reads the same.</summary>
    private static List<string>? Take(string text)
    {
        if (PlainYaml.TryRead(text) is not { } plain)
        {
            return null;
        }

        var events = Events(plain);
        Assert.Equal(Events(new Parser(new StringReader(text))), events);
        return events;
    }

    private static List<string> Events(IParser parser)
    {
        var events = new List<string>();
        while (parser.MoveNext())
        {
            events.Add(parser.Current is Scalar scalar ? $"{scalar.Style} {scalar.Value}" : parser.Current!.GetType().Name);
        }

        return events;
    }
}
