using System.Diagnostics;
using System.Runtime.InteropServices;
using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>A command that has been started. Processes that it leaves behind are killed with it, or with its sandbox.</summary>
internal sealed class Child : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _command;
    private readonly TimeSpan _deadline;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Drain _output;
    private readonly Drain _errors;
    private Task _input = Task.CompletedTask;

    public Child(Process process, string command, TimeSpan deadline)
    {
        (_process, _command, _deadline) = (process, command, deadline);
        _output = new Drain(process.StandardOutput.BaseStream);
        _errors = new Drain(process.StandardError.BaseStream);
    }

    /// <summary>The PID of the program itself or, on a terminal, of the launcher that holds the terminal's other side.</summary>
    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Standard output so far.</summary>
    public string OutputSoFar => _output.Text;

    public string ErrorsSoFar => _errors.Text;

    public void GiveInput(byte[] bytes) => _input = Task.Run(async () =>
    {
        try
        {
            await _process.StandardInput.BaseStream.WriteAsync(bytes);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program does not have to read all of its input.
        }
    });

    /// <summary>Types at a terminal, or into a standard input that was left open.</summary>
    public async Task Type(string text)
    {
        await _process.StandardInput.BaseStream.WriteAsync(OsText.ToBytes(text));
        await _process.StandardInput.BaseStream.FlushAsync();
    }

    public void CloseInput() => _process.StandardInput.Close();

    public void Signal(int number) => Libc.Signal(Pid, number);

    /// <summary>Waits until standard output contains the text.</summary>
    public Task Output(string text) => Until(_output, text, "standard output");

    /// <summary>Waits until standard error contains the text.</summary>
    public Task Errors(string text) => Until(_errors, text, "standard error");

    /// <summary>Waits until it has ended.</summary>
    public async Task<Result> Exit()
    {
        using var deadline = new CancellationTokenSource(_deadline);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
            await Task.WhenAll(_output.End, _errors.End, _input).WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"it did not end within {_deadline.TotalSeconds} s\n{Transcript(status: null)}");
        }

        return new Result(_process.ExitCode, _output.Text, _errors.Text, _clock.Elapsed, Transcript(_process.ExitCode));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Libc.Signal(-Pid, Libc.SIGKILL);
            Libc.Signal(Pid, Libc.SIGKILL);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private async Task Until(Drain drain, string text, string where) =>
        await Eventually.True(
            () => drain.Text.Contains(text, StringComparison.Ordinal)
                || (_process.HasExited && drain.End.IsCompleted
                    && (drain.Text.Contains(text, StringComparison.Ordinal)
                        ? true
                        : throw new InvalidOperationException($"it ended without \"{text}\" on {where}\n{Transcript(_process.ExitCode)}"))),
            $"\"{text}\" is on {where}\n{Transcript(status: null)}");

    private string Transcript(int? status) =>
        $"{_command}\nstatus: {(status is null ? "still running" : status)}\n"
        + $"stdout:\n{Indent(_output.Text)}stderr:\n{Indent(_errors.Text)}";

    private static string Indent(string text)
    {
        const int shown = 8000;
        var cut = text.Length > shown ? string.Concat(text.AsSpan(0, shown), $"\n… and {text.Length - shown} characters more") : text;
        return string.Concat(cut.Split('\n').Select(static line => $"    {line}\n"));
    }

    /// <summary>Collects the output of a stream as it arrives.</summary>
    private sealed class Drain
    {
        private readonly List<byte> _bytes = [];

        public Drain(Stream stream) => End = Task.Run(async () =>
        {
            var buffer = new byte[16384];
            for (int count; (count = await stream.ReadAsync(buffer)) > 0;)
            {
                lock (_bytes)
                {
                    _bytes.AddRange(buffer.AsSpan(0, count));
                }
            }
        });

        public Task End { get; }

        public string Text
        {
            get
            {
                lock (_bytes)
                {
                    return OsText.FromBytes(CollectionsMarshal.AsSpan(_bytes));
                }
            }
        }
    }
}
