using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Generated;
using Run.Inputs;
using Run.Launching;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Configuration;

/// <summary>
/// The configuration: the built-in defaults, /etc/run.conf and the user's run.conf. A later file overrides an earlier one source by source.
/// The defaults are parsed only if a lookup finds nothing in the files.
/// </summary>
internal sealed class RunConf
{
    private const int MaxBytes = 1 << 20;

    private readonly List<ConfFile> _files = [];
    private ConfFile? _builtIn;

    private RunConf()
    {
    }

    private ConfFile Defaults => _builtIn ??= YamlConf.Parse("run.conf", BuiltIn.run_conf);

    /// <summary>Reads only the named file if one is given, else those of the system and the user that exist.</summary>
    /// <param name="named">The file of <c>--config</c> or <c>RUN_CONFIG</c>; null for none.</param>
    /// <exception cref="RunException">
    /// 77: another user can have written a file. 78: a file has a mistake or cannot be read, or the named one does not exist.
    /// </exception>
    public static RunConf Read(string? named, XdgPaths paths, ReadSet reads)
    {
        var configuration = new RunConf();
        var flags = named is null ? OpenFlags.ReadOnly | OpenFlags.NonBlock : OpenFlags.ReadOnly;
        foreach (var path in named is not null ? [named] : new[] { paths.Configuration, XdgPaths.SystemConfiguration }.WhereNotNull())
        {
            if (ReadFile(path, flags, reads) is { } file)
            {
                configuration._files.Add(file);
                Messages.Step(() => $"read {path}");
            }
            else if (named is not null)
            {
                throw new RunException(ExitStatus.Configuration, $"{UrlText.Shown(named)}: no such file");
            }
        }

        configuration.CheckPlaces();
        if (configuration._files.Count == 0)
        {
            Messages.Step(static () => "no run.conf: only the sources that are built in");
        }

        return configuration;
    }

    /// <summary>The source of that name.</summary>
    /// <exception cref="RunException">64: there is none.</exception>
    public Source Source(string name)
    {
        foreach (var file in _files)
        {
            if (file.Sources.TryGetValue(name, out var source))
            {
                return source;
            }
        }

        if (Defaults.Sources.TryGetValue(name, out var builtIn))
        {
            return builtIn with { IsBuiltIn = true };
        }

        var known = Sources().Select(static s => s.Name).ToList();
        throw new RunException(
            ExitStatus.Usage, $"{name}: no such source",
            FindPlace(name) is not null ? $"{name} is a place for locks: --lock={name}:NAME takes one there, --ps {name}: lists them"
            : Suggestion.For(name, known) is { } nearest ? $"did you mean {nearest}:?" : $"known sources: {string.Join(", ", known)}");
    }

    /// <summary>The place of that name for locks that several machines share.</summary>
    /// <exception cref="RunException">64: there is none.</exception>
    public LockPlace Place(string name)
    {
        if (FindPlace(name) is { } place)
        {
            return place;
        }

        var known = Places();
        throw new RunException(
            ExitStatus.Usage, $"{name}: no such place for locks",
            Suggestion.For(name, known) is { } nearest ? $"did you mean {nearest}:?"
            : known.Count > 0 ? $"known places: {string.Join(", ", known)}"
            : "locks: in run.conf names such places; a lock of this machine alone has no colon in its NAME");
    }

    /// <summary>The names of all places for locks, sorted.</summary>
    public IReadOnlyList<string> Places() =>
        _files.SelectMany(static file => file.Places.Keys).Distinct().OrderBy(static name => name, StringComparer.Ordinal).ToList();

    /// <summary>All sources, sorted by name; if several files define one, that of the last file.</summary>
    public IReadOnlyList<Source> Sources() => _files.Append(Defaults).SelectMany(static f => f.Sources.Values)
        .DistinctBy(static s => s.Name).OrderBy(static s => s.Name, StringComparer.Ordinal).ToList();

    /// <summary>The launcher of that name.</summary>
    /// <exception cref="RunException">64: there is none.</exception>
    public Launcher Launcher(string name)
    {
        var all = Launchers();
        return all.FirstOrDefault(launcher => launcher.Name == name) ?? throw new RunException(
            ExitStatus.Usage, $"{UrlText.Shown(name)}: no such launcher",
            all.Count == 0 ? "launchers: in run.conf says which there are"
                : Suggestion.For(name, all.Select(static l => l.Name)) is { } nearest ? $"did you mean {nearest}?"
                : $"known launchers: {string.Join(", ", all.Select(static l => l.Name))}");
    }

    /// <summary>All launchers, sorted by name; if several files define one, that of the last file.</summary>
    public IReadOnlyList<Launcher> Launchers() => _files.SelectMany(static f => f.Launchers.Values)
        .DistinctBy(static l => l.Name).OrderBy(static l => l.Name, StringComparer.Ordinal).ToList();

    /// <summary>The command for a script of that name without a #! line; null if none is configured for its extension.</summary>
    public string? InterpreterOf(string fileName)
    {
        var extension = Path.GetExtension(fileName);
        if (extension.Length == 0)
        {
            return null;
        }

        foreach (var file in _files)
        {
            if (file.Interpreters.TryGetValue(extension, out var command))
            {
                return command;
            }
        }

        return Defaults.Interpreters.GetValueOrDefault(extension);
    }

    private LockPlace? FindPlace(string name) =>
        _files.Select(file => file.Places.GetValueOrDefault(name)).FirstOrDefault(static place => place is not null);

    /// <summary>Another file than the source's may define its place.</summary>
    /// <exception cref="RunException">78: there is no such place.</exception>
    private void CheckPlaces()
    {
        foreach (var file in _files)
        {
            foreach (var source in file.Sources.Values)
            {
                if (source.LockPlace is var (name, at) && FindPlace(name) is null)
                {
                    throw YamlConf.NoSuchLock(at, name, Places());
                }
            }
        }
    }

    /// <param name="flags">A named file is opened without O_NONBLOCK: it may be a pipe, such as <c>&lt;(…)</c>, without a writer
    /// yet.</param>
    private static ConfFile? ReadFile(string path, int flags, ReadSet reads)
    {
        // --config may name it by a relative path, and a plan needs an absolute one.
        var absolute = Files.Absolute(path);

        // A home that is not a directory, such as /dev/null, has no file either.
        var opened = Files.Open(path, flags);
        using var file = opened.Error == Errno.NotDirectory ? null : opened.OrAbsent(error => Unreadable(path, error));
        if (file is null)
        {
            reads.File(absolute, null);
            return null;
        }

        // Recorded before it is read, so that a change in between shows later.
        var status = Files.Status(file).OrThrow(error => Unreadable(path, error));
        reads.File(absolute, status);
        CheckWriters(path, status);
        if (status.IsPipe && (flags & OpenFlags.NonBlock) != 0)
        {
            // Nobody may be writing, and then it would count as empty.
            throw new RunException(ExitStatus.Configuration, $"{path}: not a regular file", $"--config {path} reads from a pipe");
        }

        var bytes = ReadAll(path, file, status);
        string text;
        try
        {
            text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw FirstNotUtf8(path, OsText.FromBytes(bytes)).Mistake("not UTF-8 text");
        }

        text = text.TrimStart('\ufeff');
        return IniConf.Fits(text) ? IniConf.Parse(path, text) : YamlConf.Parse(path, text);
    }

    /// <summary>
    /// Refuses a file that another user can have written: it chooses what this user runs, and from where. A pipe or a device has no writer
    /// but those that the caller has chosen.
    /// </summary>
    /// <exception cref="RunException">77.</exception>
    private static void CheckWriters(string path, FileStatus status)
    {
        if (!status.IsRegular)
        {
            return;
        }

        var link = Files.LinkStatus(path).OrThrow(error => Unreadable(path, error));
        foreach (var part in (ReadOnlySpan<FileStatus>)[link, status])
        {
            if (!TrustedPath.IsTrusted(part.Owner))
            {
                throw new RunException(
                    ExitStatus.Refused, $"{path}: belongs to another user (uid {part.Owner}), who would choose what this user runs",
                    "run as its owner, or name another run.conf with --config");
            }
        }

        if (status.EverybodyCanWrite)
        {
            throw new RunException(
                ExitStatus.Refused, $"{path}: writable by all users, who could choose what this user runs", $"chmod o-w {path}");
        }
    }

    /// <param name="text">Its first lone surrogate stands for the first invalid byte.</param>
    private static SourceLocation FirstNotUtf8(string path, string text)
    {
        var at = 0;
        while (Rune.TryGetRuneAt(text, at, out var rune))
        {
            at += rune.Utf16SequenceLength;
        }

        var before = text.AsSpan(0, at);
        return new SourceLocation(path, before.Count('\n') + 1, at - before.LastIndexOf('\n'));
    }

    private static byte[] ReadAll(string path, SafeFileHandle file, FileStatus status)
    {
        if (status.IsDirectory)
        {
            throw Unreadable(path, Errno.IsDirectory);
        }

        var bytes = Files.Read(file, MaxBytes + 1, status.Size).OrThrow(error => Unreadable(path, error));
        return bytes.Length <= MaxBytes
            ? bytes
            : throw new RunException(ExitStatus.Configuration, $"{path}: larger than {MaxBytes >> 20} MiB");
    }

    private static RunException Unreadable(string path, Errno error) =>
        new(ExitStatus.Configuration, $"{path}: cannot be read: {error.Describe()}");
}
