using System.Diagnostics;
using Run.Acts;
using Run.CommandLine;

namespace Run;

/// <summary>Knows the order of things, catches what goes wrong, and turns it into an exit status. Nobody else does any of these.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        Kernel.RestoreSigpipe();
        var invocation = new Invocation();
        try
        {
            invocation = Understand(Kernel.Arguments(arguments.Length));
            return Do(invocation);
        }
        catch (RunException e) when (e.Status == ExitStatus.Held && invocation.ConflictExitCode is { } code)
        {
            // Who calls that a success wants no mail from cron about it: then it is a note, and --quiet has it gone.
            Action<string, string?> say = code == 0 ? Voice.Note : Voice.Error;
            say(e.Message, e.Hint);
            return code;
        }
        catch (RunException e)
        {
            Voice.Error(e.Message, e.Hint);
            return (int)e.Status;
        }
        catch (OutOfMemoryException)
        {
            Voice.Error("not enough memory", null);
            return (int)ExitStatus.Internal;
        }
#pragma warning disable CA1031 // The last resort: whatever it is, the user sees a sentence and not a stack trace.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Voice.Error($"an error of run's own: {e.GetType().Name}", "please report it, with the command line");
            return (int)ExitStatus.Internal;
        }
    }

    /// <summary>A command line without options is the common one, and needs no parser.</summary>
    private static Invocation Understand(string[] arguments)
    {
        var invocation = arguments is [{ Length: > 0 } first, ..] && first[0] != '-'
            ? new Invocation { Operands = arguments, IsPlain = true }
            : Parser.Parse(arguments);
        Voice.Set(invocation.Quiet, invocation.Verbose);
        return invocation;
    }

    private static int Do(Invocation invocation)
    {
        switch (invocation.Act)
        {
            case Act.Help:
                Output.Write(HelpText.Make());
                return 0;
            case Act.Version:
                Output.Write($"run {typeof(Program).Assembly.GetName().Version!.ToString(3)}\n");
                return 0;
        }

        var surroundings = new Surroundings(invocation);
        return invocation.Act switch
        {
            Act.Run => Become.Script(surroundings, invocation),
            Act.View => View.Script(surroundings, invocation),
            Act.DryRun => DryRun.Script(surroundings, invocation),
            Act.Diff => Diff.Script(surroundings, invocation),
            Act.Pin => Acts.Pin.Scripts(surroundings, invocation),
            Act.Ps => Ps.Running(surroundings, invocation),
            Act.Stop => Stop.Script(surroundings, invocation),
            Act.List => List.Cached(surroundings, invocation),
            Act.Clean => Clean.Copies(surroundings, invocation),
            Act.Init => Init.Configuration(surroundings, invocation),
            Act.Completion => Complete.ForShell(surroundings, invocation),
            _ => throw new UnreachableException(),
        };
    }
}
