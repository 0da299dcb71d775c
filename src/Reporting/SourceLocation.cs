namespace Run.Reporting;

/// <summary>A place in a file that has a mistake. Lines and columns are counted from 1.</summary>
internal readonly record struct SourceLocation(string File, long Line, long Column)
{
    public RunException Mistake(string what, string? hint = null) => new(ExitStatus.Configuration, $"{File}:{Line}:{Column}: {what}", hint);
}
