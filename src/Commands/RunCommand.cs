using Run.CommandLine;
using Run.Execution;
using Run.Locking;
using Run.Naming;
using Run.Planning;
using Run.Reporting;
using Run.Trust;

namespace Run.Commands;

/// <summary>The main job: the script takes the place of this process.</summary>
internal static class RunCommand
{
    /// <summary>
    /// Returns only by an exception: afterwards there is no <c>run</c>. The one exception is <c>--detach</c>, whose first process stays to tell.
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
            ? context.Scripts.Get(script, invocation.Update, Consent.For(script, context.Paths.State, context.Cache.Root, context.Reads))
            : null;
        var path = copy?.Path ?? LocalScript.Checked(script.Local!, script);
        var launch = Launch.Of(path, script.DisplayName, invocation.Interpreter, name => context.Configuration.InterpreterOf(name));
        var program = launch.CheckEnv(context.Reads);
        Messages.Step(() => $"becomes {ShellWords.Join(launch.Arguments(invocation.Arguments))}");
        if (request.Replace)
        {
            // Only now: nobody is ended for a successor that cannot be fetched or started.
            launch.CheckInterpreter(context.Reads);
            context.Lock.Acquire(request);
        }

        if (invocation.MayBePlanned)
        {
            new Planner(invocation.WordsToScript, script, context.Paths, context.Cache, context.Reads, request, copy, launch, program)
            {
                Offline = context.Offline,
                HasLock = context.Lock.IsTaken,
                RefusalIsSilent = invocation is { Quiet: true, ConflictExitCode: 0 } && request.Wait == TimeSpan.Zero,
            }.WriteDown();
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
