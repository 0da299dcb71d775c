using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Locking;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Execution;

/// <summary>
/// <c>--detach</c> takes two processes: <see cref="Start"/> starts this program again with the same command line, and waits for it to
/// say how it went. That one does all that a run does, with its messages, questions and progress on the terminal, and leaves
/// for a session of its own as the last thing before exec. So all that can fail does so where somebody is looking.
/// </summary>
/// <remarks>
/// The second is told by a variable which descriptor of it leads back to the first, and takes the variable out of the environment.
/// Through that pipe it names the log just before exec, which closes it; if exec fails, a NUL follows.
/// </remarks>
internal sealed class Detach
{
    private const string Variable = "RUN_DETACHED";
    private const int MostNews = 32 * 1024;
    private const byte Failed = 0;

    private readonly int _starter;
    private int _standardError = -1;

    private Detach(int starter) => _starter = starter;

    /// <summary>The first process: its exit status is that of the failure, or 0 once the script runs.</summary>
    public static int Start(string script)
    {
        var (readEnd, writeEnd) = Descriptors.Pipe().OrThrow(error => CannotDetach($"{script}: ", error));
        using (readEnd)
        {
            int processId;
            using (writeEnd)
            {
                Signals.OnInterruptRemove(null);
                var descriptor = Descriptors.Number(writeEnd).ToString(CultureInfo.InvariantCulture);
                processId = Processes.StartAgain(Variable, descriptor).OrThrow(error => CannotDetach($"{script}: ", error));
            }

            var news = Files.Read(readEnd, MostNews).Value;
            if (news is null or [] or [.., Failed])
            {
                return ChildProcesses.WaitForExit(processId);
            }

            var name = processId.ToString(CultureInfo.InvariantCulture);
            Stdout.Write(name + "\n");
            Messages.Note($"{script} runs as pid {name}, and writes to {OsText.FromBytes(news)}");
            return 0;
        }
    }

    /// <summary>Whether this is the second process; null in the first.</summary>
    public static Detach? FromStarter()
    {
#pragma warning disable RS0030 // It says which of two processes this is, and decides nothing: a detached run has no plan.
        var text = EnvironmentVariables.Get(Variable);
#pragma warning restore RS0030
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor)
            || !Descriptors.IsPipe(descriptor) || Descriptors.CloseOnExec(descriptor) != Errno.None)
        {
            return null;
        }

        EnvironmentVariables.Remove(Variable);

        // Whoever ends the first process, with a signal that does not come from the terminal, means this one.
        Processes.SignalAtParentsEnd(Signals.Terminate);
        return new Detach(descriptor);
    }

    /// <summary>Leaves the terminal and the session. The last thing before exec.</summary>
    /// <exception cref="RunException">73, 77: the log cannot be written, or is not this user's alone.</exception>
    public void Leave(string log)
    {
        using var nothing = Files.Open("/dev/null", OpenFlags.ReadOnly).OrThrow(error => CannotDetach("", error));
        using var output = OpenLog(log);
        _standardError = Descriptors.Keep(Descriptors.Error).OrThrow(error => CannotDetach("", error));
        Redirect(nothing, Descriptors.Input);
        Redirect(output, Descriptors.Output);
        Redirect(output, Descriptors.Error);
        _ = Processes.StartSession();
        Processes.SignalAtParentsEnd(0);
        if (Descriptors.Write(_starter, OsText.ToBytes(log)) != Errno.None)
        {
            throw new RunException(ExitStatus.Interrupted, "nobody waits for the script any more");
        }
    }

    /// <summary>Takes the messages back to where somebody reads them: the script has not started after all.</summary>
    public void Return()
    {
        if (_standardError >= 0)
        {
            _ = Descriptors.Redirect(_standardError, Descriptors.Error);
            _ = Descriptors.Write(_starter, [Failed]);
        }
    }

    /// <summary>Where a script's output goes: a file of a name that people recognise, and of the script's own.</summary>
    public static string LogFor(LockRequest request)
    {
        const int LongestName = 100, DigestLength = 8;
        var path = request.Identity.Split('?', '#')[0].TrimEnd('/');
        var name = new StringBuilder();
        foreach (var c in path[(path.LastIndexOf('/') + 1)..].Take(LongestName))
        {
            name.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' ? c : '_');
        }

        return $"{request.StateDirectory}/logs/{name}-{request.Key[..DigestLength]}.log";
    }

    private static RunException CannotDetach(string prefix, Errno error) =>
        new(ExitStatus.CannotStart, $"{prefix}cannot be detached: {error.Describe()}");

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
