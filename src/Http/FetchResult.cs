namespace Run.Http;

/// <summary>The result of a fetch: a complete body, or the server's answer that the copy is current.</summary>
/// <param name="NotModified">Whether the server answered 304; then there is no body and no digest.</param>
/// <param name="Sha256">The digest of the decoded body.</param>
/// <param name="Size">The length of the decoded body, in bytes.</param>
/// <param name="ETag">For the next request.</param>
/// <param name="LastModified">For the next request.</param>
/// <param name="ServedBy">The URL of the body after all redirects, without secrets, so that it can be shown and stored.</param>
internal sealed record FetchResult(bool NotModified, string Sha256, long Size, string? ETag, string? LastModified, string ServedBy)
{
    /// <summary>The URL of the request that it answers: that of the script, or that of the mirror which had it.</summary>
    public string Url { get; init; } = "";
}
