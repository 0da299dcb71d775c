namespace Run.Caching;

/// <summary>Who has signed what is cached, as it was found when it was checked.</summary>
/// <param name="Signer">The principal that the file of signers has for the key, printable.</param>
/// <param name="Key">The key's fingerprint: <c>SHA256:…</c>.</param>
/// <param name="Signers">The digest of the file of signers.</param>
internal sealed record SignedBy(string Signer, string Key, string Signers)
{
    /// <summary>
    /// The signature in base64, so that it can be checked again when the file of signers has changed; null for a commit, whose signature is
    /// in the repository.
    /// </summary>
    public string? Signature { get; init; }

    /// <summary>Whether the signature is that of an annotated tag, and the commit may have none.</summary>
    public bool IsOfTag { get; init; }

    /// <summary>As messages show it.</summary>
    public override string ToString() => $"{Signer} ({Key})";
}
