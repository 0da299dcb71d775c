using Run.Naming;
using Run.Reporting;

namespace Run.Configuration;

/// <summary>What one file says.</summary>
/// <param name="Sources">By name.</param>
/// <param name="Interpreters">Commands by file extension, the dot included.</param>
internal sealed record ConfFile(IReadOnlyDictionary<string, Source> Sources, IReadOnlyDictionary<string, string> Interpreters);

/// <summary>A place in a file, counted from 1, and the mistake that is there.</summary>
internal readonly record struct SourceLocation(string File, long Line, long Column)
{
    public RunException Mistake(string what, string? hint = null) => new(ExitStatus.Configuration, $"{File}:{Line}:{Column}: {what}", hint);
}
