using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Run.Inputs;
using Run.Locking;
using Run.Posix;
using Run.Reporting;

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
    private const int Input = 0, StandardOutput = 1, StandardError = 2;
    private const int MostNews = 32 * 1024;
    private const byte Failed = 0;

    private readonly int _starter;
    private int _standardError = -1;

    private Detach(int starter) => _starter = starter;

    /// <summary>The first process: its exit status is that of the failure, or 0 once the script runs.</summary>
    public static int Start(string script)
    {
        if (!Kernel.TryPipe(out var readEnd, out var writeEnd))
        {
            throw new RunException(ExitStatus.CannotStart, $"{script}: cannot be detached: {Kernel.Describe(Kernel.LastError)}");
        }

        using (readEnd)
        {
            int processId;
            using (writeEnd)
            {
                Kernel.OnInterruptRemove(null);
                var descriptor = Kernel.Number(writeEnd).ToString(CultureInfo.InvariantCulture);
                processId = Kernel.TryStartAgain(Variable, descriptor, out var error);
                if (processId == 0)
                {
                    throw new RunException(ExitStatus.CannotStart, $"{script}: cannot be detached: {Kernel.Describe(error)}");
                }
            }

            var news = Kernel.TryRead(readEnd, MostNews);
            if (news is null or [] or [.., Failed])
            {
                return Kernel.WaitForExit(processId);
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
        if (Kernel.Variable(Variable) is not { } text
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor)
            || !Kernel.IsPipe(descriptor) || !Kernel.TryCloseOnExec(descriptor))
        {
            return null;
        }

        Kernel.RemoveVariable(Variable);

        // Whoever ends the first process, with a signal that does not come from the terminal, means this one.
        Kernel.SignalAtParentsEnd(Kernel.Terminate);
        return new Detach(descriptor);
    }

    /// <summary>Leaves the terminal and the session. The last thing before exec.</summary>
    /// <exception cref="RunException">73, 77: the log cannot be written, or is not this user's alone.</exception>
    public void Leave(string log)
    {
        using var nothing = Kernel.TryOpen("/dev/null", Kernel.ReadOnly);
        using var output = OpenLog(log);
        _standardError = Kernel.TryKeep(StandardError);
        if (nothing is null || !Kernel.TryRedirect(Kernel.Number(nothing), Input)
            || !Kernel.TryRedirect(Kernel.Number(output), StandardOutput)
            || !Kernel.TryRedirect(Kernel.Number(output), StandardError))
        {
            var error = Kernel.LastError;
            Return();
            throw new RunException(ExitStatus.CannotStart, $"cannot be detached: {Kernel.Describe(error)}");
        }

        Kernel.TryStartSession();
        Kernel.SignalAtParentsEnd(0);
        if (!Kernel.TryWriteAll(_starter, OsText.ToBytes(log)))
        {
            throw new RunException(ExitStatus.Interrupted, "nobody waits for the script any more");
        }
    }

    /// <summary>Takes the messages back to where somebody reads them: the script has not started after all.</summary>
    public void Return()
    {
        if (_standardError >= 0)
        {
            _ = Kernel.TryRedirect(_standardError, StandardError);
            _ = Kernel.TryWriteAll(_starter, [Failed]);
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

    private static SafeFileHandle OpenLog(string path)
    {
        var directory = path[..path.LastIndexOf('/')];
        XdgPaths.Make(directory);
        _ = XdgPaths.Trusted(directory, Kernel.TryStatus(directory));
        var log = Kernel.TryOpen(path, Kernel.WriteOnly | Kernel.Append | Kernel.Create | Kernel.NoFollow, Permissions.PrivateFile)
            ?? throw new RunException(ExitStatus.CannotWrite, $"{path}: {Kernel.Describe(Kernel.LastError)}");
        var status = XdgPaths.Trusted(path, Kernel.TryStatus(log));
        if (status is { } s && (s.Mode & Permissions.Everybody) != Permissions.PrivateFile)
        {
            _ = Kernel.TryChangeMode(log, Permissions.PrivateFile);
        }

        return log;
    }
}
