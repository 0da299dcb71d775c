namespace Run.Tests.Naming;

/// <summary>SCRIPT#sha256=HEX and --sha256 HEX: bytes with this digest are run, or nothing.</summary>
public sealed class DigestTests
{
    private const string One = "#!/bin/sh\necho one\n";
    private const string Two = "#!/bin/sh\necho two\n";
    private static readonly string s_one = DigestOf(One);
    private static readonly string s_two = DigestOf(Two);

    [Fact]
    public async Task The_bytes_with_that_digest_run_in_either_case()
    {
        await using var world = await World.Serving(("/x", One));
        await world.Run($"x#sha256={s_one}").Succeeds("one\n");
        await world.Run($"x#sha256={s_one.ToUpperInvariant()}").Succeeds("one\n");
        await world.Run($"{world.Server.Url}/x#sha256={s_one}").Succeeds("one\n");
        await world.Run("--sha256", s_one.ToUpperInvariant(), "x").Succeeds("one\n");
        await world.Run($"--sha256={s_one.ToUpperInvariant()}", $"x#sha256={s_one}").Succeeds("one\n");
        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Fact]
    public async Task Other_bytes_are_refused_and_not_kept()
    {
        await using var world = await World.Serving(("/x", Two));
        await world.Run($"x#sha256={s_one}").Fails(ExitStatus.Data, s_one, s_two);
        Assert.DoesNotContain(world.CachedFiles(), static path => File.ReadAllText(path).Contains("echo", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_copy_with_another_digest_is_fetched_anew()
    {
        await using var world = await World.Serving(("/x", One));
        await world.Run("x").Succeeds("one\n");
        world.Server["/x"] = Two;
        await world.Run($"x#sha256={s_two}").Succeeds("two\n");
        Assert.Equal(2, world.Server.Count("/x"));
    }

    [Fact]
    public async Task A_copy_is_kept_if_the_server_does_not_have_the_digest_either()
    {
        await using var world = await World.Serving(("/x", One));
        await world.Run("x").Succeeds("one\n");
        await world.Run($"x#sha256={s_two}").Fails(ExitStatus.Data, s_two);
        world.Server.Status("/x", 500);
        await world.Run("x").Succeeds("one\n");
    }

    [Fact]
    public async Task A_local_file_has_it_too()
    {
        using var box = new Sandbox();
        box.Put("x", One);
        await box.Run($"./x#sha256={s_one}").Succeeds("one\n");
        await box.Run("--sha256", s_one, "./x").Succeeds("one\n");
        await box.Run($"./x#sha256={s_two}").Fails(ExitStatus.Data, "./x", s_one, s_two);
        await box.Run("-v", $"./x#sha256={s_two}").Fails(ExitStatus.Data, s_two);
    }

    [Theory]
    [InlineData("x#sha256=")]
    [InlineData("x#sha256=0")]
    [InlineData("x#sha256=g123456789012345678901234567890123456789012345678901234567890123")]
    [InlineData("x#sha256=01234567890123456789012345678901234567890123456789012345678901234")]
    [InlineData("https://h/x#sha256=")]
    [InlineData("./x#sha256=xyz")]
    public async Task Anything_else_than_64_hexadecimal_digits(string script)
    {
        using var box = new Sandbox();
        await box.Run(script).Fails(ExitStatus.Usage, "SHA-256", "64");
    }

    [Fact]
    public async Task Two_that_differ()
    {
        await using var world = await World.Serving(("/x", One));
        await world.Run("--sha256", s_two, $"x#sha256={s_one}").Fails(ExitStatus.Usage, s_one, s_two);
        await world.Run($"x#sha256={s_two}#sha256={s_one}").Fails(ExitStatus.Usage, s_one, s_two);
        await world.Run("--sha256", s_two, "--sha256", s_one, "x").Fails(ExitStatus.Usage, s_one, s_two);
        Assert.Empty(world.Server.Requests);
    }

    /// <summary>What may be meant as a digest is never dropped, and never taken for a part of the name.</summary>
    [Theory]
    [InlineData("#sha256-{hex}", "#sha256=HEX")]
    [InlineData("#sha256%3d{hex}", "#sha256=HEX")]
    [InlineData("#sha256", "#sha256=HEX")]
    [InlineData("#SHA256 {hex}", "#sha256=HEX")]
    [InlineData("# {hex}", "#sha256=HEX")]
    [InlineData("#0123456789abcdef0123456789abcdef01234567", "#sha256=HEX")]
    [InlineData("#sha-256={hex}", "#sha256=HEX")]
    [InlineData("#sha512={hex}", "only #sha256=HEX and #tree=HEX are known")]
    [InlineData("#sha1-{hex}", "only #sha256=HEX and #tree=HEX are known")]
    [InlineData("#md5:0123", "only #sha256=HEX and #tree=HEX are known")]
    [InlineData("#tree-{hex}", "#tree=HEX")]
    [InlineData("#tree", "#tree=HEX")]
    public async Task Another_spelling_is_refused(string fragment, string hint)
    {
        await using var world = await World.Serving(("/x", One));
        fragment = fragment.Replace("{hex}", s_one, StringComparison.Ordinal);
        foreach (var script in (string[])["x", "default:x", $"{world.Server.Url}/x", "https://github.com/o/r/blob/main/x", "./x"])
        {
            await world.Run(script + fragment).Fails(ExitStatus.Usage, hint);
        }

        Assert.Equal(0, world.Server.Count("/x"));
    }

    [Theory]
    [InlineData("#")]
    [InlineData("#part")]
    [InlineData("#L10")]
    [InlineData("#checksum")]
    public async Task A_URL_of_no_page_has_no_other_fragment(string fragment)
    {
        await using var world = await World.Serving(("/x", One));
        await world.Run($"{world.Server.Url}/x{fragment}").Fails(ExitStatus.Usage, "only #sha256= and #tree= are allowed at the end");
        Assert.Equal(0, world.Server.Count("/x"));
    }

    [Fact]
    public async Task A_name_with_such_a_sign_that_is_no_digest_stays_one()
    {
        await using var world = await World.Serving(("/a%23b", One), ("/c%23shared", One));
        await world.Run("a#b").Succeeds("one\n");
        await world.Run("c#shared").Succeeds("one\n");
    }
}
