using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Run.Configuration;

/// <summary>
/// The events of a YAML text that is as plain as most run.conf are: ASCII, mappings by indentation, keys and values without quotes,
/// comments. Whatever is not certainly so is left to YamlDotNet's own parser, which takes ten times as long, and is the one that knows
/// where a mistake is.
/// </summary>
internal sealed class PlainYaml : IParser
{
    private const int LongestKey = 128;
    private readonly List<ParsingEvent> _events;
    private int _next;

    private PlainYaml(List<ParsingEvent> events) => _events = events;

    public ParsingEvent? Current { get; private set; }

    /// <summary>Null if the text is not that plain.</summary>
    public static PlainYaml? TryRead(string text)
    {
        var events = new List<ParsingEvent>(text.Length / 16) { new StreamStart(), new DocumentStart() };

        // The indentations of the mappings that are open, and whether the last key has had no value yet.
        var open = new Stack<int>();
        var lacksValue = true;
        foreach (var range in text.AsSpan().Split('\n'))
        {
            var full = text.AsSpan(range);
            var line = full.TrimEnd(' ');
            var indentation = line.IndexOfAnyExcept(' ');
            if (indentation < 0 || line[indentation] == '#')
            {
                if (full.IndexOfAnyExceptInRange(' ', '~') >= 0)
                {
                    return null;
                }

                continue;
            }

            if (Split(line[indentation..]) is not { } split)
            {
                return null;
            }

            if (open.Count == 0 || indentation > open.Peek())
            {
                if (!lacksValue || (open.Count == 0 && indentation > 0))
                {
                    return null;
                }

                events.Add(new MappingStart(default, default, true, MappingStyle.Block));
                open.Push(indentation);
            }
            else
            {
                EndValue(events, lacksValue);
                while (open.Peek() > indentation)
                {
                    open.Pop();
                    events.Add(new MappingEnd());
                }

                if (open.Peek() != indentation)
                {
                    return null;
                }
            }

            var rest = line[indentation..];
            events.Add(Text(rest[..split.Key].ToString()));
            lacksValue = split.Length == 0;
            if (!lacksValue)
            {
                events.Add(Text(rest.Slice(split.Value, split.Length).ToString()));
            }
        }

        if (open.Count == 0)
        {
            return null;
        }

        EndValue(events, lacksValue);
        for (; open.Count > 0; open.Pop())
        {
            events.Add(new MappingEnd());
        }

        events.Add(new DocumentEnd(isImplicit: true));
        events.Add(new StreamEnd());
        return new PlainYaml(events);
    }

    public bool MoveNext()
    {
        Current = _next < _events.Count ? _events[_next++] : null;
        return Current is not null;
    }

    private static void EndValue(List<ParsingEvent> events, bool lacksValue)
    {
        if (lacksValue)
        {
            events.Add(Text(""));
        }
    }

    private static Scalar Text(string text) =>
        new(default, default, text, ScalarStyle.Plain, isPlainImplicit: true, isQuotedImplicit: false);

    /// <summary>How long the key is, and where its value is, if it has one on its line.</summary>
    private static (int Key, int Value, int Length)? Split(ReadOnlySpan<char> line)
    {
        var key = line.IndexOf(':');
        if (key is <= 0 or > LongestKey || !IsKey(line[..key]) || line.IndexOfAnyExceptInRange(' ', '~') >= 0)
        {
            return null;
        }

        var rest = line[(key + 1)..];
        if (rest.Length == 0)
        {
            return (key, 0, 0);
        }

        if (rest[0] != ' ')
        {
            return null;
        }

        rest = rest.IndexOf(" #") is >= 0 and var comment ? rest[..comment] : rest;
        var value = rest.Trim(' ');
        return value.Length == 0 ? (key, 0, 0)
            : !IsValue(value) ? null
            : (key, key + 1 + rest.IndexOfAnyExcept(' '), value.Length);
    }

    private static bool IsKey(ReadOnlySpan<char> key)
    {
        foreach (var c in key)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return key[0] is not '-' && !key.StartsWith("..");
    }

    /// <summary>Nothing that YAML's indicators could make something else of.</summary>
    private static bool IsValue(ReadOnlySpan<char> value) =>
        (char.IsAsciiLetterOrDigit(value[0]) || value[0] is '/' or '.' or '_' or '~' or '$')
        && value.IndexOf(": ") < 0 && value[^1] != ':';
}
