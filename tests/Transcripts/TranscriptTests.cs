namespace Run.Tests.Transcripts;

/// <summary>How options are written, which go together, and what the message is if they do not. Each file has one topic.</summary>
public sealed class TranscriptTests
{
    private static readonly string s_directory = Path.Combine(Suite.Repository, "tests", "Transcripts");

    public static TheoryData<string> Themes =>
        [.. Directory.EnumerateFiles(s_directory, "*.txt").Select(static path => Path.GetFileNameWithoutExtension(path)!)
            .Where(static name => !name.EndsWith(".received", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Themes))]
    public async Task The_session_is_the_one_in_the_file(string theme) =>
        await Transcript.Replay(Path.Combine(s_directory, theme + ".txt"));
}
