using System.Runtime.ExceptionServices;
using Run.Naming;
using Run.Reporting;

namespace Run.Acquisition;

/// <summary>The same work for several scripts, some at a time. All of them are tried, whichever fail.</summary>
internal static class Batch
{
    /// <summary>How many are fetched at a time.</summary>
    public const int Fetches = 8;

    /// <summary>How many pins are compared with their sources at a time. Most servers only say that nothing has changed.</summary>
    public const int Pins = 16;

    /// <summary>Does the work, in threads of its own, and shows how far it is on a terminal: <c>fetching 3/20</c>.</summary>
    /// <param name="doing">What the line of progress says.</param>
    /// <returns>An outcome for each item, in the order of the items.</returns>
    public static IReadOnlyList<Outcome<T>> Run<TItem, T>(
        IReadOnlyList<TItem> items, int atATime, string doing, Func<TItem, T> work)
    {
        var outcomes = new Outcome<T>[items.Count];
        if (items.Count == 1)
        {
            outcomes[0] = Outcome<T>.Of(() => work(items[0]));
            return outcomes;
        }

        var (next, done) = (-1, 0);
        ExceptionDispatchInfo? unexpected = null;
        using var progress = ProgressLine.Begin(() => $"{doing} {Volatile.Read(ref done)}/{items.Count}");
        var threads = new List<Thread>();
        for (var i = 0; i < Math.Min(atATime, items.Count); i++)
        {
            var thread = new Thread(Work) { IsBackground = true };
            thread.Start();
            threads.Add(thread);
        }

        threads.ForEach(static thread => thread.Join());
        unexpected?.Throw();
        return outcomes;

        void Work()
        {
            try
            {
                for (int i; (i = Interlocked.Increment(ref next)) < items.Count; Interlocked.Increment(ref done))
                {
                    outcomes[i] = Outcome<T>.Of(() => work(items[i]));
                }
            }
#pragma warning disable CA1031 // It is thrown again by the thread that waits for this one.
            catch (Exception e)
#pragma warning restore CA1031
            {
                unexpected = ExceptionDispatchInfo.Capture(e);
            }
        }
    }

    /// <summary>Prints the failures, in the order of the items. If there are several items, each failure says which one it is of.</summary>
    /// <param name="names">The items' names.</param>
    /// <returns>The exit status of the first; null if there is none.</returns>
    public static int? Report<T>(IReadOnlyList<Outcome<T>> outcomes, IEnumerable<string> names)
    {
        int? status = null;
        foreach (var (outcome, name) in outcomes.Zip(names))
        {
            if (outcome.Failure is { } failure)
            {
                Messages.Error(outcomes.Count == 1 || Names(failure, name) ? failure.Message : $"{name}: {failure.Message}", failure.Hint);
                status ??= (int)failure.Status;
            }
        }

        return status;
    }

    /// <summary>Whether the message tells which script it is about, or is about a line of run.conf or run.pins.</summary>
    private static bool Names(RunException failure, string name) =>
        failure.Status == ExitStatus.Configuration || ScriptName.IsUrl(failure.Message)
        || failure.Message.StartsWith($"{name}:", StringComparison.Ordinal)
        || failure.Message.StartsWith($"{name} ", StringComparison.Ordinal);
}

/// <summary>How the work for one item ended.</summary>
/// <param name="Value">The result; the default of its type if the work failed.</param>
/// <param name="Failure">Null if the work succeeded.</param>
internal sealed record Outcome<T>(T? Value, RunException? Failure)
{
    public static Outcome<T> Of(Func<T> work)
    {
        try
        {
            return new Outcome<T>(work(), null);
        }
        catch (RunException e)
        {
            return new Outcome<T>(default, e);
        }
    }
}
