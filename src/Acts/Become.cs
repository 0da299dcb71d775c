using Run.CommandLine;
using Run.Locking;
using Run.Pinning;
using Run.Planning;
using Run.Starting;

namespace Run.Acts;

/// <summary>The main job: the script takes the place of this process.</summary>
internal static class Become
{
    /// <summary>
    /// Does not return but by an exception: afterwards there is no <c>run</c>. Only where it detaches the script it is still there to tell.
    /// </summary>
    public static int Script(Surroundings surroundings, Invocation invocation)
    {
        var wanted = surroundings.Resolve(invocation.Script);
        surroundings.RequirePin(wanted);
        var request = Locks.Request(wanted, surroundings, invocation);
        var detach = invocation.Detach ? Detach.FromStarter() : null;
        if (invocation.Detach && detach is null)
        {
            return Detach.Start(wanted.Shown);
        }

        if (!request.Replace)
        {
            ScriptLock.Acquire(request);
        }

        var copy = wanted.Local is null ? Copies.Get(wanted, surroundings, invocation.Update, Consent.For(wanted, surroundings)) : null;
        var path = copy?.Path ?? LocalFile.Checked(wanted.Local!, wanted);
        var launch = Launch.Of(path, wanted.Shown, invocation.Interpreter, surroundings.Configuration);
        var program = launch.CheckEnv();
        Voice.Step(() => $"becomes {Words.Join(launch.Arguments(invocation.Arguments))}");
        if (request.Replace)
        {
            // Only now: nobody is ended for a successor that cannot be fetched or started.
            launch.CheckInterpreter();
            ScriptLock.Acquire(request);
        }

        if (invocation.IsPlain)
        {
            new Planner(invocation.Script, wanted, surroundings, request, copy, launch, program).WriteDown();
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
