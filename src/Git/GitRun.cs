using Microsoft.Win32.SafeHandles;
using Run.Http;
using Run.Posix;
using Run.Reporting;

namespace Run.Git;

/// <summary>
/// One run of git that talks to a server. It is ended if it stalls, if it takes too long, if it fetches too much, and at an interrupt.
/// </summary>
internal sealed class GitRun
{
    private const int MostLines = 60, LongestLine = 1000;

    private readonly List<string> _lines = [];
    private readonly List<byte> _line = [];

    private GitRun()
    {
    }

    /// <summary>The exit status as a shell reports it.</summary>
    public int Status { get; private set; }

    /// <summary>Why it was ended; null if it ended by itself.</summary>
    public GitEnd? End { get; private set; }

    /// <summary>What it wrote to standard error, without its progress: the last lines.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <param name="directory">The repository that git works on.</param>
    /// <param name="output">Its standard output.</param>
    /// <param name="size">How much has been fetched; null: output counts.</param>
    /// <param name="progressed">Is called, now and then, when it has said or stored something.</param>
    /// <param name="name">A short name of what is fetched, for the line of progress; null for none.</param>
    /// <exception cref="RunException">69: git cannot be started.</exception>
    public static GitRun Run(
        GitProgram git, string directory, IReadOnlyList<string> arguments, SafeFileHandle? output, Func<long> size, long mostBytes,
        TimeSpan whole, string? name, Action progressed)
    {
        var (errors, theirs) = Descriptors.PrivatePipe()
            .OrThrow(static error => new RunException(ExitStatus.Unavailable, $"git cannot be started: {error.Describe()}"));
        using var nothing = Files.Open("/dev/null", OpenFlags.ReadWrite)
            .OrThrow(static error => new RunException(ExitStatus.Unavailable, $"/dev/null: cannot be opened: {error.Describe()}"));
        using (errors)
        {
            ChildProcess child;
            using (theirs)
            {
                child = git.Start(directory, arguments, nothing, output ?? nothing, theirs);
            }

            using (child)
            {
                // In this process's own group git's helpers would be left over, which do not end with it; then Stop is what ends them.
                Signals.EndAtInterrupt(child.HasOwnSession ? -child.Id : 0);
                var run = new GitRun();
                run.Watch(child, errors, size, mostBytes, whole, git.MayPrompt, name, progressed);
                Signals.EndAtInterrupt(0);
                return run;
            }
        }
    }

    /// <summary>Runs git for a question whose answer is nice to have: the user is asked nothing, and it may not take long.</summary>
    /// <param name="answer">What it wrote to standard output; empty if that cannot be stored.</param>
    /// <returns>Null if git was not started.</returns>
    /// <inheritdoc cref="Run"/>
    public static GitRun? Answer(GitProgram git, string directory, IReadOnlyList<string> arguments, int mostBytes, out string answer)
    {
        answer = "";
        var path = $"{directory}/answer";
        using var file = Files.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Truncate, Permissions.PrivateFile).Value;
        if (file is null)
        {
            return null;
        }

        var run = Run(
            git.WithoutPrompts(), directory, arguments, file, () => Files.Status(file).Value?.Size ?? 0, mostBytes, GitLimits.Hint, null,
            static () => { });
        using var reader = Files.Open(path, OpenFlags.ReadOnly).Value;
        answer = OsText.FromBytes((reader is null ? null : Files.Read(reader, mostBytes).Value) ?? []);
        return run;
    }

    private void Watch(
        ChildProcess child, SafeFileHandle errors, Func<long> size, long mostBytes, TimeSpan whole, bool mayPrompt, string? name,
        Action progressed)
    {
        var (began, seen) = (Environment.TickCount64, 0L);
        var (active, told, looked) = (began, began, began);
        var open = true;
        Progress? progress = null;
        try
        {
            while (true)
            {
                var spoken = false;
                if (open && Descriptors.WaitForInput(errors, GitLimits.Tick))
                {
                    open = Collect(errors);
                    spoken = true;
                }
                else if (!open)
                {
                    Thread.Sleep(1);
                }

                // What git has left behind, such as a connection that ssh shares, may keep the pipe open.
                if (child.Status is { } status)
                {
                    while (open && Descriptors.WaitForInput(errors, TimeSpan.Zero))
                    {
                        open = Collect(errors);
                    }

                    EndLine();
                    Status = status;
                    return;
                }

                if (Signals.IsInterrupted)
                {
                    Stop(child, GitEnd.Interrupted);
                    return;
                }

                var now = Environment.TickCount64;
                if (now - looked < GitLimits.Tick.TotalMilliseconds)
                {
                    active = spoken ? now : active;
                    continue;
                }

                looked = now;
                var bytes = size();
                active = spoken || bytes != seen ? now : active;
                if (active > told)
                {
                    told = active;
                    progressed();
                }

                if (bytes > mostBytes)
                {
                    Stop(child, GitEnd.TooMuch);
                    return;
                }

                // A line of progress would wipe a question on the same terminal.
                if (name is not null && (bytes > 0 || !mayPrompt))
                {
                    progress ??= new Progress(name);
                }

                if (seen == 0 && bytes > 0)
                {
                    progress?.Begin(null);
                }

                progress?.Reach(bytes);
                seen = bytes;

                if (now - active >= GitLimits.Stall.TotalMilliseconds || now - began >= whole.TotalMilliseconds)
                {
                    if (mayPrompt && ProcessFamily.AsksTheUser(ProcessFamily.Of(child.Id)))
                    {
                        began += now - active;
                        active = now;
                        continue;
                    }

                    Stop(child, GitEnd.Stalled);
                    return;
                }
            }
        }
        finally
        {
            progress?.Dispose();
        }
    }

    /// <summary>Ends git and all that it has started: ssh would wait for its server even without git.</summary>
    private void Stop(ChildProcess child, GitEnd why)
    {
        End = why;
        var family = ProcessFamily.Of(child.Id).ConvertAll(static id => Processes.Open(id).Value);
        var clock = Environment.TickCount64;
        child.Signal(Signals.Terminate);
        while (child.Status is null && Environment.TickCount64 - clock < GitLimits.Grace.TotalMilliseconds)
        {
            Thread.Sleep(5);
        }

        child.Signal(Signals.Kill);
        foreach (var process in family)
        {
            if (process is not null)
            {
                _ = Processes.Signal(process, Signals.Kill);
                process.Dispose();
            }
        }

        Status = child.Wait();
    }

    /// <returns>Whether there may be more.</returns>
    private bool Collect(SafeFileHandle errors)
    {
        Span<byte> bytes = stackalloc byte[4096];
        var length = Files.ReadSome(errors, bytes).Value;
        foreach (var b in bytes[..length])
        {
            if (b is (byte)'\n' or (byte)'\r')
            {
                EndLine();
            }
            else if (_line.Count < LongestLine)
            {
                _line.Add(b);
            }
        }

        return length > 0;
    }

    private void EndLine()
    {
        // Servers written in C may end their words with a NUL.
        var line = OsText.FromBytes([.. _line]).Trim().TrimEnd('\0').TrimEnd();
        _line.Clear();
        if (line.Length == 0 || IsProgress(line))
        {
            return;
        }

        _lines.Add(line);
        if (_lines.Count > MostLines)
        {
            _lines.RemoveAt(0);
        }
    }

    /// <summary><c>Receiving objects:  45% (90/200), 1.20 MiB</c>, also of the server.</summary>
    private static bool IsProgress(string line)
    {
        var percent = line.IndexOf("% (", StringComparison.Ordinal);
        return percent > 0 && char.IsAsciiDigit(line[percent - 1]);
    }
}

/// <summary>Why git was ended before it had finished.</summary>
internal enum GitEnd
{
    Stalled,
    TooMuch,
    Interrupted,
}
