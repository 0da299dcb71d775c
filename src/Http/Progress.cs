using Run.Reporting;

namespace Run.Http;

/// <summary>How far a fetch is, on the terminal if it takes long.</summary>
internal sealed class Progress : IDisposable
{
    private const int LongestName = 32;

    private readonly string _name;
    private readonly ProgressLine? _line;
    private long _bodyStart;
    private long _bytes;
    private long _total = -1;

    /// <param name="name">A short name of what is fetched.</param>
    public Progress(string name)
    {
        _name = Messages.Printable(name.Length > LongestName ? $"{name[..(LongestName - 1)]}…" : name);
        _line = ProgressLine.Begin(() => $"fetching {_name}{State()}");
    }

    /// <summary>Called when a body begins.</summary>
    /// <param name="total">Its length in bytes; null if it is unknown.</param>
    public void Begin(long? total)
    {
        Volatile.Write(ref _bytes, 0);
        Volatile.Write(ref _total, total ?? -1);
        Volatile.Write(ref _bodyStart, Environment.TickCount64);
    }

    public void Reach(long bytes) => Volatile.Write(ref _bytes, bytes);

    public void Dispose() => _line?.Dispose();

    private string State()
    {
        var bytes = Volatile.Read(ref _bytes);
        var milliseconds = Environment.TickCount64 - Volatile.Read(ref _bodyStart);
        if (bytes == 0 || milliseconds <= 0)
        {
            return " …";
        }

        var total = Volatile.Read(ref _total) is >= 0 and var known ? $" of {HumanFormat.Size(known)}" : "";
        return $": {HumanFormat.Size(bytes)}{total}, {HumanFormat.Size(bytes * 1000 / milliseconds)}/s";
    }
}
