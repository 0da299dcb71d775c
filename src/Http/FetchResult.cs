namespace Run.Http;

/// <summary>What came of a fetch: a whole body, or the word that the copy is still good.</summary>
/// <param name="NotModified">The server said so (304); there is no body then, and no digest.</param>
/// <param name="Sha256">The digest of the decoded body.</param>
/// <param name="Size">The length of the decoded body.</param>
/// <param name="ETag">For the next time.</param>
/// <param name="LastModified">For the next time.</param>
/// <param name="ServedBy">The URL that the body came from at last, fit to be shown and stored.</param>
internal sealed record FetchResult(bool NotModified, string Sha256, long Size, string? ETag, string? LastModified, string ServedBy);
