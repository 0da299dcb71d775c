using System.Text;

namespace Run.Tests.Transcripts;

/// <summary>
/// A file that reads like a session at a terminal, and is one. A shell executes its commands, one after the other, in one sandbox in which
/// <c>run</c> is the program under test. What they print and how they end must be exactly what the file says:
/// <code>
/// # A comment. Comments and blank lines may precede a command.
/// $ run -E 256 ./x
/// what the command prints on standard output
/// ! what the command prints on standard error
/// status 64
/// </code>
/// A command without a status line must exit with 0. Output that looks like one of the other lines, or that does not end with a newline,
/// cannot be in such a file. If the session differs, it is written to NAME.received.txt beside the file; to accept it, rename that file.
/// </summary>
internal static class Transcript
{
    public static async Task Replay(string path)
    {
        using var box = new Sandbox();
        var actual = new StringBuilder();
        foreach (var line in File.ReadLines(path).Where(static line => line.Length == 0 || line[0] is '#' or '$'))
        {
            actual.Append(line).Append('\n');
            if (line.StartsWith("$ ", StringComparison.Ordinal))
            {
                actual.Append(Snapshot.Scrub(Shown(await box.Sh(line[2..]).Result()), box));
            }
        }

        var received = Path.ChangeExtension(path, ".received.txt");
        var diff = box.Exec("diff", "-u", "--label", "expected", "--label", "actual", path, "-");
        var difference = await diff.Input(actual.ToString()).Result();
        if (difference.Status == 0)
        {
            File.Delete(received);
            return;
        }

        TestFile.Write(received, actual.ToString());
        Assert.Fail($"the session is not that of {path}; if it is meant: mv {received} {path}\n{difference.Stdout}{difference.Stderr}");
    }

    private static string Shown(Result result)
    {
        if (result.Stderr.StartsWith("run: ", StringComparison.Ordinal) && result.Status >= (int)ExitStatus.Usage)
        {
            result.Failed(result.Status);
        }

        var shown = new StringBuilder();
        foreach (var (mark, text) in ((string, string)[])[("", result.Stdout), ("! ", result.Stderr)])
        {
            var lines = text.Split('\n');
            result.Check(lines[^1].Length == 0, "output that ends in a line feed");
            foreach (var line in lines[..^1])
            {
                var isPlain = line.Length > 0 && !"#$!".Contains(line[0], StringComparison.Ordinal);
                result.Check(mark.Length > 0 || isPlain, "output that looks like nothing else in a transcript");
                shown.Append(mark).Append(line).Append('\n');
            }
        }

        return shown.Append(result.Status == 0 ? "" : $"status {result.Status}\n").ToString();
    }
}
