using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Generated;
using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;

namespace Run.Configuration;

/// <summary>
/// What run.conf says: the defaults built in, then /etc/run.conf, then the user's; later wins, source by source.
/// The defaults are read only when something is looked up that the files do not have.
/// </summary>
internal sealed class RunConf
{
    private const int MostBytes = 1 << 20;

    private readonly List<ConfFile> _files = [];
    private ConfFile? _builtIn;

    private RunConf()
    {
    }

    private ConfFile Defaults => _builtIn ??= YamlConf.Parse("run.conf", BuiltIn.run_conf);

    /// <summary>Reads the files that there are: the one that was named, else the system's and the user's.</summary>
    /// <param name="named">What <c>--config</c> or <c>RUN_CONFIG</c> says.</param>
    /// <exception cref="RunException">78: a file has a mistake, or is none.</exception>
    public static RunConf Read(string? named, XdgPaths paths, ReadSet reads)
    {
        var configuration = new RunConf();
        var how = named is null ? OpenFlags.ReadOnly | OpenFlags.NonBlock : OpenFlags.ReadOnly;
        foreach (var path in named is not null ? [named] : new[] { paths.Configuration, XdgPaths.SystemConfiguration }.OfType<string>())
        {
            if (ReadFile(path, how, reads) is { } file)
            {
                configuration._files.Add(file);
            }
            else if (named is not null)
            {
                throw new RunException(ExitStatus.Configuration, $"{named}: no such file");
            }
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
            return builtIn;
        }

        var known = Sources().Select(static s => s.Name).ToList();
        throw new RunException(
            ExitStatus.Usage, $"{name}: no such source",
            Suggestion.For(name, known) is { } nearest ? $"did you mean {nearest}:?" : $"there are {string.Join(", ", known)}");
    }

    /// <summary>All sources, each as the last file that has it describes it, by name.</summary>
    public IReadOnlyList<Source> Sources() =>
        [.. _files.Append(Defaults).SelectMany(static f => f.Sources.Values).DistinctBy(static s => s.Name).OrderBy(static s => s.Name, StringComparer.Ordinal)];

    /// <summary>What starts a script of that name that has no #! line; null where nothing is said of its extension.</summary>
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

    /// <param name="how">With or without waiting: a file that was named may be a pipe, as <c>&lt;(…)</c> is, whose writer is not ready yet.</param>
    private static ConfFile? ReadFile(string path, int how, ReadSet reads)
    {
        // What --config names may be relative, and no plan can be made of that.
        var absolute = path is not ['/', ..] && Files.RealPath(".").Value is { } here ? $"{here.TrimEnd('/')}/{path}" : path;

        // In a home that is none, such as /dev/null, there is no file either.
        var opened = Files.Open(path, how);
        using var file = opened.Error == Errno.NotDirectory ? null : opened.OrAbsent(error => Unreadable(path, error));
        if (file is null)
        {
            reads.File(absolute, null);
            return null;
        }

        // Before it is read: a change meanwhile shows later.
        var status = Files.Status(file).OrThrow(error => Unreadable(path, error));
        reads.File(absolute, status);
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

    /// <param name="text">In which the first lone surrogate stands for the first byte that is wrong.</param>
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

        var bytes = Files.Read(file, MostBytes + 1, status.Size).OrThrow(error => Unreadable(path, error));
        return bytes.Length <= MostBytes ? bytes : throw new RunException(ExitStatus.Configuration, $"{path}: larger than {MostBytes >> 20} MiB");
    }

    private static RunException Unreadable(string path, Errno error) => new(ExitStatus.Configuration, $"{path}: cannot be read: {error.Describe()}");
}
