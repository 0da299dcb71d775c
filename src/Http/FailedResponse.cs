using System.Globalization;
using System.Net;
using Run.Http.Auth;
using Run.Reporting;

namespace Run.Http;

/// <summary>What an answer without a script means: which failure it is, whether it may be transient, and what might help.</summary>
internal static class FailedResponse
{
    public const string ProxyPasswordHint = "put the user and password into the proxy's URL: http://user:password@proxy:port";

    /// <summary>The failure that an answer other than 200 and 304 means.</summary>
    public static Exception Failure(HttpResponseMessage response, Uri url, string shown)
    {
        var status = (int)response.StatusCode;
        var origin = Origin.Of(url);
        var message = $"{shown}: the server answered {status}{Name(response.StatusCode)}";
        return response.StatusCode switch
        {
            HttpStatusCode.NotFound or HttpStatusCode.Gone =>
                new RunException(ExitStatus.NotFound, $"{shown}: not found ({status})", PrivateHint(origin)),
            HttpStatusCode.Forbidden when IsRateLimit(response) =>
                new RunException(ExitStatus.Refused, $"{message}: too many requests{Later(response)}", RateHint(origin)),
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                new RunException(ExitStatus.Refused, message, PrivateHint(origin) ?? RefusedHint(origin)),
            HttpStatusCode.TooManyRequests => TransientException.Unavailable(message, RateHint(origin), After(response)),
            HttpStatusCode.RequestTimeout or >= HttpStatusCode.InternalServerError =>
                TransientException.Unavailable(message, null, After(response)),
            HttpStatusCode.ProxyAuthenticationRequired =>
                new RunException(ExitStatus.Unavailable, $"{shown}: the proxy asks for a password ({status})", ProxyPasswordHint),
            HttpStatusCode.NoContent or HttpStatusCode.ResetContent => new RunException(ExitStatus.Data, $"{shown} is empty"),
            HttpStatusCode.PartialContent => new RunException(ExitStatus.Data, $"{shown}: the server sent only a part of it"),
            _ => new RunException(ExitStatus.Unavailable, message),
        };
    }

    /// <summary>Retry-After, in seconds or as a date (RFC 9110, section 10.2.3); null if it is missing or not in the future.</summary>
    private static TimeSpan? After(HttpResponseMessage response)
    {
        var after = response.Headers.RetryAfter;
        var span = after?.Delta ?? (after?.Date - (response.Headers.Date ?? TimeProvider.System.GetUtcNow())) ?? ManySeconds(response);
        return span > TimeSpan.Zero ? span : null;
    }

    /// <summary>More seconds than .NET reads, which are 68 years.</summary>
    private static TimeSpan? ManySeconds(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("Retry-After", out var values)
            && double.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerSecond))
            : null;

    private static string Later(HttpResponseMessage response) =>
        After(response) is { } after ? System.FormattableString.Invariant($", and asks to retry after {after.TotalSeconds:0} seconds") : "";

    private static bool IsRateLimit(HttpResponseMessage response) =>
        response.Headers.NonValidated.Contains("Retry-After")
        || (response.Headers.NonValidated.TryGetValues("x-ratelimit-remaining", out var left) && left.ToString() == "0");

    /// <summary>GitHub and GitLab answer "not found" for what this user is not allowed to see.</summary>
    private static string? PrivateHint(Origin origin) => Credentials.TokenInUse(origin) is { } used
        ? $"the token in {used} may not give access to it"
        : TokenHint(origin);

    /// <summary>Names the variable that might help, if the host accepts a token and got none.</summary>
    public static string? TokenHint(Origin origin) =>
        Missing(origin) is { } variable ? $"if it is private, set {variable} to a token that can read it" : null;

    private static string? RateHint(Origin origin) =>
        Missing(origin) is { } variable ? $"set {variable} to a token for a higher limit" : null;

    private static string? Missing(Origin origin) => Credentials.TokenInUse(origin) is null ? Credentials.TokenVariable(origin) : null;

    private static string RefusedHint(Origin origin) =>
        $"put credentials for {origin.Host} in ~/.netrc, or a header under the source's \"headers:\" in run.conf";

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
