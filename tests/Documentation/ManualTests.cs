namespace Run.Tests.Documentation;

/// <summary>The manual page, as the two programs that show manual pages see it.</summary>
public sealed class ManualTests
{
    [Fact]
    [Needs("mandoc", "man")]
    public async Task Neither_mandoc_nor_man_has_anything_to_warn_of()
    {
        using var box = new Sandbox();
        var page = Path.Combine(Suite.Repository, "docs/run.1");
        await box.Exec("mandoc", "-T", "lint", "-W", "warning", page).Succeeds("");
        var shown = await box.Exec("man", "--pager=cat", "--warnings=all", "--local-file", page).Env("MANWIDTH", "80").Result();
        shown.Check(shown is { Status: 0, Stderr: "" } && shown.Stdout.Length > 10_000, "a page without a warning");
    }

    [Fact]
    [Needs("mandoc")]
    public async Task It_has_the_sections_that_a_reader_looks_for()
    {
        using var box = new Sandbox();
        var shown = (await box.Exec("mandoc", "-T", "ascii", Path.Combine(Suite.Repository, "docs/run.1")).Result()).Stdout;
        var plain = string.Concat(shown.Select((c, i) => c == '\b' || (i + 1 < shown.Length && shown[i + 1] == '\b') ? "" : c.ToString()));
        var at = -1;
        string[] sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO", "HISTORY"];
        foreach (var section in sections)
        {
            var next = plain.IndexOf($"\n{section}\n", StringComparison.Ordinal);
            Assert.True(next > at, section);
            at = next;
        }
    }
}
