using Run.Naming;

namespace Run.Tests.Fetching;

/// <summary>URLs of pages, as they are copied from a browser, and the URLs of the scripts that those pages show.</summary>
public sealed class PageUrlTests
{
    [Theory]
    [InlineData("https://github.com/o/r/blob/main/a/x.sh", "https://raw.githubusercontent.com/o/r/main/a/x.sh")]
    [InlineData("https://github.com/o/r/blob/main/x.sh?plain=1#L10", "https://raw.githubusercontent.com/o/r/main/x.sh")]
    [InlineData("https://GitHub.com/o/r/blob/v1.0/x%20y.sh", "https://raw.githubusercontent.com/o/r/v1.0/x%20y.sh")]
    [InlineData("https://www.github.com/o/r/blob/main/x", "https://raw.githubusercontent.com/o/r/main/x")]
    [InlineData("https://me:pw@github.com/o/r/blob/main/x", "https://me:pw@raw.githubusercontent.com/o/r/main/x")]
    [InlineData(
        "https://gist.github.com/me/0123456789abcdef0123456789abcdef",
        "https://gist.githubusercontent.com/me/0123456789abcdef0123456789abcdef/raw")]
    [InlineData("https://gist.github.com/0123456789abcdef0123456789abcdef", "https://gist.github.com/0123456789abcdef0123456789abcdef/raw")]
    [InlineData(
        "https://gist.github.com/me/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef01234567",
        "https://gist.githubusercontent.com/me/0123456789abcdef0123456789abcdef/raw/0123456789abcdef0123456789abcdef01234567")]
    [InlineData("https://gitlab.com/g/sub/r/-/blob/main/a/x.sh?ref_type=heads", "https://gitlab.com/g/sub/r/-/raw/main/a/x.sh")]
    [InlineData("https://git.example.com:8443/g/r/-/blob/main/x.sh", "https://git.example.com:8443/g/r/-/raw/main/x.sh")]
    [InlineData("https://bitbucket.org/o/r/src/main/a/x.sh?at=main", "https://bitbucket.org/o/r/raw/main/a/x.sh")]
    [InlineData("https://codeberg.org/o/r/src/branch/main/a/x.sh", "https://codeberg.org/o/r/raw/branch/main/a/x.sh")]
    [InlineData("https://codeberg.org/o/r/blob/main/x.sh", "https://codeberg.org/o/r/raw/main/x.sh")]
    [InlineData("https://git.example.com/o/r/src/tag/v1/x.sh", "https://git.example.com/o/r/raw/tag/v1/x.sh")]
    [InlineData("https://git.example.com/o/r/src/commit/0123abc/x.sh", "https://git.example.com/o/r/raw/commit/0123abc/x.sh")]
    public void A_page_that_shows_a_script_is_turned_into_the_script(string page, string script) =>
        Assert.Equal(script, RawUrl.ToRaw(page));

    /// <summary>Its first file is another one.</summary>
    [Theory]
    [InlineData("me/0123456789abcdef0123456789abcdef#file-x-sh", "gist:me/0123456789abcdef0123456789abcdef/FILE")]
    [InlineData("me/0123456789abcdef0123456789abcdef#file-x-sh-L10", "gist:me/0123456789abcdef0123456789abcdef/FILE")]
    [InlineData("0123456789abcdef0123456789abcdef#file-x-sh", "gist:OWNER/0123456789abcdef0123456789abcdef/FILE")]
    [InlineData(
        "me/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef01234567#file-x-sh",
        "https://gist.githubusercontent.com/me/0123456789abcdef0123456789abcdef/raw/0123456789abcdef0123456789abcdef01234567/FILE")]
    public async Task The_anchor_of_a_file_in_a_gist_is_not_dropped(string page, string meant)
    {
        await using var world = await World.Serving();
        await world.Run("--offline", "https://gist.github.com/" + page)
            .Expect(64, "", $"run: https://gist.github.com/{page.Split('#')[0]}: the page of a gist, which may have several files\n"
                + $"     name the file: {meant}\n");
    }

    [Theory]
    [InlineData("https://gist.github.com/me/0123456789abcdef0123456789abcdef")]
    [InlineData("https://gist.github.com/me/0123456789abcdef0123456789abcdef#gistcomment-1")]
    [InlineData("https://github.com/o/r/blob/main/x.sh#L10-L20")]
    public async Task Other_places_on_a_page_say_nothing(string page)
    {
        await using var world = await World.Serving();
        await world.Run("--offline", page).Fails(ExitStatus.Unavailable, "not cached");
    }

    [Theory]
    [InlineData("https://raw.githubusercontent.com/o/r/main/blob/main/x.sh")]
    [InlineData("https://github.com/o/r/raw/main/x.sh?token=t")]
    [InlineData("https://github.com/o/r/releases/download/v1/x.sh")]
    [InlineData("https://github.com/o/r/blob/main")]
    [InlineData("https://gist.github.com/me/notes")]
    [InlineData("https://gist.githubusercontent.com/me/0123456789abcdef0123456789abcdef/raw/x.sh")]
    [InlineData("https://gitlab.com/g/r/-/raw/main/x.sh")]
    [InlineData("https://bitbucket.org/o/r/raw/main/x.sh")]
    [InlineData("https://example.com/o/r/blob/main/x.sh")]
    [InlineData("https://example.com/o/r/src/main/x.sh?a=b")]
    [InlineData("https://example.com/src/x.sh")]
    [InlineData("https://example.com")]
    public void Any_other_URL_stays_as_it_is(string url) => Assert.Equal(url, RawUrl.ToRaw(url));
}
