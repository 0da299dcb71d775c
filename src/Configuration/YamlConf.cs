using Run.Launching;
using Run.Naming;
using Run.Reporting;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Run.Configuration;

/// <summary>
/// run.conf in YAML, read from the parser's events, so that every mistake has its line and column and no reflection is needed.
/// </summary>
internal sealed class YamlConf
{
    private static readonly string[] s_keys = ["sources", "locks", "launchers", "interpreters"];
    private static readonly string[] s_sourceKeys =
        ["url", "mirrors", "ref", "headers", "max-age", "lock", "trust", "plain-http", "commit", "signers"];

    private static readonly string[] s_commitKeys = ["url", "accept"];
    private static readonly string[] s_launcherKeys = ["command", "quoting", "hands"];
    private static readonly string[] s_lockModes = ["shared", "exclusive"];

    private readonly string _file;
    private readonly IParser _parser;

    private YamlConf(string file, IParser parser) => (_file, _parser) = (file, parser);

    /// <exception cref="RunException">78: a mistake, with its line and column.</exception>
    public static ConfFile Parse(string file, string text)
    {
        try
        {
            // What is wrong with the URL of a place, libpq may say later, and then it matters where that is.
            if (PlainYaml.TryRead(text) is { } plain && new YamlConf(file, plain).Document() is { Places.Count: 0 } conf)
            {
                return conf;
            }
        }
        catch (RunException)
        {
            // A mistake: where it is, the other parser knows.
        }

        try
        {
            return new YamlConf(file, new Parser(new StringReader(text))).Document();
        }
        catch (YamlException e)
        {
            throw TabFrom(text, file, e.Start.Line)?.Mistake("a tab in the indentation; YAML allows only spaces")
                ?? new SourceLocation(file, e.Start.Line, e.Start.Column).Mistake($"not YAML: {Lower((e.InnerException ?? e).Message)}");
        }
    }

    private ConfFile Document()
    {
        var sources = new Dictionary<string, Source>();
        var launchers = new Dictionary<string, Launcher>();
        var interpreters = new Dictionary<string, string>();
        var places = new Dictionary<string, LockPlace>();
        _parser.Consume<StreamStart>();
        if (!_parser.TryConsume<DocumentStart>(out _))
        {
            return new ConfFile(sources, interpreters);
        }

        Mapping("the file", key =>
        {
            switch (Known(key, s_keys))
            {
                case "sources":
                    Mapping("sources", name => AddSource(sources, name));
                    break;
                case "launchers":
                    Mapping("launchers", name => AddLauncher(launchers, name));
                    break;
                case "locks":
                    Mapping("locks", name => AddPlace(places, name));
                    break;
                default:
                    Mapping("interpreters", extension => AddInterpreter(interpreters, extension));
                    break;
            }
        });

        // The name of a place that is not in this file may be a mistake, and the plain parser does not know where it is.
        if (_parser is PlainYaml
            && sources.Values.FirstOrDefault(source => source.LockPlace is var (name, _) && !places.ContainsKey(name)) is { } source)
        {
            throw NoSuchLock(source.LockPlace!.Value.At, source.LockPlace.Value.Name, places.Keys);
        }

        _parser.Consume<DocumentEnd>();
        return _parser.Current is StreamEnd
            ? new ConfFile(sources, interpreters) { Launchers = launchers, Places = places }
            : throw At(_parser.Current!).Mistake("a second document; only one is allowed");
    }

    private void AddSource(Dictionary<string, Source> sources, Scalar name)
    {
        if (_parser.TryConsume<Scalar>(out var pattern))
        {
            if (PatternChecks.IsWholeUrls(name.Value, pattern.Value))
            {
                return;
            }

            PatternChecks.Check(pattern.Value, At(pattern));
            sources.Add(Name(name), new Source(name.Value, pattern.Value));
            return;
        }

        sources.Add(Name(name), LongForm(name));
    }

    private string Name(Scalar name)
    {
        PatternChecks.CheckName(name.Value, At(name));
        return name.Value;
    }

    private Source LongForm(Scalar name)
    {
        var source = new Source(name.Value, "");
        SourceLocation commit = default, reference = default;
        var keys = new List<(string, SourceLocation)>();
        Mapping($"the source {name.Value}", key => source = Note(key) switch
        {
            "url" => source with { Pattern = Pattern("url") },
            "mirrors" => source with { Mirrors = Mirrors() },
            "ref" => source with { Ref = Ref(key, out reference) },
            "headers" => source with { Headers = Headers() },
            "max-age" => source with { MaxAge = Age() },
            "lock" => Locked(source),
            "trust" => source with { Trust = (TrustLevel)OneOf("trust", "always", "ask", "pinned") },
            "plain-http" => source with { PlainHttpAllowed = OneOf("plain-http", "refuse", "allow") == 1 },
            "signers" => source with { Signers = SignersFile() },
            _ => source with { Commit = Commit(commit = At(key)) },
        });

        if (source.Pattern.Length == 0)
        {
            throw At(name).Mistake($"the source {name.Value} has no url");
        }

        PatternChecks.CheckKeys(source, keys);
        PatternChecks.CheckMirrors(source, keys.Find(static key => key.Item1 == "mirrors").Item2);
        PatternChecks.CheckRef(source, reference);
        PatternChecks.CheckCommit(source, commit);
        return source;

        string Note(Scalar key)
        {
            keys.Add((key.Value, At(key)));
            return Known(key, s_sourceKeys);
        }
    }

    /// <summary>A pattern, or a mapping with <c>url</c> and <c>accept</c>.</summary>
    private CommitQuestion Commit(SourceLocation place)
    {
        if (_parser.Current is Scalar)
        {
            return new CommitQuestion(Text("commit").Value, null);
        }

        var question = new CommitQuestion("", null);
        Mapping("commit", key => question = Known(key, s_commitKeys) == "url"
            ? question with { Pattern = Text("url").Value }
            : question with { Accept = HeaderValue(key) });
        return question.Pattern.Length > 0 ? question : throw place.Mistake("commit has no url");
    }

    private string Pattern(string what)
    {
        var pattern = Text(what);
        PatternChecks.Check(pattern.Value, At(pattern));
        return pattern.Value;
    }

    private string Mirror()
    {
        var place = At(_parser.Current!);
        var pattern = Pattern("mirrors");
        PatternChecks.CheckMirror(pattern, place);
        return pattern;
    }

    private List<string> Mirrors()
    {
        if (_parser.Current is Scalar)
        {
            return [Mirror()];
        }

        if (!_parser.TryConsume<SequenceStart>(out _))
        {
            throw Unexpected("mirrors: expected a list of patterns");
        }

        var mirrors = new List<string>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            mirrors.Add(Mirror());
        }

        return mirrors;
    }

    private string SignersFile()
    {
        var text = Text("signers");
        PatternChecks.CheckSigners(text.Value, At(text));
        return text.Value;
    }

    private string Ref(Scalar key, out SourceLocation place)
    {
        place = At(key);
        var text = Text("ref");
        return text.Value.Length > 0 && text.Value.Split('/').All(static s => s is not ("" or "." or "..") && !CharChecks.HasControl(s))
            ? text.Value
            : throw At(text).Mistake("ref: expected a branch, tag or commit");
    }

    private List<KeyValuePair<string, string>> Headers()
    {
        var headers = new List<KeyValuePair<string, string>>();
        Mapping("headers", name => headers.Add(new(name.Value, HeaderValue(name))), ignoreCase: true);
        return headers;
    }

    private string HeaderValue(Scalar name)
    {
        var value = Text($"the header {name.Value}");
        HeaderChecks.Check(name.Value, value.Value, At(name));
        return value.Value;
    }

    private TimeSpan Age()
    {
        var text = Text("max-age");
        return HumanFormat.ParseAge(text.Value)
            ?? throw At(text).Mistake($"max-age: '{text.Value}' is not an age", "use a whole number and s, m, h or d, such as 12h");
    }

    /// <summary>A mode, or the name of a place: whether there is such a place is known when all files have been read.</summary>
    private Source Locked(Source source)
    {
        var text = Text("lock");
        return s_lockModes.Contains(text.Value) ? source with { LockExclusive = text.Value == s_lockModes[1] }
            : ScriptName.IsScope(text.Value)
                ? source with { LockExclusive = true, LockPlace = (text.Value, At(text)) }
                : throw NoSuchLock(At(text), text.Value, []);
    }

    /// <summary>The mistake: <c>lock:</c> is neither a mode nor a place.</summary>
    public static RunException NoSuchLock(SourceLocation at, string typed, IEnumerable<string> places) =>
        at.Mistake($"lock: unknown value '{typed}'", Hint(typed, [.. s_lockModes, .. places]));

    private void AddPlace(Dictionary<string, LockPlace> places, Scalar name)
    {
        if (s_lockModes.Contains(name.Value) || !ScriptName.IsScope(name.Value))
        {
            throw At(name).Mistake(
                $"'{name.Value}' cannot be the name of a place for locks",
                s_lockModes.Contains(name.Value)
                    ? $"lock: {name.Value} of a source means something else"
                    : "use letters, digits, '-', '_' and '.', and do not begin with '-' or '.'");
        }

        // The message does not show the value: it may contain a password.
        var url = Text($"the place {name.Value}");
        if (!LockPlace.IsUrl(url.Value))
        {
            throw At(url).Mistake(
                $"{name.Value}: a place for locks is the URL of a PostgreSQL database", "for example  postgresql://user@host/database");
        }

        if (LockPlace.HasStrayAt(url.Value))
        {
            throw At(url).Mistake(
                $"{name.Value}: its URL has an @ that does not end a user and a password", "in them, write %40 for @ and %2F for /");
        }

        if (LockPlace.HasBadPort(url.Value))
        {
            throw At(url).Mistake(
                $"{name.Value}: its URL has a port that is not a number from 1 to 65535",
                "a user and a password end with @, before the host: postgresql://user:password@host:5432/database");
        }

        places.Add(name.Value, new LockPlace(name.Value, url.Value, At(url)));
    }

    private int OneOf(string what, params string[] values)
    {
        var text = Text(what);
        return Array.IndexOf(values, text.Value) is >= 0 and var index
            ? index
            : throw At(text).Mistake($"{what}: unknown value '{text.Value}'", Hint(text.Value, values));
    }

    private void AddInterpreter(Dictionary<string, string> interpreters, Scalar extension)
    {
        var command = Text($"the interpreter of {extension.Value}");
        if (extension.Value.Length < 2 || extension.Value[0] != '.'
            || extension.Value.LastIndexOf('.') != 0 || extension.Value.Contains('/', StringComparison.Ordinal))
        {
            throw At(extension).Mistake($"'{extension.Value}' is not a file extension", "for example  .py: python3");
        }

        if (command.Value.Trim().Length == 0)
        {
            throw At(command).Mistake($"no command for {extension.Value}");
        }

        try
        {
            _ = ShellWords.Split(command.Value);
        }
        catch (RunException e)
        {
            throw At(command).Mistake($"the interpreter of {extension.Value}: {e.Message}");
        }

        interpreters.Add(extension.Value, command.Value);
    }

    /// <summary>A command, or a mapping with <c>command</c>, <c>quoting</c> and <c>hands</c>.</summary>
    private void AddLauncher(Dictionary<string, Launcher> launchers, Scalar name)
    {
        if (!ScriptName.IsScope(name.Value))
        {
            throw At(name).Mistake(
                $"'{name.Value}' is not a valid launcher name", "use letters, digits, '-', '_' and '.', and do not begin with '-' or '.'");
        }

        IReadOnlyList<string> command = [];
        Quoting? quoting = null;
        var handsPath = false;
        var place = At(name);
        if (_parser.Current is Scalar { Value.Length: > 0 })
        {
            command = Command($"the launcher {name.Value}");
        }
        else
        {
            Mapping($"the launcher {name.Value}", key =>
            {
                switch (Known(key, s_launcherKeys))
                {
                    case "command":
                        command = Command("command");
                        break;
                    case "quoting":
                        quoting = (Quoting)OneOf("quoting", "none", "shell");
                        break;
                    default:
                        handsPath = OneOf("hands", "run", "path") == 1;
                        break;
                }
            });
        }

        if (command.Count == 0)
        {
            throw place.Mistake($"the launcher {name.Value} has no command", "for example  command: ssh web1");
        }

        launchers.Add(name.Value, new Launcher(
            name.Value, command,
            quoting ?? Launcher.UsualQuoting(command) ?? throw place.Mistake(
                $"the launcher {name.Value} needs quoting:",
                "shell if a shell takes its last word apart, as on ssh's other side; none if it starts the words as they are"),
            handsPath));

        IReadOnlyList<string> Command(string what)
        {
            var text = Text(what);
            place = At(text);
            if (CharChecks.HasControl(text.Value))
            {
                throw place.Mistake($"{what}: a control character");
            }

            try
            {
                return ShellWords.Split(text.Value);
            }
            catch (RunException e)
            {
                throw place.Mistake($"{what}: {e.Message}");
            }
        }
    }

    /// <summary>
    /// Reads a mapping: for each key, <paramref name="entry"/> reads the value. No value at all (a key whose lines are commented out)
    /// counts as an empty mapping.
    /// </summary>
    private void Mapping(string what, Action<Scalar> entry, bool ignoreCase = false)
    {
        if (_parser.Current is Scalar { Value: "" or "~" or "null", Style: ScalarStyle.Plain } && _parser.TryConsume<Scalar>(out _))
        {
            return;
        }

        if (!_parser.TryConsume<MappingStart>(out _))
        {
            throw Unexpected($"{what}: expected a mapping (key: value)");
        }

        var seen = new HashSet<string>(ignoreCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            // The words are put together only for a mistake: there may be hundreds of sources.
            var key = _parser.TryConsume<Scalar>(out var scalar) ? scalar : Text($"a key of {what}");
            if (!seen.Add(key.Value))
            {
                throw At(key).Mistake($"{key.Value} is defined twice");
            }

            entry(key);
        }
    }

    private Scalar Text(string what) =>
        _parser.TryConsume<Scalar>(out var scalar) ? scalar : throw Unexpected($"{what}: expected a single value");

    private RunException Unexpected(string mistake) =>
        _parser.Current is AnchorAlias alias ? NoAlias(At(alias), $"*{alias.Value.Value}") : At(_parser.Current!).Mistake(mistake);

    private static RunException NoAlias(SourceLocation at, string name) =>
        at.Mistake($"aliases are not supported here: {name}", "write out what it stands for");

    private string Known(Scalar key, string[] keys) =>
        keys.Contains(key.Value) ? key.Value
            : key.Value == "<<" ? throw NoAlias(At(key), key.Value)
            : throw At(key).Mistake($"unknown key {key.Value}", Hint(key.Value, keys));

    private static string Hint(string typed, string[] known) =>
        Suggestion.For(typed, known) is { } nearest ? $"did you mean {nearest}?" : $"expected one of {string.Join(", ", known)}";

    private SourceLocation At(ParsingEvent at) => new(_file, at.Start.Line, at.Start.Column);

    /// <summary>
    /// The first tab in an indentation, from the line of the parser's error on. The error has the start of what the parser was reading, so
    /// the tab may be on the next line.
    /// </summary>
    private static SourceLocation? TabFrom(string text, string file, long line)
    {
        var lines = text.Split('\n');
        for (var i = (int)line; i >= 1 && i <= Math.Min(line + 1, lines.Length); i++)
        {
            var indentation = lines[i - 1].AsSpan(0, lines[i - 1].Length - lines[i - 1].TrimStart().Length);
            if (indentation.IndexOf('\t') is >= 0 and var column)
            {
                return new SourceLocation(file, i, column + 1);
            }
        }

        return null;
    }

    private static string Lower(string sentence) =>
        sentence.Length > 0 ? char.ToLowerInvariant(sentence[0]) + sentence[1..].TrimEnd('.') : sentence;
}
