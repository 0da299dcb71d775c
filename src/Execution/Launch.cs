using Run.Inputs;
using Run.Naming;
using Run.Posix;
using Run.Reporting;


namespace Run.Execution;

/// <summary>
/// How a script is started: which file the kernel is to execute, with which words before the script's own arguments. Where the kernel
/// can start the script itself it does, and <see cref="Interpreter"/> is for when it cannot after all (a noexec mount, no x bit).
/// </summary>
/// <param name="Path">The script, where it is.</param>
/// <param name="DisplayName">What messages call it.</param>
/// <param name="Interpreter">The words before the script's path; empty for a program that needs none.</param>
/// <param name="ByKernel">Whether the kernel is asked first.</param>
/// <param name="Shebang">The line that names the interpreter.</param>
internal sealed record Launch(string Path, string DisplayName, IReadOnlyList<string> Interpreter, bool ByKernel, Shebang? Shebang)
{
    private const string Shell = "sh";

    /// <summary>How the script looked when it was looked into; null where that was not possible.</summary>
    public FileStamp? Stamp { get; private init; }

    /// <summary>Looks at the script, and decides.</summary>
    /// <param name="interpreter">What <c>--interpreter</c> says.</param>
    /// <param name="interpreterOf">Who knows the interpreter of a script without a #! line, by its file name. Asked only for those.</param>
    /// <exception cref="RunException">126, 127: there is nothing that could be started.</exception>
    public static Launch Of(string path, string displayName, string? interpreter, Func<string, string?> interpreterOf)
    {
        return Start(path, displayName) is var (start, stamp)
            ? From(start, path, displayName, interpreter, interpreterOf) with { Stamp = stamp }
            : new Launch(path, displayName, [], ByKernel: true, null);
    }

    private static Launch From(byte[] start, string path, string displayName, string? interpreter, Func<string, string?> interpreterOf)
    {
        if (interpreter is not null)
        {
            return ShellWords.Split(interpreter) is { Count: > 0 } words
                ? new Launch(path, displayName, words, ByKernel: false, null)
                : throw new RunException(ExitStatus.Usage, "--interpreter names no command");
        }

        if (start.AsSpan().StartsWith("\u007fELF"u8))
        {
            return new Launch(path, displayName, [], ByKernel: true, null);
        }

        if (Shebang.Parse(start) is { } shebang)
        {
            IReadOnlyList<string> words = shebang.Argument is null ? [shebang.Interpreter] : [shebang.Interpreter, shebang.Argument];
            return new Launch(path, displayName, words, shebang.KernelReadsIt, shebang);
        }

        var firstLine = start.AsSpan()[..(start.AsSpan().IndexOf((byte)'\n') is >= 0 and var end ? end : start.Length)];
        return firstLine.Contains((byte)0)
            ? new Launch(path, displayName, [], ByKernel: true, null)
            : new Launch(path, displayName, ShellWords.Split(interpreterOf(path) ?? Shell), ByKernel: true, null);
    }

    /// <summary>What the process will be, as far as it is known before it is tried.</summary>
    public string[] Arguments(string[] arguments) =>
        ByKernel && (Shebang is not null || Interpreter.Count == 0) ? [Path, .. arguments] : [.. Interpreter, Path, .. arguments];

    /// <summary>Becomes the script. Returns only by an exception.</summary>
    /// <exception cref="RunException">126, 127.</exception>
    public RunException Become(string[] arguments, ReadSet reads)
    {
        var refused = Errno.None;
        if (ByKernel)
        {
            refused = Processes.Execute(Path, [Path, .. arguments]);
            if (Interpreter.Count == 0 || refused is Errno.TooBig or Errno.NoMemory)
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
            Errno.NoEntry => new RunException(ExitStatus.CannotStart, $"{DisplayName}: {file} is there, but what starts it in its turn is not", AskedBy),
            Errno.Access => NotExecutable(file),
            _ => CannotStart(error),
        };
    }

    /// <summary>
    /// Refuses a script whose <c>#!/usr/bin/env NAME</c> names what is not in PATH: env would say so too, but not who asked.
    /// </summary>
    /// <returns>What env will find; null where the script does not begin like that.</returns>
    /// <exception cref="RunException">126, 127.</exception>
    public string? CheckEnv(ReadSet reads)
    {
        if (Shebang?.EnvName is not { } name)
        {
            return null;
        }

        return SearchPath.Find(name, reads, out var unusable) ?? throw (unusable is null ? Missing(name) : NotExecutable(unusable));
    }

    /// <summary>Refuses a script whose interpreter is not there, which exec would tell too, but too late for those who must know before.</summary>
    /// <exception cref="RunException">126, 127.</exception>
    public void CheckInterpreter(ReadSet reads)
    {
        if (Interpreter.Count > 0 && (SearchPath.Find(Interpreter[0], reads, out var unusable) is not { } file || Files.Status(file).Value is null))
        {
            throw unusable is null ? Missing(Interpreter[0]) : NotExecutable(unusable);
        }
    }

    private string? AskedBy => Shebang is null ? null : $"its first line is {Shebang}";

    private RunException Missing(string interpreter) => new(ExitStatus.NotFound, $"{DisplayName}: no such interpreter: {interpreter}", AskedBy);

    private RunException NotExecutable(string interpreter) =>
        new(ExitStatus.CannotStart, $"{DisplayName}: its interpreter cannot be executed: {interpreter}", AskedBy);

    private RunException CannotStart(Errno error) => error switch
    {
        Errno.TooBig => new RunException(ExitStatus.CannotStart, $"{DisplayName}: its arguments and environment are too long for the kernel"),
        Errno.ExecFormat => new RunException(ExitStatus.CannotStart, $"{DisplayName}: neither a script nor a program for this machine"),
        Errno.Access => new RunException(ExitStatus.CannotStart, $"{DisplayName}: a program that may not be executed where it is: {Path}", "the file has no x bit, or its file system is mounted noexec"),
        Errno.NoEntry => new RunException(ExitStatus.CannotStart, $"{DisplayName}: a program whose loader is not on this machine"),
        _ => new RunException(ExitStatus.CannotStart, $"{DisplayName}: cannot be started: {error.Describe()}"),
    };

    /// <summary>The beginning of the file; null for a program that may be executed and not read.</summary>
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
