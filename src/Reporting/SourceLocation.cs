namespace Run.Reporting;

/// <summary>The location of a mistake in a file. Lines and columns are counted from 1.</summary>
internal readonly record struct SourceLocation(string File, long Line, long Column)
{
    public RunException Mistake(string what, string? hint = null) => new(ExitStatus.Configuration, $"{File}:{Line}:{Column}: {what}", hint);
}
