using FsCheck;
using FsCheck.Fluent;
using Run.Execution;
using Run.Naming;
using Run.Posix;

namespace Run.Tests.Units;

/// <summary>The #! line, and command lines that are one string.</summary>
public sealed class StartingTests
{
    [Theory]
    [InlineData("#!/bin/sh\n", "/bin/sh", null, true)]
    [InlineData("#!/bin/sh", "/bin/sh", null, true)]
    [InlineData("#! /bin/sh -e\necho", "/bin/sh", "-e", true)]
    [InlineData("#! \t/bin/sh \t -e  -x \t\n", "/bin/sh", "-e  -x", true)]
    [InlineData("#!/bin/sh\r\n", "/bin/sh", null, false)]
    [InlineData("#!/bin/sh -e \r\n", "/bin/sh", "-e", false)]
    [InlineData("#!/bin/sh -e\0 -x\n", "/bin/sh", "-e", true)]
    [InlineData("#!/usr/bin/env -S a b\n", "/usr/bin/env", "-S a b", true)]
    [InlineData("#!sh\n", "sh", null, true)]
    public void A_first_line(string start, string interpreter, string? argument, bool kernelReadsIt) =>
        Assert.Equal(new Shebang(interpreter, argument, kernelReadsIt), Shebang.Parse(OsText.ToBytes(start)));

    [Theory]
    [InlineData("")]
    [InlineData("#")]
    [InlineData("#!")]
    [InlineData("#!\n/bin/sh")]
    [InlineData("#! \t \r\n")]
    [InlineData("# !/bin/sh\n")]
    [InlineData(" #!/bin/sh\n")]
    [InlineData("\ufeff#!/bin/sh\n")]
    [InlineData("echo\n#!/bin/sh\n")]
    public void No_first_line(string start) => Assert.Null(Shebang.Parse(OsText.ToBytes(start)));

    [Fact]
    public void A_line_that_is_longer_than_the_kernel_reads()
    {
        Assert.True(Shebang.Parse(OsText.ToBytes("#!/bin/sh " + new string('x', 245) + "\n"))!.KernelReadsIt);
        Assert.False(Shebang.Parse(OsText.ToBytes("#!/bin/sh " + new string('x', 246) + "\n"))!.KernelReadsIt);
        Assert.False(Shebang.Parse(OsText.ToBytes("#!/bin/sh " + new string('x', 5000)))!.KernelReadsIt);
    }

    [Theory]
    [InlineData("#!/usr/bin/env bash\n", "bash")]
    [InlineData("#!/bin/env bash\n", "bash")]
    [InlineData("#!/usr/bin/env -S bash -e\n", null)]
    [InlineData("#!/usr/bin/env A=b\n", null)]
    [InlineData("#!/usr/bin/env ./x\n", null)]
    [InlineData("#!/usr/bin/env\n", null)]
    [InlineData("#!/bin/bash bash\n", null)]
    public void What_env_looks_for(string start, string? name) => Assert.Equal(name, Shebang.Parse(OsText.ToBytes(start))!.EnvName);

    [Theory]
    [InlineData("", new string[0])]
    [InlineData(" \t ", new string[0])]
    [InlineData("python3 -u", new[] { "python3", "-u" })]
    [InlineData("  a\tb  ", new[] { "a", "b" })]
    [InlineData("'a b' \"c d\"e f\\ g", new[] { "a b", "c de", "f g" })]
    [InlineData("'' \"\" x", new[] { "", "", "x" })]
    [InlineData("'a\\b' \"it's\" 'a\"b'", new[] { "a\\b", "it's", "a\"b" })]
    [InlineData("a\\'b \\\\", new[] { "a'b", "\\" })]
    [InlineData("$HOME *", new[] { "$HOME", "*" })]
    [InlineData("a\\", new[] { "a\\" })]
    [InlineData("\"a\\b \\$c\"", new[] { "a\\b $c" })]
    public void Words_are_split_as_a_shell_would(string text, string[] words) => Assert.Equal(words, ShellWords.Split(text));

    [Theory]
    [InlineData("'")]
    [InlineData("a \"b")]
    [InlineData("'it's'")]
    public void An_unclosed_quote(string text) =>
        Assert.Equal(ExitStatus.Usage, Assert.Throws<RunException>(() => ShellWords.Split(text)).Status);

    [Fact]
    public void What_is_joined_is_split_into_the_same() =>
        Prop.ForAll<NonNull<string>[]>(static words =>
        {
            var texts = words.Select(static word => word.Get).ToArray();
            return ShellWords.Split(ShellWords.Join(texts)).SequenceEqual(texts);
        }).Holds();
}
