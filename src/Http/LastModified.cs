using System.Globalization;

namespace Run.Http;

/// <summary>The date to ask with next time (<c>If-Modified-Since</c>), from an answer's <c>Last-Modified</c>.</summary>
internal static class LastModified
{
    private static readonly TimeSpan s_unit = TimeSpan.FromSeconds(1);

    /// <summary>
    /// As the server wrote it, unless the bytes can still have changed without a change of the date. It has whole seconds, so a date is
    /// only a strong validator if it is earlier than the answer's (RFC 9110, section 8.8.2.2). One second earlier does not count yet:
    /// Linux takes a file's time from a clock that is some milliseconds behind, so what is written in this second can have a time in the
    /// last one.
    /// </summary>
    /// <remarks>
    /// In the other case it is one second less, the least by which two of these dates can differ. Then whatever the server has with that
    /// date or a later one counts as modified, and is sent. By that time its date is usually in the past, and is kept as it is.
    /// </remarks>
    /// <param name="asWritten">The header field; null: none.</param>
    /// <param name="hasETag">Whether an <c>ETag</c> is sent along. Then servers ignore the date.</param>
    /// <returns>Null if the next request must not depend on a date.</returns>
    public static string? ToAskWith(string? asWritten, HttpResponseMessage response, bool hasETag)
    {
        // What is not a date is compared as it is, if at all.
        if (asWritten is null || hasETag || response.Content.Headers.LastModified is not { } modified)
        {
            return asWritten;
        }

        var now = response.Headers.Date ?? TimeProvider.System.GetUtcNow();
        return modified - now < -s_unit ? asWritten
            : modified - DateTimeOffset.MinValue < s_unit ? null
            : (modified - s_unit).ToString("r", CultureInfo.InvariantCulture);
    }
}
