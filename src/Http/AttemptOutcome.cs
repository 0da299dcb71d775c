using Run.Reporting;

namespace Run.Http;

/// <summary>How one try ended: with a result, or with a failure that is final or may be transient.</summary>
/// <param name="After">How long the server asks to wait before the next try (Retry-After); null if it does not say.</param>
internal sealed record AttemptOutcome(FetchResult? Result, RunException? Failure = null, bool MayPass = false, TimeSpan? After = null)
{
    public static async Task<AttemptOutcome> OfAsync(Func<Task<FetchResult>> attempt)
    {
        try
        {
            return new AttemptOutcome(await attempt().ConfigureAwait(false));
        }
        catch (TransientException e)
        {
            return new AttemptOutcome(null, e.Verdict, MayPass: true, e.After);
        }
        catch (RunException e)
        {
            return new AttemptOutcome(null, e);
        }
    }
}
