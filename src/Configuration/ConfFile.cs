using Run.Launching;
using Run.Naming;

namespace Run.Configuration;

/// <summary>The content of one run.conf.</summary>
/// <param name="Sources">Sources by name.</param>
/// <param name="Interpreters">Commands by file extension, including the dot.</param>
internal sealed record ConfFile(IReadOnlyDictionary<string, Source> Sources, IReadOnlyDictionary<string, string> Interpreters)
{
    /// <summary>Launchers by name.</summary>
    public IReadOnlyDictionary<string, Launcher> Launchers { get; init; } = new Dictionary<string, Launcher>();

    /// <summary>Places for locks that several machines share, by name.</summary>
    public IReadOnlyDictionary<string, LockPlace> Places { get; init; } = new Dictionary<string, LockPlace>();
}
