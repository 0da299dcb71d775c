using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Pinning;

/// <summary>
/// The content of a run.pins: pins, which are sorted when it is written, and comments, which are kept. Comments at the top of the file stay
/// there; every other comment stays above its pin, or at the end.
/// </summary>
internal sealed class PinList
{
    private const char Comment = '#';
    private static readonly Comparer<byte[]> s_byteOrder = Comparer<byte[]>.Create(static (a, b) => a.AsSpan().SequenceCompareTo(b));

    private readonly List<string> _top;
    private readonly List<Entry> _entries;
    private readonly List<string> _end;

    private PinList(List<string> top, List<Entry> entries, List<string> end) => (_top, _entries, _end) = (top, entries, end);

    public static PinList Empty { get; } = new([], [], []);

    public IEnumerable<Pin> Pins => _entries.Select(static e => e.Pin);

    /// <exception cref="RunException">78: a mistake, with its line and column.</exception>
    public static PinList Parse(string file, string text)
    {
        var top = new List<string>();
        var entries = new List<Entry>();
        var above = new List<string>();
        var lines = new Dictionary<string, long>();
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.TrimEnd(' ', '\t', '\r');
            if (line.TrimStart(' ', '\t') is "" or [Comment, ..])
            {
                above.Add(line);
                continue;
            }

            var pin = ParseLine(line, file, number);
            if (!lines.TryAdd(Pin.Key(pin.Script), number))
            {
                throw new SourceLocation(file, number, 1).Mistake(
                    $"{pin.Script} is pinned twice", $"line {lines[Pin.Key(pin.Script)]} pins it too; remove one of the two");
            }

            if (entries.Count == 0)
            {
                // Comments before the last empty line above the first pin are about the file. Without an empty line, all of them are.
                var topLines = above.LastIndexOf("") is >= 0 and var empty ? empty + 1 : above.Count;
                top.AddRange(above.Take(topLines));
                above.RemoveRange(0, topLines);
            }

            entries.Add(new Entry(above, pin));
            above = [];
        }

        if (above is [.., ""])
        {
            // The text after the last line feed is not a line.
            above.RemoveAt(above.Count - 1);
        }

        return entries.Count == 0 ? new PinList(above, entries, []) : new PinList(top, entries, above);
    }

    /// <summary>The pin with that <see cref="Pin.Key"/>; null if there is none.</summary>
    public Pin? Find(string key) => Pins.FirstOrDefault(pin => Pin.Key(pin.Script) == key);

    /// <summary>A list with these pins added; they replace those of the same scripts.</summary>
    public PinList With(IEnumerable<Pin> pins)
    {
        var entries = _entries.ToList();
        foreach (var pin in pins)
        {
            var key = Pin.Key(pin.Script);
            var index = entries.FindIndex(e => Pin.Key(e.Pin.Script) == key);
            if (index >= 0)
            {
                entries[index] = entries[index] with { Pin = pin };
            }
            else
            {
                entries.Add(new Entry([], pin));
            }
        }

        return new PinList(_top, entries, _end);
    }

    public string ToText()
    {
        var sorted = _entries.OrderBy(static e => OsText.ToBytes(e.Pin.ToLine()), s_byteOrder);
        var lines = _top.Concat(sorted.SelectMany(static e => e.Above.Append(e.Pin.ToLine()))).Concat(_end);
        return string.Concat(lines.Select(static line => line + "\n"));
    }

    private static Pin ParseLine(string line, string file, long number)
    {
        var words = Words(line).ToList();
        if (words is not [var script, var url, var digest])
        {
            throw new SourceLocation(file, number, words.Count > 3 ? words[3].Column : 1).Mistake(
                words.Count == 0 || IsConflict(words[0].Text) ? "unresolved merge conflict" : "not a pin",
                $"a pin is  SCRIPT URL {Pin.OfBytes}:HEX  and a comment begins with {Comment}");
        }

        CheckScript(Pin.Decode(script.Text), new SourceLocation(file, number, script.Column));
        CheckUrl(url.Text, new SourceLocation(file, number, url.Column));
        var place = new SourceLocation(file, number, digest.Column);
        var (kind, hex) = ParseDigest(digest.Text, place);
        if (kind == Pin.OfTree && !TreeUrl.Is(url.Text))
        {
            throw place.Mistake($"{Pin.OfTree}: is for scripts of many files, and this URL is that of one", $"use {Pin.OfBytes}:HEX");
        }

        if (kind == Pin.OfBytes && TreeUrl.IsGit(url.Text))
        {
            throw place.Mistake("a repository has no SHA-256 digest of its own", $"use {Pin.OfTree}:HEX");
        }

        return new Pin(Pin.Decode(script.Text), url.Text, kind, hex);
    }

    private static void CheckScript(string script, SourceLocation place)
    {
        ScriptName name;
        try
        {
            name = ScriptName.Parse(script);
        }
        catch (RunException e)
        {
            throw place.Mistake(e.Message, e.Hint);
        }

        if (name is ScriptName.Local)
        {
            throw place.Mistake($"{script}: a local file cannot be pinned");
        }

        if ((name.Digest ?? name.TreeDigest) is not null)
        {
            throw place.Mistake($"{script}: the digest belongs at the end of the line");
        }
    }

    private static void CheckUrl(string url, SourceLocation place)
    {
        if (!ScriptName.IsUrl(url))
        {
            throw place.Mistake($"{url}: not the URL of a script");
        }

        try
        {
            _ = UrlText.Checked(url);
        }
        catch (RunException e)
        {
            throw place.Mistake(e.Message);
        }
    }

    private static (string Kind, string Hex) ParseDigest(string text, SourceLocation place)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            throw place.Mistake($"{text}: not a digest", $"{Pin.OfBytes}: and {Sha256.HexLength} hexadecimal digits");
        }

        var kind = text[..colon];
        if (kind is not (Pin.OfBytes or Pin.OfTree))
        {
            throw place.Mistake(
                $"unknown digest algorithm {kind}", $"there are {Pin.OfBytes} and, for scripts of many files, {Pin.OfTree}");
        }

        try
        {
            return (kind, Digest.Parse(text[(colon + 1)..]));
        }
        catch (RunException e)
        {
            throw place.Mistake(e.Message, e.Hint);
        }
    }

    private static bool IsConflict(string word) => word.StartsWith("<<<<<<<", StringComparison.Ordinal)
        || word.StartsWith("=======", StringComparison.Ordinal) || word.StartsWith(">>>>>>>", StringComparison.Ordinal);

    /// <summary>The words of a line, separated by blanks, with their columns, counted from 1.</summary>
    private static IEnumerable<(string Text, long Column)> Words(string line)
    {
        for (var start = 0; start < line.Length;)
        {
            var end = line.AsSpan(start).IndexOfAny(' ', '\t') is >= 0 and var length ? start + length : line.Length;
            if (end > start)
            {
                yield return (line[start..end], start + 1);
            }

            start = end + 1;
        }
    }

    private sealed record Entry(IReadOnlyList<string> Above, Pin Pin);
}
