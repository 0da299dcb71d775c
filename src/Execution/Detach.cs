using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Locking;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Execution;

/// <summary>
/// <c>--detach</c> takes two processes: <see cref="Start"/> starts this program again with the same command line, and waits for its
/// report. The second process does everything that a run does, with its messages, questions and progress on the terminal. Only right
/// before exec it moves to a session of its own, so every failure is still shown on the terminal.
/// </summary>
/// <remarks>
/// A variable tells the second process which descriptor is the pipe to the first one; it removes the variable from the environment.
/// Just before exec it writes the path of the log to that pipe, which exec closes. If exec fails, it writes a NUL as well.
/// </remarks>
internal sealed class Detach
{
    /// <summary>The directory of the logs, in that of the state.</summary>
    public const string LogsName = "logs";

    private const string Variable = "RUN_DETACHED";
    private const int MaxReportBytes = 32 * 1024;
    private const byte Failed = 0;

    // A larger log is turned over at the next start, and one old log is kept.
    private const long MaxLogBytes = 10 << 20;
    private const string LogEnding = ".log", OldLogEnding = ".1";
    private const int KeyLength = 8;

    private readonly int _starter;
    private int _standardError = -1;

    private Detach(int starter) => _starter = starter;

    /// <summary>The first process. Its exit status is that of the failure, or 0 once the script is running.</summary>
    /// <exception cref="RunException">
    /// 73: the PID cannot be printed; if only writing it has shown that, the script is running. 126: the second process cannot be started.
    /// </exception>
    public static int Start(string script)
    {
        Stdout.Require();
        var (readEnd, writeEnd) = Descriptors.Pipe().OrThrow(error => CannotDetach($"{script}: ", error));
        using (readEnd)
        {
            int processId;
            using (writeEnd)
            {
                Signals.HandleInterrupts();
                var descriptor = Descriptors.Number(writeEnd).ToString(CultureInfo.InvariantCulture);
                processId = Processes.StartAgain(Variable, descriptor).OrThrow(error => CannotDetach($"{script}: ", error));
            }

            var report = Files.Read(readEnd, MaxReportBytes).Value;
            if (report is null or [] or [.., Failed])
            {
                return ChildProcesses.WaitForExit(processId);
            }

            var id = processId.ToString(CultureInfo.InvariantCulture);
            var where = $"{script} is running as pid {id}; its output goes to {OsText.FromBytes(report)}";
            try
            {
                Stdout.Write(id + "\n");
            }
            catch (RunException e)
            {
                // The disk is full: only writing to it shows that.
                throw new RunException(e.Status, e.Message, where);
            }

            Messages.Note(where);
            return 0;
        }
    }

    /// <summary>The connection to the first process; null if this is the first process.</summary>
    public static Detach? FromStarter()
    {
#pragma warning disable RS0030 // It only tells which of the two processes this is, and a detached run has no plan.
        var text = EnvironmentVariables.Get(Variable);
#pragma warning restore RS0030
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor)
            || !Descriptors.IsPipe(descriptor) || Descriptors.CloseOnExec(descriptor) != Errno.None)
        {
            return null;
        }

        EnvironmentVariables.Remove(Variable);

        // If the first process is ended by a signal that does not come from the terminal, this one must end too.
        Processes.SignalAtParentsEnd(Signals.Terminate);
        return new Detach(descriptor);
    }

    /// <summary>Leaves the terminal and the session (setsid(2)). Called right before exec.</summary>
    /// <exception cref="RunException">
    /// 73, 77: the log cannot be written, or others can write it. 126: a descriptor cannot be redirected. 130: the first process is gone.
    /// </exception>
    public void Leave(string log)
    {
        using var empty = Files.Open("/dev/null", OpenFlags.ReadOnly).OrThrow(error => CannotDetach("", error));
        using var output = OpenLog(log);
        _standardError = Descriptors.Keep(Descriptors.Error).OrThrow(error => CannotDetach("", error));
        Redirect(empty, Descriptors.Input);
        Redirect(output, Descriptors.Output);
        Redirect(output, Descriptors.Error);
        _ = Processes.StartSession();
        Processes.SignalAtParentsEnd(0);
        if (Descriptors.Write(_starter, OsText.ToBytes(log)) != Errno.None)
        {
            throw new RunException(ExitStatus.Interrupted, "not started: the process that was waiting for the script is gone");
        }
    }

    /// <summary>Sends messages to the terminal again, because the script could not be started.</summary>
    public void Return()
    {
        if (_standardError >= 0)
        {
            _ = Descriptors.Redirect(_standardError, Descriptors.Error);
            _ = Descriptors.Write(_starter, [Failed]);
        }
    }

    /// <summary>The path of a script's log: its name is recognisable, and unique to the script.</summary>
    public static string LogFor(LockRequest request)
    {
        const int MaxNameLength = 100;
        var path = request.Identity.Split('?', '#')[0].TrimEnd('/');
        var name = new StringBuilder();
        foreach (var c in path[(path.LastIndexOf('/') + 1)..].Take(MaxNameLength))
        {
            name.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_');
        }

        return $"{request.StateDirectory}/{LogsName}/{name}-{request.Key[..KeyLength]}{LogEnding}";
    }

    /// <summary>The beginning of the key of the script that a log is of; null if the file is not named like a log.</summary>
    public static string? KeyOfLog(string path)
    {
        var end = path.LastIndexOf(LogEnding, StringComparison.Ordinal);
        var start = path.LastIndexOf('-') + 1;
        return end - start == KeyLength ? path[start..end] : null;
    }

    private static RunException CannotDetach(string prefix, Errno error) =>
        new(ExitStatus.CannotStart, $"{prefix}cannot run in the background: {error.Describe()}");

    private void Redirect(SafeFileHandle file, int stream)
    {
        if (Descriptors.Redirect(Descriptors.Number(file), stream) is not Errno.None and var error)
        {
            Return();
            throw CannotDetach("", error);
        }
    }

    private static SafeFileHandle OpenLog(string path)
    {
        const int Flags = OpenFlags.WriteOnly | OpenFlags.Append | OpenFlags.Create;
        var directory = TrustedPath.Parent(path);
        TrustedPath.MakeDirectory(directory);
        _ = TrustedPath.CheckTarget(directory);
        if (Files.LinkStatus(path).Value is { IsRegular: true, Size: > MaxLogBytes })
        {
            _ = Files.Rename(path, path + OldLogEnding);
        }

        var log = Files.Open(path, Flags | OpenFlags.NoFollow, Permissions.PrivateFile)
            .OrThrow(error => new RunException(ExitStatus.CannotWrite, $"{path}: cannot be opened: {error.Describe()}"));
        var status = TrustedPath.Check(path, Files.Status(log));
        if (status is not null && (status.Mode & Permissions.Everybody) != Permissions.PrivateFile)
        {
            _ = Files.ChangeMode(log, Permissions.PrivateFile);
        }

        return log;
    }
}
