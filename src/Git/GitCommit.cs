namespace Run.Git;

/// <summary>What a ref stood for when it was fetched.</summary>
/// <param name="Commit">The commit's name, all of it, in lower case.</param>
/// <param name="Tag">The name of the tag object, if the ref is an annotated tag: that is what its signature is in. Else null.</param>
internal sealed record GitCommit(string Commit, string? Tag);
