namespace Run.Http;

/// <summary>What is to be fetched, and what may be told to whom in order to get it.</summary>
/// <param name="Url">An absolute http or https URL, percent-encoded. User name and password in it go to its own origin alone.</param>
/// <param name="Mirrors">URLs of the same script, asked in this order after the last try of <paramref name="Url"/>.</param>
/// <param name="Headers">The source's own header fields, variables filled in: for the origin of <paramref name="Url"/> alone.</param>
/// <param name="PlainHttpAllowed">The source says <c>plain-http: allow</c>.</param>
/// <param name="Digest">
/// The digest that the caller will insist on, in lower case: then plain http can do no harm, nor can a body whose end is unknown.
/// </param>
/// <param name="ETag">The validator of the copy that is there; null: none.</param>
/// <param name="LastModified">As <paramref name="ETag"/>. Without either, the request is unconditional.</param>
internal sealed record FetchRequest(
    string Url,
    IReadOnlyList<string> Mirrors,
    IReadOnlyList<KeyValuePair<string, string>> Headers,
    bool PlainHttpAllowed,
    string? Digest,
    string? ETag,
    string? LastModified);
