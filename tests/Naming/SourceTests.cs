namespace Run.Tests.Naming;

/// <summary>SOURCE:PATH, and the URL that it stands for.</summary>
public sealed class SourceTests
{
    [Theory]
    [InlineData("pt-summary", "https://raw.githubusercontent.com/runscripts/scripts/HEAD/pt-summary")]
    [InlineData("default:pt-summary", "https://raw.githubusercontent.com/runscripts/scripts/HEAD/pt-summary")]
    [InlineData("net/tools/ping-all", "https://raw.githubusercontent.com/runscripts/scripts/HEAD/net/tools/ping-all")]
    [InlineData("pt-summary@v1", "https://raw.githubusercontent.com/runscripts/scripts/v1/pt-summary")]
    [InlineData("github:o/r/bin/tool", "https://raw.githubusercontent.com/o/r/HEAD/bin/tool")]
    [InlineData("gitlab:o/r/tool@main", "https://gitlab.com/o/r/-/raw/main/tool")]
    [InlineData("bitbucket:o/r/tool", "https://bitbucket.org/o/r/raw/HEAD/tool")]
    [InlineData("codeberg:o/r/tool@v2", "https://codeberg.org/o/r/raw/v2/tool")]
    [InlineData("gist:user/0123456789/tool", "https://gist.githubusercontent.com/user/0123456789/raw/tool")]
    public Task Without_a_file_the_sources_that_are_built_in_just_work(string script, string url) => StandsFor(script, url);

    [Theory]
    [InlineData("one:a", "https://h/a")]
    [InlineData("one:a/b/c", "https://h/a/b/c")]
    [InlineData("two:a/b", "https://h/a/-/b")]
    [InlineData("two:a/b/c/d", "https://h/a/-/b/c/d")]
    [InlineData("three:a/b/c", "https://h/a/b/raw/c")]
    [InlineData("three:a/b/c/d", "https://h/a/b/raw/c/d")]
    [InlineData("query:a/b", "https://h/get?file=***")]
    [InlineData("host:eu/a", "https://eu.h/a")]
    [InlineData("A-1_x.y:a", "https://h/a")]
    [InlineData("a/b:c", "https://d/a/b:c")]
    public Task As_many_parts_as_the_pattern_has_places_and_the_last_takes_the_rest(string script, string url) => StandsFor(script, url, """
        sources:
          default: https://d/%s
          one: https://h/%s
          two: https://h/%s/-/%s
          three: https://h/%s/%s/raw/%s
          query: https://h/get?file=%s
          host: https://%s.h/%s
          A-1_x.y: https://h/%s
        """);

    [Theory]
    [InlineData("with:a", "https://h/main/a")]
    [InlineData("with:a@v1", "https://h/v1/a")]
    [InlineData("with:a@feature/x/y", "https://h/feature/x/y/a")]
    [InlineData("with:a/b@c@d", "https://h/d/a/b@c")]
    [InlineData("with:a@b c%", "https://h/b%20c%25/a")]
    [InlineData("twice:a@v1", "https://h/v1/a?at=***")]
    [InlineData("head:a", "https://h/HEAD/a")]
    [InlineData("without:a@v1", "https://h/a@v1")]
    [InlineData("without:a@", "https://h/a@")]
    public Task After_the_last_at_sign_comes_the_ref_if_the_pattern_has_a_place_for_it(string script, string url) =>
        StandsFor(script, url, """
            sources:
              with: {url: "https://h/{ref}/%s", ref: main}
              twice: https://h/{ref}/%s?at={ref}
              head: https://h/{ref}/%s
              without: https://h/%s
            """);

    [Theory]
    [InlineData("github:x", "OWNER/REPO/PATH")]
    [InlineData("github:o/r", "OWNER/REPO/PATH")]
    [InlineData("github:o/r@v1", "OWNER/REPO/PATH")]
    [InlineData("github:", "OWNER/REPO/PATH")]
    [InlineData("default:", "PATH")]
    public async Task Too_few_parts_is_told_with_what_the_source_expects(string script, string shape)
    {
        using var box = new Sandbox();
        await box.Run(script).Fails(ExitStatus.Usage, $"{script.Split(':')[0]}: expects {shape}");
    }

    [Theory]
    [InlineData("github:o/r/a@")]
    [InlineData("a@")]
    public async Task An_at_sign_without_a_ref_after_it(string script)
    {
        using var box = new Sandbox();
        await box.Run(script).Fails(ExitStatus.Usage, script);
    }

    [Theory]
    [InlineData("gihub:o/r/a", "github")]
    [InlineData("defualt:a", "default")]
    [InlineData("op:a", "ops")]
    public async Task An_unknown_source_is_told_with_the_nearest_name(string script, string nearest)
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  ops: https://h/%s\n");
        await box.Run(script).Fails(ExitStatus.Usage, $"{script.Split(':')[0]}: no such source", $"did you mean {nearest}:?");
    }

    [Fact]
    public async Task An_unknown_source_similar_to_none_is_told_with_a_list_of_all()
    {
        using var box = new Sandbox();
        box.Conf("sources:\n  ops: https://h/%s\n");
        await box.Run("something:a").Fails(ExitStatus.Usage, "something: no such source", "ops", "github");
    }

    [Theory]
    [InlineData(":x")]
    [InlineData("-x:y")]
    [InlineData(".x:y")]
    [InlineData("a b:c")]
    [InlineData("ä:c")]
    [InlineData("a@b:c")]
    public async Task What_cannot_be_the_name_of_a_source(string script)
    {
        using var box = new Sandbox();
        await box.Run("--", script).Fails(ExitStatus.Usage, script);
    }

    private static async Task StandsFor(string script, string url, string? conf = null)
    {
        using var box = new Sandbox();
        if (conf is not null)
        {
            box.Conf(conf);
        }

        Assert.Equal(url, (await WouldRun.Of(box, script)).Url);
    }
}
