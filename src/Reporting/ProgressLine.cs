using Run.Posix;

namespace Run.Reporting;

/// <summary>
/// A line on the terminal that shows the progress of something slow. It appears after half a second, is never longer than the terminal is
/// wide, and is erased at the end, at an interrupt, and before a message. There is one at a time: what runs inside shows nothing.
/// No library is used: they write to System.Console, which changes the terminal that the script will inherit.
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private const string Wipe = "\r\e[K";
    private const int UsualColumns = 80;

    // What is over sooner shows nothing, because it would only flicker.
    private static readonly TimeSpan s_silent = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);
    private static readonly Lock s_lock = new();
    private static ProgressLine? s_current;
    private static bool s_shown;

    private readonly Func<string> _text;
    private readonly Timer _timer;

    private ProgressLine(Func<string> text)
    {
        _text = text;
        _timer = new Timer(static self => ((ProgressLine)self!).Show(), this, s_silent, s_interval);
    }

    /// <summary>Null if it is not wanted here: no terminal, <c>--quiet</c>, or there is one already.</summary>
    /// <param name="text">The line as it is now. It is called from another thread.</param>
    public static ProgressLine? Begin(Func<string> text)
    {
        if (!Messages.MayShowProgress)
        {
            return null;
        }

        lock (s_lock)
        {
            return s_current is not null ? null : s_current = new ProgressLine(text);
        }
    }

    /// <summary>Writes to standard error, with no line of progress in the way; the line appears again by itself.</summary>
    public static void Write(string text)
    {
        lock (s_lock)
        {
            Erase();
            Messages.Raw(text);
        }
    }

    public void Dispose()
    {
        lock (s_lock)
        {
            s_current = null;
            _timer.Dispose();
            Erase();
        }
    }

    private static void Erase()
    {
        if (s_shown)
        {
            Messages.Raw(Wipe);
            Signals.LineIsShown(s_shown = false);
        }
    }

    private void Show()
    {
        lock (s_lock)
        {
            if (s_current != this)
            {
                return;
            }

            // A line that reached the last column would wrap, and only its second half could be erased.
            var text = _text();
            var room = (Descriptors.Columns(Descriptors.Error) ?? UsualColumns) - 1;
            Signals.LineIsShown(s_shown = true);
            Messages.Raw(Wipe + (text.Length <= room ? text : $"{text[..Math.Max(room - 1, 0)]}…"));
        }
    }
}
