using Polly;
using Polly.Retry;
using Run.Reporting;
using static System.FormattableString;

namespace Run.Http;

/// <summary>Tries one URL until a try succeeds, fails for good, or the tries or the time for them are used up.</summary>
internal static class Retries
{
    /// <param name="shown">The URL as messages name it.</param>
    public static async Task<AttemptOutcome> RunAsync(Func<Task<FetchResult>> attempt, string shown, Deadline deadline)
    {
        var number = 1;
        var outcome = await TryAsync().ConfigureAwait(false);
        if (!IsWorthAnother(outcome, deadline))
        {
            return Final(outcome, deadline);
        }

        // Only now, because to build a pipeline takes as long as a whole fetch on loopback, and few fetches need one. It is handed
        // the outcome of the first try in place of its own first.
        var first = outcome;
        outcome = await Pipeline(shown, deadline).ExecuteAsync(
            async _ =>
            {
                if (first is { } had)
                {
                    first = null;
                    return had;
                }

                number++;
                return outcome = deadline.HasPassed ? outcome : await TryAsync().ConfigureAwait(false);
            }).ConfigureAwait(false);
        return Final(outcome, deadline);

        async Task<AttemptOutcome> TryAsync()
        {
            var had = await AttemptOutcome.OfAsync(attempt).ConfigureAwait(false);
            Messages.Step(() => $"try {number} of {shown}: {Said(had)}");
            return had;
        }
    }

    private static ResiliencePipeline<AttemptOutcome> Pipeline(string shown, Deadline deadline) => new ResiliencePipelineBuilder<AttemptOutcome>()
        .AddRetry(new RetryStrategyOptions<AttemptOutcome>
        {
            MaxRetryAttempts = Limits.Tries - 1,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = Limits.FirstPause,
            MaxDelay = Limits.LongestPause,
            ShouldHandle = tried => ValueTask.FromResult(tried.Outcome.Result is { } outcome && IsWorthAnother(outcome, deadline)),
            DelayGenerator = static tried => ValueTask.FromResult(tried.Outcome.Result?.After),
            OnRetry = tried =>
            {
                Messages.Step(() => Invariant($"{shown}: the next try in {tried.RetryDelay.TotalSeconds:0.0} s"));
                return ValueTask.CompletedTask;
            },
        })
        .Build();

    private static bool IsWorthAnother(AttemptOutcome outcome, Deadline deadline) =>
        outcome.MayPass && !deadline.HasPassed && !(outcome.After > deadline.Left);

    /// <summary>A server that wants to be left alone for longer than anybody waits has given its answer.</summary>
    private static AttemptOutcome Final(AttemptOutcome outcome, Deadline deadline)
    {
        if (outcome is not { MayPass: true, After: { } after, Failure: { } failure } || after <= deadline.Left)
        {
            return outcome;
        }

        var wish = Invariant($"and wants to be asked again after {after.TotalSeconds:0} seconds, which is longer than run waits");
        return outcome with { Failure = new RunException(failure.Status, $"{failure.Message}, {wish}", failure.Hint) };
    }

    private static string Said(AttemptOutcome outcome) => outcome switch
    {
        { Failure: { } failure } => failure.Message,
        { Result: { NotModified: true } } => "not modified",
        { Result: { } result } => $"{result.Size} bytes, sha256:{result.Sha256}",
        _ => "",
    };
}
