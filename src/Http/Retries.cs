using Polly;
using Polly.Retry;
using Run.Reporting;
using static System.FormattableString;

namespace Run.Http;

/// <summary>Tries one URL until a try succeeds or fails permanently, or until there are no tries or no time left.</summary>
internal static class Retries
{
    /// <param name="shown">The URL as messages show it.</param>
    public static async Task<AttemptOutcome> RunAsync(Func<Task<FetchResult>> attempt, string shown, Deadline deadline)
    {
        var number = 1;
        var outcome = await TryAsync().ConfigureAwait(false);
        if (!IsWorthAnother(outcome, deadline))
        {
            return Final(outcome, deadline);
        }

        // Built only now, because building a pipeline takes as long as a whole fetch on loopback, and few fetches need one. The outcome of
        // the first try is passed to it in place of its own first try.
        var first = outcome;
        outcome = await Pipeline(shown, deadline).ExecuteAsync(
            async _ =>
            {
                if (first is { } earlier)
                {
                    first = null;
                    return earlier;
                }

                number++;
                return outcome = deadline.HasPassed ? outcome : await TryAsync().ConfigureAwait(false);
            }).ConfigureAwait(false);
        return Final(outcome, deadline);

        async Task<AttemptOutcome> TryAsync()
        {
            var result = await AttemptOutcome.OfAsync(attempt).ConfigureAwait(false);
            Messages.Step(() => $"try {number} of {shown}: {Describe(result)}");
            return result;
        }
    }

    private static ResiliencePipeline<AttemptOutcome> Pipeline(string shown, Deadline deadline) =>
        new ResiliencePipelineBuilder<AttemptOutcome>()
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
                    Messages.Step(() => Invariant($"{shown}: next try in {tried.RetryDelay.TotalSeconds:0.0} s"));
                    return ValueTask.CompletedTask;
                },
            })
            .Build();

    private static bool IsWorthAnother(AttemptOutcome outcome, Deadline deadline) =>
        outcome.MayPass && !deadline.HasPassed && !(outcome.After > deadline.Left);

    /// <summary>If the server's Retry-After is beyond the deadline, the failure is final, and its message says why.</summary>
    private static AttemptOutcome Final(AttemptOutcome outcome, Deadline deadline)
    {
        if (outcome is not { MayPass: true, After: { } after, Failure: { } failure } || after <= deadline.Left)
        {
            return outcome;
        }

        var wait = Invariant($"and asks to retry after {after.TotalSeconds:0} seconds, which is longer than run waits");
        return outcome with { Failure = new RunException(failure.Status, $"{failure.Message}, {wait}", failure.Hint) { MayPass = true } };
    }

    private static string Describe(AttemptOutcome outcome) => outcome switch
    {
        { Failure: { } failure } => failure.Message,
        { Result: { NotModified: true } } => "not modified",
        { Result: { } result } => $"{result.Size} bytes, sha256:{result.Sha256}",
        _ => "",
    };
}
