namespace Run.Tests.Infra;

/// <summary>How a command ended. If a signal killed it, the status is 128 plus the signal's number, as in a shell.</summary>
internal sealed record Result(int Status, string Stdout, string Stderr, TimeSpan Time, string Transcript)
{
    public Result Is(int status, string stdout, string stderr = "")
    {
        if (Status != status || Stdout != stdout || Stderr != stderr)
        {
            Assert.Fail($"""
                expected status {status}, stdout "{Messages.Printable(stdout)}" and stderr "{Messages.Printable(stderr)}" of
                {Transcript}
                """);
        }

        return this;
    }

    /// <summary>As <see cref="Command.Fails"/> says.</summary>
    public Result Failed(int status, params string[] words)
    {
        Check(Status == status, $"status {status}");
        Check(Stdout.Length == 0, "nothing on standard output");
        var lines = Stderr.Split('\n');
        Check(lines.Length is 2 or 3 && lines[^1].Length == 0, "one line on standard error, or two with a hint");
        Check(lines[0].StartsWith("run: ", StringComparison.Ordinal) && lines[0].Length > 5, "a message that begins with \"run: \"");
        // A message may begin with a name, which may look like anything.
        var capital = char.IsUpper(lines[0][5]) && !words.Any(word => lines[0].AsSpan(5).StartsWith(word, StringComparison.Ordinal));
        Check(!lines[0].EndsWith('.') && !capital, "a message without a capital and without a full stop");
        Check(lines.Length == 2 || char.IsWhiteSpace(lines[1][0]), "a hint that is indented");
        foreach (var word in words)
        {
            Check(Stderr.Contains(word, StringComparison.Ordinal), $"\"{Messages.Printable(word)}\" in the message");
        }

        return this;
    }

    public void Check(bool holds, string expected)
    {
        if (!holds)
        {
            Assert.Fail($"expected {expected} of\n{Transcript}");
        }
    }
}
