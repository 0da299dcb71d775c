using Run.Acquisition;
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
    /// Does not return but by an exception: afterwards there is no <c>run</c>. Only where it detaches the script it is still there to tell.
    /// </summary>
    public static int Execute(RunContext context, Invocation invocation)
    {
        var wanted = context.Resolve(invocation.Script);
        context.RequirePin(wanted);
        var request = Locks.Request(wanted, context, invocation);
        var detach = invocation.Detach ? Detach.FromStarter() : null;
        if (invocation.Detach && detach is null)
        {
            return Detach.Start(wanted.DisplayName);
        }

        if (!request.Replace)
        {
            ScriptLock.Acquire(request);
        }

        var copy = wanted.Local is null ? ScriptProvider.Get(wanted, context, invocation.Update, Consent.For(wanted, context)) : null;
        var path = copy?.Path ?? LocalScript.Checked(wanted.Local!, wanted);
        var launch = Launch.Of(path, wanted.DisplayName, invocation.Interpreter, context.Configuration);
        var program = launch.CheckEnv();
        Messages.Step(() => $"becomes {ShellWords.Join(launch.Arguments(invocation.Arguments))}");
        if (request.Replace)
        {
            // Only now: nobody is ended for a successor that cannot be fetched or started.
            launch.CheckInterpreter();
            ScriptLock.Acquire(request);
        }

        if (invocation.IsPlain)
        {
            new Planner(invocation.Script, wanted, context, request, copy, launch, program).WriteDown();
        }

        detach?.Leave(Detach.LogFor(request));
        try
        {
            throw launch.Become(invocation.Arguments);
        }
        catch (RunException) when (detach is not null)
        {
            detach.Return();
            throw;
        }
    }
}
