using Run.Inputs;
using Run.Launching;
using Run.Naming;
using Run.Posix;
using Run.Reporting;
using Run.Trees;

namespace Run.Execution;

/// <summary>
/// How a script is started: which file the kernel executes, and which words come before the script's own arguments. If possible, the
/// kernel executes the script itself; <see cref="Interpreter"/> is used if it refuses (a noexec mount, no x bit).
/// </summary>
/// <param name="Path">The script's path.</param>
/// <param name="DisplayName">Its name in messages.</param>
/// <param name="Interpreter">The words before the script's path; empty for a program that needs none.</param>
/// <param name="ByKernel">Whether to let the kernel try first.</param>
/// <param name="Shebang">The line that names the interpreter.</param>
internal sealed record Launch(string Path, string DisplayName, IReadOnlyList<string> Interpreter, bool ByKernel, Shebang? Shebang)
{
    private const string Shell = "sh";

    /// <summary>The file's stamp when its first line was read; null if it cannot be read.</summary>
    public FileStamp? Stamp { get; private init; }

    /// <summary>Whether the interpreter is the one of the second line, because the first one starts <c>run</c>.</summary>
    public bool BySecondLine { get; private init; }

    /// <summary>Whether it begins as an archive, which the kernel starts only if it is told how (binfmt_misc).</summary>
    public bool IsArchive { get; private init; }

    /// <summary>What starts it instead of this process, by its path; null without <c>--on</c>.</summary>
    public Launcher? Launcher { get; init; }

    /// <summary>Reads the beginning of the script, and decides how to start it.</summary>
    /// <param name="interpreter">The value of <c>--interpreter</c>.</param>
    /// <param name="interpreterOf">The interpreter for a file name, called only for a script without a #! line.</param>
    /// <exception cref="RunException">64: the interpreter is empty. 126, 127: the script cannot be read, or does not exist.</exception>
    public static Launch Of(string path, string displayName, string? interpreter, Func<string, string?> interpreterOf, ReadSet reads)
    {
        return Start(path, displayName) is var (start, stamp)
            ? From(start, path, displayName, interpreter, interpreterOf, reads) with { Stamp = stamp }
            : new Launch(path, displayName, [], ByKernel: true, null);
    }

    private static Launch From(
        byte[] start, string path, string displayName, string? interpreter, Func<string, string?> interpreterOf, ReadSet reads)
    {
        if (interpreter is not null)
        {
            return ShellWords.Split(interpreter) is { Count: > 0 } words
                ? new Launch(path, displayName, words, ByKernel: false, null)
                : throw new RunException(ExitStatus.Usage, "--interpreter needs a command");
        }

        if (start.AsSpan().StartsWith("\u007fELF"u8))
        {
            return new Launch(path, displayName, [], ByKernel: true, null);
        }

        if (RunFile.Of(start, reads) is { } runFile)
        {
            // The kernel would start run again. What the file stands for has been looked up by now, or it stands for nothing.
            return runFile.Second is not { } second ? throw runFile.CannotBeStarted(displayName)
                : RunFile.IsCircle(second, reads) ? throw RunFile.SaysNothing(displayName)
                : new Launch(path, displayName, Words(second), ByKernel: false, second) { BySecondLine = true };
        }

        if (Shebang.Parse(start) is { } shebang)
        {
            return new Launch(path, displayName, Words(shebang), shebang.KernelReadsIt, shebang);
        }

        var firstLine = start.AsSpan()[..(start.AsSpan().IndexOf((byte)'\n') is >= 0 and var end ? end : start.Length)];
        return firstLine.Contains((byte)0)
            ? new Launch(path, displayName, [], ByKernel: true, null) { IsArchive = Archive.IsOne(start) }
            : new Launch(path, displayName, ShellWords.Split(interpreterOf(path) ?? Shell), ByKernel: true, null);
    }

    private static IReadOnlyList<string> Words(Shebang line) =>
        line.Argument is null ? [line.Interpreter] : [line.Interpreter, line.Argument];

    /// <summary>
    /// The process's argv, as far as it is known before exec. <see cref="Become"/> finds out by trying, but a launcher cannot.
    /// </summary>
    public string[] Arguments(string[] arguments)
    {
        var byKernel = ByKernel && (Interpreter.Count == 0 || (Shebang is not null && MayBeExecuted));

        // A launcher may start the script in another directory (env -C, systemd-run). Links stay as they are, because the script may look
        // at its own name.
        var path = Launcher is null ? Path : Files.Absolute(Path);
        string[] own = byKernel ? [path, .. arguments] : [.. Interpreter, path, .. arguments];
        return Launcher?.Argv(Path[(Path.LastIndexOf('/') + 1)..], own) ?? own;
    }

    /// <summary>Becomes the script (execve(2)). Returns only if that fails.</summary>
    /// <returns>The failure: 126.</returns>
    /// <exception cref="RunException">126, 127: the interpreter cannot be executed, or does not exist.</exception>
    public RunException Become(string[] arguments, ReadSet reads)
    {
        if (Launcher is not null)
        {
            return Engine.Become(Launcher, Arguments(arguments), reads);
        }

        var refused = Errno.None;
        if (ByKernel)
        {
            refused = Processes.Execute(Path, [Path, .. arguments]);
            if (Interpreter.Count == 0 || refused is Errno.TooBig or Errno.NoMemory || (refused is Errno.NoEntry && IsGone))
            {
                return CannotStart(refused);
            }
        }

        var file = SearchPath.Find(Interpreter[0], reads, out var unusable)
            ?? throw (unusable is null ? Missing(Interpreter[0]) : NotExecutable(unusable));
        var error = Processes.Execute(file, [.. Interpreter, Path, .. arguments]);
        return error switch
        {
            Errno.NoEntry or Errno.NotDirectory when Files.Status(file).Value is null => Missing(Interpreter[0]),
            Errno.NoEntry => new RunException(
                ExitStatus.CannotStart, $"{DisplayName}: {file} exists, but its own interpreter or loader does not", NamedBy),
            Errno.Access => NotExecutable(file),
            _ => CannotStart(error),
        };
    }

    /// <summary>
    /// Refuses a script whose <c>#!/usr/bin/env NAME</c> names a command that is not in PATH. env would report that too, but without
    /// the script's name.
    /// </summary>
    /// <returns>The program that env will find; null if the script does not begin with such a line.</returns>
    /// <exception cref="RunException">126, 127.</exception>
    public string? CheckEnv(ReadSet reads)
    {
        // A launcher may start it with another PATH, or where there are other programs.
        if (Launcher is not null || Shebang?.EnvName is not { } name)
        {
            return null;
        }

        return SearchPath.Find(name, reads, out var unusable) ?? throw (unusable is null ? Missing(name) : NotExecutable(unusable));
    }

    /// <summary>Refuses a script whose interpreter does not exist. exec would report that too, but too late for <c>--replace</c>.</summary>
    /// <exception cref="RunException">126, 127.</exception>
    public void CheckInterpreter(ReadSet reads)
    {
        if (Launcher is not null)
        {
            _ = Engine.Find(Launcher, reads);
        }
        else if (Interpreter.Count > 0
            && (SearchPath.Find(Interpreter[0], reads, out var unusable) is not { } file || Files.Status(file).Value is null))
        {
            throw unusable is null ? Missing(Interpreter[0]) : NotExecutable(unusable);
        }
    }

    /// <summary>Whether the kernel executes the file: it has an x bit, and its file system is not mounted noexec.</summary>
    public bool MayBeExecuted => Files.Access(Path, AccessBits.Execute) == Errno.None && FileSystem.Of(Path).Executes;

    /// <summary>Whether only the kernel can tell what the file begins with.</summary>
    public bool IsUnreadable => Stamp is null && Interpreter.Count == 0;

    /// <summary>The failure if the file starts <c>run</c> in a way that its first line does not show.</summary>
    public RunException GoesInCircles() => new(
        ExitStatus.CannotStart, $"{DisplayName}: starts run again and again",
        IsUnreadable ? "it cannot be read, so run does not see what it says"
            : Shebang is null ? "what it starts starts it again, with the same arguments"
            : $"its first line is {Shebang}, and that starts it again, with the same arguments");

    private string? NamedBy => Shebang is null ? null : $"its {(BySecondLine ? "second" : "first")} line is {Shebang}";

    /// <summary>Whether the script itself has been removed since it was read.</summary>
    private bool IsGone => Files.Status(Path).Error is Errno.NoEntry or Errno.NotDirectory;

    private RunException Missing(string interpreter) =>
        new(ExitStatus.NotFound, $"{DisplayName}: no such interpreter: {UrlText.Shown(interpreter)}", NamedBy);

    private RunException NotExecutable(string interpreter) =>
        new(ExitStatus.CannotStart, $"{DisplayName}: its interpreter cannot be executed: {interpreter}", NamedBy);

    private RunException CannotStart(Errno error) => error switch
    {
        Errno.TooBig => CannotStart("its arguments and environment are too long for the kernel"),
        Errno.ExecFormat when IsArchive => CannotStart("an archive, not a script", "name a file in it: put // and its path behind the URL"),
        Errno.ExecFormat => CannotStart("neither a script nor a program for this machine"),
        Errno.Access => CannotStart($"cannot be executed: {Path}", "the file has no x bit, or its file system is mounted noexec"),
        Errno.NoEntry or Errno.NotDirectory when IsGone => LocalScript.Unreadable(DisplayName, Errno.NoEntry),
        Errno.NoEntry when Stamp is null => CannotStart("its interpreter or loader is not installed", "the file cannot be read"),
        Errno.NoEntry => CannotStart("a program whose loader is not installed"),
        _ => CannotStart($"cannot be started: {error.Describe()}"),
    };

    private RunException CannotStart(string why, string? hint = null) => new(ExitStatus.CannotStart, $"{DisplayName}: {why}", hint);

    /// <summary>The beginning of the file; null for a program that can be executed but not read.</summary>
    private static (byte[] Bytes, FileStamp? Stamp)? Start(string path, string displayName)
    {
        if (Files.Access(path, AccessBits.Read) == Errno.Access && Files.Access(path, AccessBits.Execute) == Errno.None)
        {
            return null;
        }

        using var file = LocalScript.Open(path, displayName);
        var stamp = Files.Status(file).Value?.Stamp;
        return (Files.Read(file, Shebang.MostBytes).OrThrow(error => LocalScript.Unreadable(displayName, error)), stamp);
    }
}
