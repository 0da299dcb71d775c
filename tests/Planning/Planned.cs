using Run.Tests.Infra;

namespace Run.Tests.Planning;

/// <summary>
/// Whether a run goes by plan. The runtime does not start in so little memory, and the executor and a shell do: so a run that succeeds
/// there was planned, and one that fails there would have gone the long way, and has changed nothing.
/// </summary>
internal static class Planned
{
    public const long TooLittleForTheRuntime = 32 << 20;

    /// <summary>
    /// Runs it until it is: a file that is younger than a tick of the clock is in no plan yet. Each of the runs must succeed and
    /// print this.
    /// </summary>
    public static async Task Is(Func<Command> run, string stdout)
    {
        for (var attempt = 0; ; attempt++)
        {
            await run().Succeeds(stdout);
            var result = await run().Limit("as", TooLittleForTheRuntime).Result();
            if (result.Status == 0)
            {
                result.Is(0, stdout);
                return;
            }

            result.Check(attempt < 100, "a run by plan");
        }
    }

    /// <summary>The next run will not go by a plan, and does not come as far as the script.</summary>
    public static async Task IsNot(Func<Command> run)
    {
        var result = await run().Limit("as", TooLittleForTheRuntime).Result();
        result.Check(result is { Status: not 0, Stdout: "" }, "no run by plan");
    }

    /// <summary>It is not planned any more, and the long way leads to this.</summary>
    public static async Task NoLonger(Func<Command> run, string stdout)
    {
        await IsNot(run);
        await run().Succeeds(stdout);
    }

    public static string Saying(string what) => $"#!/bin/sh\necho {what}\n";
}
