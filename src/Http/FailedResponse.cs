using System.Net;
using Run.Http.Auth;
using Run.Reporting;

namespace Run.Http;

/// <summary>What an answer without a script means: which failure it is, whether it may pass, and what might help.</summary>
internal static class FailedResponse
{
    public const string ProxyPasswordHint = "the proxy's URL may hold a name and a password: http://user:password@proxy:port";

    /// <summary>The failure that an answer other than 200 and 304 stands for.</summary>
    public static Exception Failure(HttpResponseMessage response, Uri url, string shown)
    {
        var status = (int)response.StatusCode;
        var origin = Origin.Of(url);
        var said = $"{shown}: the server answers {status}{Name(response.StatusCode)}";
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound or HttpStatusCode.Gone =>
                new RunException(ExitStatus.NotFound, $"{shown}: no such script: the server answers {status}", PrivateHint(origin)),
            HttpStatusCode.Forbidden when IsRateLimit(response) =>
                new RunException(ExitStatus.Refused, $"{said}: too many requests", RateHint(origin)),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                new RunException(ExitStatus.Refused, said, PrivateHint(origin) ?? RefusedHint(origin)),
            HttpStatusCode.TooManyRequests => TransientException.Unavailable(said, RateHint(origin), After(response)),
            HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError =>
                TransientException.Unavailable(said, null, After(response)),
            HttpStatusCode.ProxyAuthenticationRequired =>
                new RunException(ExitStatus.Unavailable, $"{shown}: the proxy answers {status}", ProxyPasswordHint),
            HttpStatusCode.NoContent or HttpStatusCode.ResetContent => new RunException(ExitStatus.Data, $"{shown} is empty"),
            HttpStatusCode.PartialContent => new RunException(ExitStatus.Data, $"{shown}: the server sent a part of it only"),
            _ => new RunException(ExitStatus.Unavailable, said),
        };
    }

    /// <summary>How long the server asks to be left alone, in seconds or until a date; null where it does not say, or says "now".</summary>
    private static TimeSpan? After(HttpResponseMessage response)
    {
        var after = response.Headers.RetryAfter;
        var span = after?.Delta ?? (after?.Date - (response.Headers.Date ?? TimeProvider.System.GetUtcNow()));
        return span > TimeSpan.Zero ? span : null;
    }

    private static bool IsRateLimit(HttpResponseMessage response) =>
        response.Headers.RetryAfter is not null
        || (response.Headers.NonValidated.TryGetValues("x-ratelimit-remaining", out var left) && left.ToString() == "0");

    /// <summary>GitHub and GitLab say "not found" of what a stranger may not see.</summary>
    private static string? PrivateHint(Origin origin) => Credentials.TokenInUse(origin) is { } used
        ? $"the token in {used} may not be good for it"
        : TokenHint(origin);

    /// <summary>Which variable might help a host that takes a token and got none.</summary>
    public static string? TokenHint(Origin origin) =>
        Missing(origin) is { } variable ? $"if it is private, set {variable} to a token that may read it" : null;

    private static string? RateHint(Origin origin) =>
        Missing(origin) is { } variable ? $"with a token in {variable} the limit is higher" : null;

    private static string? Missing(Origin origin) => Credentials.TokenInUse(origin) is null ? Credentials.TokenVariable(origin) : null;

    private static string RefusedHint(Origin origin) =>
        $"a name and a password for {origin.Host} may stand in ~/.netrc, a header in the source's \"headers:\" in run.conf";

    private static string Name(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest => " (bad request)",
        HttpStatusCode.Unauthorized => " (unauthorized)",
        HttpStatusCode.Forbidden => " (forbidden)",
        HttpStatusCode.RequestTimeout => " (request timeout)",
        HttpStatusCode.TooManyRequests => " (too many requests)",
        HttpStatusCode.InternalServerError => " (internal server error)",
        HttpStatusCode.BadGateway => " (bad gateway)",
        HttpStatusCode.ServiceUnavailable => " (service unavailable)",
        HttpStatusCode.GatewayTimeout => " (gateway timeout)",
        _ => "",
    };
}
