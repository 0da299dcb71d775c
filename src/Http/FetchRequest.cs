namespace Run.Http;

/// <summary>What to fetch, and which secrets may be sent to get it.</summary>
/// <param name="Url">An absolute http or https URL, percent-encoded. Its user name and password are sent only to its own origin.</param>
/// <param name="Mirrors">URLs of the same script, tried in this order after the last try of <paramref name="Url"/>.</param>
/// <param name="Headers">The source's header fields, with variables expanded; sent only to the origin of <paramref name="Url"/>.</param>
/// <param name="PlainHttpAllowed">Whether the source says <c>plain-http: allow</c>.</param>
/// <param name="Digest">
/// The digest that the caller requires, in lower case. It makes plain http safe, and a body whose end is unknown.
/// </param>
/// <param name="ETag">The validator of the cached copy; null: none.</param>
/// <param name="LastModified">As <paramref name="ETag"/>. Without either, the request is unconditional.</param>
internal sealed record FetchRequest(
    string Url,
    IReadOnlyList<string> Mirrors,
    IReadOnlyList<KeyValuePair<string, string>> Headers,
    bool PlainHttpAllowed,
    string? Digest,
    string? ETag,
    string? LastModified)
{
    /// <summary>
    /// Whether the bytes are an archive, and wanted as the server has them: not compressed once more for the way, nor decoded.
    /// </summary>
    public bool AsItIs { get; init; }

    /// <summary>
    /// Whether the caller knows in another way than by <see cref="Digest"/> which bytes are the right ones, and refuses others.
    /// </summary>
    public bool IsKnown { get; init; }
}
