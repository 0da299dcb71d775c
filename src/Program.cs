using System.Diagnostics;
using Run.CommandLine;
using Run.Commands;
using Run.Posix;
using Run.Reporting;

namespace Run;

/// <summary>Knows the order of things, catches what goes wrong, and turns it into an exit status. Nobody else does any of these.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        Signals.RestoreSigpipe();
        var invocation = new Invocation();
        try
        {
            invocation = Understand(Processes.Arguments(arguments.Length));
            return Do(invocation);
        }
        catch (RunException e) when (e.Status == ExitStatus.AlreadyRunning && invocation.ConflictExitCode is { } code)
        {
            // Who calls that a success wants no mail from cron about it: then it is a note, and --quiet has it gone.
            Action<string, string?> say = code == 0 ? Messages.Note : Messages.Error;
            say(e.Message, e.Hint);
            return code;
        }
        catch (RunException e)
        {
            Messages.Error(e.Message, e.Hint);
            return (int)e.Status;
        }
        catch (OutOfMemoryException)
        {
            Messages.Error("not enough memory", null);
            return (int)ExitStatus.Internal;
        }
#pragma warning disable CA1031 // The last resort: whatever it is, the user sees a sentence and not a stack trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Messages.Error($"an error of run's own: {e.GetType().Name}", "please report it, with the command line");
            return (int)ExitStatus.Internal;
        }
    }

    /// <summary>A command line without options is the common one, and needs no parser.</summary>
    private static Invocation Understand(string[] arguments)
    {
        var invocation = arguments is [{ Length: > 0 } first, ..] && first[0] != '-'
            ? new Invocation { Operands = arguments, WordsToScript = arguments[..1] }
            : CommandLineParser.Parse(arguments);
        Messages.Set(invocation.Quiet, invocation.Verbose);
        return invocation;
    }

    private static int Do(Invocation invocation)
    {
        switch (invocation.Command)
        {
            case CommandKind.Help:
                Stdout.Write(HelpText.Make());
                return 0;
            case CommandKind.Version:
                Stdout.Write($"run {typeof(Program).Assembly.GetName().Version!.ToString(3)}\n");
                return 0;
        }

        var context = new RunContext(invocation, TimeProvider.System);
        return invocation.Command switch
        {
            CommandKind.Run => RunCommand.Execute(context, invocation),
            CommandKind.View => ViewCommand.Execute(context, invocation),
            CommandKind.DryRun => DryRunCommand.Execute(context, invocation),
            CommandKind.Diff => DiffCommand.Execute(context, invocation),
            CommandKind.Pin => PinCommand.Execute(context, invocation),
            CommandKind.Ps => PsCommand.Execute(context, invocation),
            CommandKind.Stop => StopCommand.Execute(context, invocation),
            CommandKind.List => ListCommand.Execute(context, invocation),
            CommandKind.Clean => CleanCommand.Execute(context, invocation),
            CommandKind.Init => InitCommand.Execute(context, invocation),
            CommandKind.Completion => CompletionCommand.Execute(context, invocation),
            _ => throw new UnreachableException(),
        };
    }
}
