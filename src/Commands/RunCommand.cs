using Run.Caching;
using Run.CommandLine;
using Run.Execution;
using Run.Locking;
using Run.Naming;
using Run.Planning;
using Run.Reporting;
using Run.Trust;

namespace Run.Commands;

/// <summary>Runs a script: this process becomes the script.</summary>
internal static class RunCommand
{
    /// <summary>
    /// Ends only with an exception, because after exec there is no <c>run</c>. It returns only with <c>--detach</c>, in the first process,
    /// which reports the result.
    /// </summary>
    public static int Execute(RunContext context, Invocation invocation)
    {
        var script = context.Resolve(invocation.Script);
        context.RequirePin(script);
        var request = LockRequest.From(script, context.Paths.State, invocation.Lock) with
        {
            Name = invocation.LockName,
            Wait = invocation.Wait,
            Replace = invocation.Replace,
        };
        var detach = invocation.Detach ? Detach.FromStarter() : null;
        if (invocation.Detach && detach is null)
        {
            return Detach.Start(script.DisplayName);
        }

        if (!request.Replace)
        {
            context.Lock.Acquire(request);
        }

        var copy = script.Local is null
            ? context.Scripts.Get(script, invocation.Update, Consent.ForRun(script, context.Paths.State, context.Cache.Root, context.Reads))
            : null;
        if (copy is not null && request.Name is not null)
        {
            // The lock file is not the script's own, so it does not tell when the script was last used.
            Cache.Touch(copy);
        }

        var path = copy?.Path ?? LocalScript.Checked(script.Local!, script);
        var launch = Launch.Of(path, script.DisplayName, invocation.Interpreter, name => context.Configuration.InterpreterOf(name));
        var program = launch.CheckEnv(context.Reads);
        Messages.Step(() => $"executing {ShellWords.Join(launch.Arguments(invocation.Arguments))}");
        if (request.Replace)
        {
            // Only now, so that no running script is stopped for one that cannot be fetched or started.
            launch.CheckInterpreter(context.Reads);
            context.Lock.Acquire(request);
        }

        if (invocation.IsPlain)
        {
            new Planner(invocation.Script, script, context.Paths, context.Cache, context.Reads, request, copy, launch, program)
                .WriteDown();
        }

        detach?.Leave(Detach.LogFor(request));
        try
        {
            throw launch.Become(invocation.Arguments, context.Reads);
        }
        catch (RunException) when (detach is not null)
        {
            detach.Return();
            throw;
        }
    }
}
