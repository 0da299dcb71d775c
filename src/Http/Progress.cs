using Run.Reporting;

namespace Run.Http;

/// <summary>
/// A line on the terminal that shows the progress of a fetch. It appears after half a second and is erased when the fetch ends.
/// No library is used: they write to System.Console, which changes the terminal that the script will inherit.
/// </summary>
internal sealed class Progress : IDisposable
{
    private const string Wipe = "\r\e[K";
    private const int LongestName = 32;
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly string _name;
    private readonly Timer? _timer;
    private long _bodyStart;
    private long _bytes;
    private long? _total;
    private bool _shown;
    private bool _isOver;

    /// <param name="name">A short name of what is fetched.</param>
    public Progress(string name)
    {
        _name = Messages.Printable(name.Length > LongestName ? $"{name[..(LongestName - 1)]}…" : name);
        if (Messages.MayShowProgress && FetchEnvironment.Variable("TERM") is { Length: > 0 } and not "dumb")
        {
            _timer = new Timer(static self => ((Progress)self!).Show(), this, Limits.Silent, s_interval);
        }
    }

    /// <summary>Called when a body begins.</summary>
    /// <param name="total">Its length in bytes; null if it is unknown.</param>
    public void Begin(long? total)
    {
        lock (_lock)
        {
            (_bodyStart, _bytes, _total) = (Environment.TickCount64, 0, total);
        }
    }

    public void Reach(long bytes) => Volatile.Write(ref _bytes, bytes);

    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            _timer?.Dispose();
            if (_shown)
            {
                Messages.Raw(Wipe);
            }
        }
    }

    private void Show()
    {
        lock (_lock)
        {
            if (!_isOver)
            {
                _shown = true;
                Messages.Raw($"{Wipe}fetching {_name}{State()}");
            }
        }
    }

    private string State()
    {
        var bytes = Volatile.Read(ref _bytes);
        var milliseconds = Environment.TickCount64 - _bodyStart;
        if (bytes == 0 || milliseconds <= 0)
        {
            return " …";
        }

        var total = _total is { } known ? $" of {HumanFormat.Size(known)}" : "";
        return $": {HumanFormat.Size(bytes)}{total}, {HumanFormat.Size(bytes * 1000 / milliseconds)}/s";
    }
}
