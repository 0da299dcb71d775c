using Run.Naming;

namespace Run.Configuration;

/// <summary>What one file says.</summary>
/// <param name="Sources">By name.</param>
/// <param name="Interpreters">Commands by file extension, the dot included.</param>
internal sealed record ConfFile(IReadOnlyDictionary<string, Source> Sources, IReadOnlyDictionary<string, string> Interpreters);
