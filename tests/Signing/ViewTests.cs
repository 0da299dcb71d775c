using Run.Tests.Trees;

namespace Run.Tests.Signing;

/// <summary>
/// <c>--view</c> of sources with <c>signers:</c>: what nobody has signed may be looked at, but not what nobody has asked for.
/// </summary>
[Needs("ssh-keygen")]
public sealed class ViewTests
{
    private static readonly string s_other = new('0', 64);

    [Theory]
    [InlineData("trust: always")]
    [InlineData("trust: ask")]
    public async Task Bytes_of_another_digest_are_not_shown_whoever_has_signed_them(string key)
    {
        await using var world = await World.Serving();
        var (alice, mallory) = (world.OnlySigner("alice", key), new Signer(world, "mallory"));
        foreach (var signer in (Signer[])[alice, mallory])
        {
            world.Server.Signed("/x", Saying("one"), signer);
            await world.Run("--view", "--sha256", s_other, "x").Fails(ExitStatus.Data, s_other, DigestOf(Saying("one")));
        }

        world.Put("run.pins", $"x {world.Server.Url}/x sha256:{s_other}\n", executable: false);
        await world.Run("--view", "x").Fails(ExitStatus.Data, "does not match the pin");
    }

    [Fact]
    public async Task A_tree_of_another_digest_is_not_shown()
    {
        await using var world = await World.Serving();
        world.SignedSource("ar", $"{world.Server.Url}/t.tar.gz//bin/%s");
        world.Allow(new Signer(world, "alice").Line());
        world.Server.Archive("/t.tar.gz", Packed.TarGz(Packed.Tools("one")));
        await world.Run("--view", $"ar:deploy#tree={s_other}").Fails(ExitStatus.Data, $"expected tree {s_other}");
        var shown = await world.Run("--view", "ar:deploy").Result();
        shown.Is(0, Packed.Deploy, shown.Stderr);
        Assert.Contains("not signed", shown.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_in_another_way_is_not_fetched_again()
    {
        await using var world = await World.Serving();
        _ = world.OnlySigner("alice");
        world.Server["/x"] = "<!DOCTYPE html><html><body>x</body></html>\n";
        await world.Run("--view", "x").Fails(ExitStatus.Data, "web page");
        Assert.Equal(1, world.Server.Count("/x"));
    }

    [Theory]
    [InlineData("trust: always")]
    [InlineData("trust: ask")]
    public async Task A_copy_whose_signer_was_struck_off_is_shown_with_a_note(string key)
    {
        await using var world = await World.Serving();
        var (alice, bob) = (world.OnlySigner("alice"), new Signer(world, "bob"));
        world.Server.Signed("/x", Saying("signed"), alice);
        await world.Run("x").Succeeds("signed\n");
        world.SourceWith("signers: ~/signers", key);
        world.Allow(bob.Line());
        foreach (var arguments in (string[][])[["--view", "x"], ["--offline", "--view", "x"]])
        {
            var shown = await world.Run(arguments).Result();
            shown.Is(0, Saying("signed"), shown.Stderr);
            Assert.Contains(alice.Fingerprint, shown.Stderr, StringComparison.Ordinal);
        }

        Assert.Equal(1, world.Server.Count("/x"));
        await world.Run("--offline", "x").Fails(ExitStatus.Data, alice.Fingerprint);
    }
}
