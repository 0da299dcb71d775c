using System.Text.RegularExpressions;

namespace Run.Tests.Planning;

/// <summary>
/// Whether a run follows a plan, as strace(1) sees it: it opens a plan, and the process becomes the script before the runtime has started.
/// The runtime is recognized by membarrier(2), which it calls early and nothing else here does. strace kills the process at that call, so
/// that a run without a valid plan changes nothing.
/// </summary>
internal static partial class Planned
{
    /// <summary>The prefix for a run that must be killed when the runtime starts, with status 137.</summary>
    public const string WithoutTheRuntime = $"strace -f -qq -o /dev/null {Options}";

    /// <summary>
    /// Bytes of address space in which the runtime does not start, and the executor and a shell do: for a run that is to be watched by its
    /// PID while it goes on, where a tracer would be in the way.
    /// </summary>
    public const long TooLittleForTheRuntime = 32 << 20;

    private const string Options = "-e trace=?open,openat,execve,membarrier -e inject=membarrier:signal=KILL";

    /// <summary>
    /// Runs it until it is planned, because files that are younger than a tick of the clock are not used for a plan. Each run must
    /// succeed and print this.
    /// </summary>
    public static async Task Is(Func<Command> run, string stdout)
    {
        for (var attempt = 0; ; attempt++)
        {
            await run().Succeeds(stdout);
            var (result, isPlanned) = await Watch(run());
            if (isPlanned)
            {
                result.Is(0, stdout);
                return;
            }

            result.Check(attempt < 100, "a run by plan");
        }
    }

    /// <summary>This run follows a plan: it starts the script, or finds the lock held and says nothing, without the runtime.</summary>
    public static async Task IsNow(Command run, string stdout)
    {
        var result = await run.Traced(out var trace, Options.Split(' ')).Result();
        var calls = File.ReadAllLines(trace);
        result.Check(calls.Any(Plan().IsMatch) && !calls.Any(IsRuntime), $"a run by plan\n{string.Join('\n', calls)}\n");
        result.Is(0, stdout);
    }

    /// <summary>The next run would not follow a plan. It is killed before it gets to the script.</summary>
    public static async Task IsNot(Func<Command> run)
    {
        var (result, isPlanned) = await Watch(run());
        result.Check(!isPlanned && result is { Status: 128 + Libc.SIGKILL, Stdout: "" }, "no run by plan");
    }

    /// <summary>It is no longer planned, and a run with the runtime does this.</summary>
    public static async Task NoLonger(Func<Command> run, string stdout)
    {
        await IsNot(run);
        await run().Succeeds(stdout);
    }

    private static bool IsRuntime(string call) => call.Contains(" membarrier(", StringComparison.Ordinal);

    private static async Task<(Result Result, bool IsPlanned)> Watch(Command command)
    {
        var result = await command.Traced(out var trace, Options.Split(' ')).Result();
        var calls = File.ReadAllLines(trace);
        var runtime = Array.FindIndex(calls, IsRuntime);
        var plan = Array.FindIndex(calls, Plan().IsMatch);
        var script = plan < 0 ? -1 : Array.FindIndex(calls, plan, Execution().IsMatch);
        result.Check(runtime >= 0 != script >= 0, $"either the script, next after a plan, or the runtime\n{string.Join('\n', calls)}\n");
        return (result, script >= 0);
    }

    /// <summary>A plan was opened: CACHE/plans/XXXX.</summary>
    [GeneratedRegex(@"open(at)?\(.*/plans/[0-9a-f]+"", .* = \d+$")]
    private static partial Regex Plan();

    [GeneratedRegex(@"execve\(.* = 0$")]
    private static partial Regex Execution();
}
