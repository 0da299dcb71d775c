using System.Diagnostics;
using Run.CommandLine;
using Run.Commands;
using Run.Posix;
using Run.Reporting;

namespace Run;

/// <summary>The entry point. Only here are commands chosen, failures caught and printed, and exit statuses returned.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        Signals.RestoreSigpipe();

        // What the threads of a fetch throw, which nobody can catch: usually that there is no memory.
        AppDomain.CurrentDomain.UnhandledException += static (_, failure) => Processes.Exit(Report((Exception)failure.ExceptionObject));
        var invocation = new Invocation();
        try
        {
            invocation = Parse(Processes.Arguments(arguments.Length));
            if (Answers(invocation.Command))
            {
                return 0;
            }

            var context = new RunContext(invocation, TimeProvider.System);
            (invocation, context) = RunFileExpansion.Expand(invocation, context, Parse);
            if (Answers(invocation.Command))
            {
                return 0;
            }

            context.Explain();
            return Execute(context, invocation);
        }
        catch (RunException e) when (e.Status == ExitStatus.AlreadyRunning && invocation.ConflictExitCode is { } code)
        {
            // With -E 0 it counts as a success, and should cause no mail from cron: so it is a note, which --quiet suppresses.
            Action<string, string?> report = code == 0 ? Messages.Note : Messages.Error;
            report(e.Message, e.Hint);
            return code;
        }
        catch (RunException e)
        {
            Messages.Error(e.Message, e.Hint);
            return (int)e.Status;
        }
#pragma warning disable CA1031 // The last resort: for any exception, the user sees a sentence and not a stack trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return Report(e);
        }
    }

    private static int Report(Exception failure)
    {
        if (failure is OutOfMemoryException)
        {
            Messages.Error("not enough memory", null);
        }
        else
        {
            Messages.Error($"internal error: {failure.GetType().Name}", "please report it, with the command line");
        }

        return (int)ExitStatus.Internal;
    }

    /// <summary>A command line without options is the common case, and needs no parser.</summary>
    private static Invocation Parse(string[] arguments)
    {
        var invocation = arguments is [{ Length: > 0 } first, ..] && first[0] != '-'
            ? new Invocation { Operands = arguments, WordsToScript = arguments[..1] }
            : CommandLineParser.Parse(arguments);
        Messages.Set(invocation.Quiet, invocation.Verbose);
        return invocation;
    }

    /// <summary>Prints what needs no look at anything, the help and the version; false for other commands.</summary>
    private static bool Answers(CommandKind command)
    {
        if (command is not (CommandKind.Help or CommandKind.Version))
        {
            return false;
        }

        Stdout.Write(
            command == CommandKind.Help ? HelpText.Make() : $"run {typeof(Program).Assembly.GetName().Version!.ToString(3)}\n");
        return true;
    }

    private static int Execute(RunContext context, Invocation invocation) =>
        invocation.Command switch
        {
            CommandKind.Run when context.Launcher is { HandsPath: false } launcher => OnCommand.Execute(context, invocation, launcher),
            CommandKind.Run => RunCommand.Execute(context, invocation),
            CommandKind.View => ViewCommand.Execute(context, invocation),
            CommandKind.DryRun => DryRunCommand.Execute(context, invocation),
            CommandKind.Diff => DiffCommand.Execute(context, invocation),
            CommandKind.Fetch => FetchCommand.Execute(context, invocation),
            CommandKind.Outdated => OutdatedCommand.Execute(context, invocation),
            CommandKind.Pin => PinCommand.Execute(context, invocation),
            CommandKind.Ps => PsCommand.Execute(context, invocation),
            CommandKind.Logs => LogsCommand.Execute(context, invocation),
            CommandKind.Stop => StopCommand.Execute(context, invocation),
            CommandKind.List => ListCommand.Execute(context, invocation),
            CommandKind.Clean => CleanCommand.Execute(context, invocation),
            CommandKind.Init => InitCommand.Execute(context, invocation),
            CommandKind.Completion => CompletionCommand.Execute(context, invocation),
            _ => throw new UnreachableException(),
        };
}
