using Run.Caching;


namespace Run.Inputs;

/// <summary>A file that decided something, as it was when it was read.</summary>
/// <param name="Path">Where it was looked for.</param>
/// <param name="Look">What was there; null for nothing.</param>
internal readonly record struct Observed(string Path, FileStamp? Look);
