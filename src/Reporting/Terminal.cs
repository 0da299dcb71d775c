using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Posix;

namespace Run.Reporting;

/// <summary>The terminal of whoever started this process, wherever standard input and output lead.</summary>
internal sealed class Terminal : IDisposable
{
    private readonly SafeFileHandle _handle;

    private Terminal(SafeFileHandle handle) => _handle = handle;

    public SafeFileHandle Handle => _handle;

    /// <summary>Null where there is none, as under cron and in CI.</summary>
    public static Terminal? TryOpen() =>
        Kernel.TryOpen("/dev/tty", Kernel.ReadWrite | Kernel.NoControllingTerminal) is { } handle ? new Terminal(handle) : null;

    public void Say(string text) => _ = Kernel.TryWriteAll(_handle, Encoding.UTF8.GetBytes(text));

    /// <summary>Asks, and waits for a line. Its end, as after ^D, is no answer.</summary>
    public string Ask(string question)
    {
        Say(question);
        return Encoding.UTF8.GetString(Kernel.TryReadLine(_handle) ?? []).TrimEnd('\n', '\r');
    }

    public void Dispose() => _handle.Dispose();
}
