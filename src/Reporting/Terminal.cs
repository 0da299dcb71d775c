using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Posix;

namespace Run.Reporting;

/// <summary>The controlling terminal, /dev/tty, even if standard input and output are redirected.</summary>
internal sealed class Terminal : IDisposable
{
    private const int MaxLineBytes = 4096; // N_TTY_BUF_SIZE: one read(2) of a terminal returns a whole line, and no line is longer

    private Terminal(SafeFileHandle handle) => Handle = handle;

    public SafeFileHandle Handle { get; }

    /// <summary>Opens it; null if there is none, as under cron and in CI.</summary>
    public static Terminal? TryOpen() =>
        Files.Open("/dev/tty", OpenFlags.ReadWrite | OpenFlags.NoControllingTerminal).Value is { } handle ? new Terminal(handle) : null;

    /// <summary>Whether there is one: only then may anything be asked.</summary>
    public static bool IsThere
    {
        get
        {
            using var terminal = TryOpen();
            return terminal is not null;
        }
    }

    public void Say(string text) => _ = Files.Write(Handle, Encoding.UTF8.GetBytes(text));

    /// <summary>
    /// Asks a question that only <c>y</c> answers with yes: Enter, the end of input (^D) and all else are a no. What was typed before, for
    /// another program or by a slip, answers nothing.
    /// </summary>
    public bool Confirm(string question)
    {
        if (Descriptors.DiscardInput(Descriptors.Number(Handle)) != Errno.None)
        {
            return false;
        }

        Say($"{question} [y/N] ");
        Span<byte> line = stackalloc byte[MaxLineBytes];
        var answer = line[..Files.ReadSome(Handle, line).Value];
        if (!answer.EndsWith("\n"u8))
        {
            // The terminal has shown no line feed, and what is said next begins a line.
            Say("\n");
        }

        return answer.TrimEnd("\r\n"u8).SequenceEqual("y"u8);
    }

    public void Dispose() => Handle.Dispose();
}
