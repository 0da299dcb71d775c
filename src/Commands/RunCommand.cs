using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Run.Acquisition;
using Run.Caching;
using Run.CommandLine;
using Run.Execution;
using Run.Locking;
using Run.Naming;
using Run.Planning;
using Run.Posix;
using Run.Reporting;
using Run.Trust;

namespace Run.Commands;

/// <summary>Runs a script: this process becomes the script.</summary>
internal static class RunCommand
{
    // A run without a lock can lose its copy to --clean. Then it fetches again.
    private const int MaxAttempts = 5;

    // A script may start itself again with exec, in the same process. Without any change and any pause it does so only in a circle.
    private const int MaxRounds = 32;

    /// <summary>
    /// Ends only with an exception, because after exec there is no <c>run</c>. It returns only with <c>--detach</c>, in the first process,
    /// which reports the result.
    /// </summary>
    public static int Execute(RunContext context, Invocation invocation)
    {
        var script = context.Resolve(invocation.Script);
        context.RequirePin(script);
        if (context.Launcher is { } launcher)
        {
            // Before anything is fetched for it.
            _ = Engine.Find(launcher, context.Reads);
        }

        var request = context.LockFor(script) with { Words = Bits(invocation) };
        var detach = invocation.Detach ? Detach.FromStarter() : null;
        if (invocation.Detach && detach is null)
        {
            return Detach.Start(script.DisplayName);
        }

        if (detach is not null)
        {
            context.ExplainPaths();
        }

        var asked = Stopwatch.StartNew();
        if (!request.Replace)
        {
            context.Lock.Acquire(request);
        }

        // After the lock on this machine, so that of its runs only one asks the server.
        var shared = request.Place is null ? null : SharedLock.Take(request, asked);

        for (var attempt = 1; ; attempt++)
        {
            CachedScript? copy = null;
            try
            {
                copy = script.Local is null
                    ? context.Scripts.Get(
                        script, invocation.Update, Consent.ForRun(script, context.Paths.State, context.Cache.Root, context.Reads))
                    : null;
                Start(context, invocation, script, request, shared, copy, detach);
            }
            catch (RunException) when (attempt < MaxAttempts && detach is null && copy is not null
                && Files.Status(copy.Path).Error == Errno.NoEntry)
            {
                Messages.Step(() => $"{script.DisplayName}: its copy has been removed in the meantime");
            }
        }
    }

    private static byte Bits(Invocation invocation)
    {
        const byte Factor = 31;
        byte bits = 0;
        foreach (var one in OsText.ToBytes(string.Join('\0', invocation.Operands)))
        {
            bits = unchecked((byte)((bits * Factor) + one));
        }

        return bits;
    }

    /// <summary>Becomes the script, whose copy is there. Returns only by an exception.</summary>
    /// <exception cref="RunException">73, 75, 77, 126, 127, 130: it cannot be started.</exception>
    [DoesNotReturn]
    private static void Start(
        RunContext context, Invocation invocation, ResolvedScript script, LockRequest request, SharedLock? shared, CachedScript? copy,
        Detach? detach)
    {
        var path = copy?.Path ?? LocalCopy.PathFor(script, context.Cache);
        var launch = Launch.Of(
            path, script.DisplayName, invocation.Interpreter, name => context.Configuration.InterpreterOf(name), context.Reads);
        launch = context.Launcher is { } launcher ? launch with { Launcher = launcher } : launch;
        var program = launch.CheckEnv(context.Reads);
        Messages.Step(() => $"executing {ShellWords.Join(launch.Arguments(invocation.Arguments))}");
        if (request.Replace && !context.Lock.IsTaken)
        {
            // Only now, so that no running script is stopped for one that cannot be fetched or started.
            launch.CheckInterpreter(context.Reads);
            context.Lock.Acquire(request);
        }

        if (script.Local is not null && context.Lock.Rounds >= (launch.IsUnreadable ? 1 : MaxRounds))
        {
            throw launch.GoesInCircles();
        }

        // The lock of a place needs libpq, and so the runtime.
        if (invocation.MayBePlanned && shared is null && (RunLine.IsCalledAsUsual || (!invocation.IsFromFile && !launch.BySecondLine)))
        {
            new Planner(
                invocation.WordsToScript, script, context.Paths, context.Cache, context.Reads, request, copy, launch, program)
            {
                Offline = context.Offline,
                HasLock = context.Lock.IsTaken,
                TypedFile = invocation.TypedFile,
                RefusalIsSilent = invocation is { Quiet: true, ConflictExitCode: 0 } && request.Wait == TimeSpan.Zero,
            }.WriteDown();
        }

        detach?.Leave(Detach.LogFor(request));
        try
        {
            shared?.HandOver();
            throw launch.Become(invocation.Arguments, context.Reads);
        }
        catch (RunException) when (detach is not null)
        {
            detach.Return();
            throw;
        }
    }
}
