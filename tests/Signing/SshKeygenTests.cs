using System.Diagnostics;
using System.Text.Json;

namespace Run.Tests.Signing;

/// <summary>What ssh-keygen answers, and that it may not be able to.</summary>
[Needs("ssh-keygen")]
public sealed class SshKeygenTests
{
    [Theory]
    [InlineData("exit 3", "it has ended with status 3")]
    [InlineData("echo 'No user exists for uid 54321' >&2; exit 255", "No user exists for uid 54321")]
    [InlineData("echo 'error while loading shared libraries: libcrypto.so.3' >&2; exit 127", "error while loading shared libraries")]
    [InlineData("[ \"$2\" = verify ] && { echo 'Could not verify signature.'; exit 255; }; exit 1", "it has ended with status 1")]
    public async Task If_it_fails_nobody_is_said_to_be_no_signer(string stub, string words)
    {
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        world.Server.Signed("/x", Saying("signed"), alice);
        world.Put($"{world.Bin}/ssh-keygen", $"#!/bin/sh\n{stub}\n");
        var result = await world.Run("x").Result();
        result.Failed((int)ExitStatus.Unavailable, "ssh-keygen cannot be used", words);
        Assert.DoesNotContain("does not name", result.Stderr, StringComparison.Ordinal);
        File.Delete($"{world.Bin}/ssh-keygen");
        await world.Run("x").Succeeds("signed\n");
    }

    [RootFact]
    public async Task A_user_without_an_entry_in_the_list_of_users_is_told_so()
    {
        const int Nameless = 54321;
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        world.Server.Signed("/x", Saying("signed"), alice);
        world.GiveTo(Nameless);
        await world.Run("x").As(Nameless).Fails(ExitStatus.Unavailable, "ssh-keygen cannot be used: No user exists for uid 54321");
    }

    [Fact]
    public async Task If_it_hangs_it_is_ended_with_all_that_it_has_started()
    {
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        world.Server.Signed("/x", Saying("signed"), alice);
        world.Put($"{world.Bin}/ssh-keygen", $"#!/bin/sh\nsleep 1234 & echo $! >>{world.Root}/ids; echo $$ >>{world.Root}/ids; wait\n");
        var clock = Stopwatch.StartNew();
        await world.Run("x").Within(TimeSpan.FromSeconds(60)).Fails(ExitStatus.Unavailable, "ssh-keygen cannot be used", "within 25 s");
        Assert.InRange(clock.Elapsed.TotalSeconds, 20, 40);
        var ids = await File.ReadAllLinesAsync($"{world.Root}/ids", TestContext.Current.CancellationToken);
        Assert.Equal(2, ids.Length);
        foreach (var id in ids)
        {
            await Eventually.True(
                () => !File.Exists($"/proc/{id}/status") || File.ReadAllText($"/proc/{id}/status").Contains("Z (zombie)"), "it has ended");
        }

        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x" || path.Contains("/staging/"));
    }

    /// <summary>find-principals names those of the first line only.</summary>
    [Fact]
    public async Task A_certificate_of_several_principals_is_good_by_any_line_that_fits()
    {
        await using var world = await World.Serving();
        var (carol, authority, other) = (new Signer(world, "carol"), new Signer(world, "ca"), new Signer(world, "other"));
        world.SourceWith("signers: ~/signers");
        var text = Saying("signed");
        world.Server["/x"] = text;
        world.Server["/x.sig"] = carol.Sign(text, with: authority.Certify(carol, principals: $"carol,{carol.Principal}"));
        world.Allow(
            $"carol cert-authority,namespaces=\"git\" {authority.PublicKey}\n",
            $"{carol.Principal} cert-authority,namespaces=\"run\" {authority.PublicKey}\n");
        await world.Run("x").Succeeds("signed\n");
        var list = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout).RootElement[0];
        Assert.Equal(carol.Principal, list.GetProperty("signer").GetString());

        // What the certificate says counts for nothing if another authority has issued it, or for other principals.
        foreach (var line in (string[])[
            $"{carol.Principal} cert-authority,namespaces=\"run\" {other.PublicKey}\n",
            $"dave@example.com cert-authority,namespaces=\"run\" {authority.PublicKey}\n",
            $"{carol.Principal} cert-authority,namespaces=\"git\" {authority.PublicKey}\n",
            $"{carol.Principal} namespaces=\"run\" {authority.PublicKey}\n"])
        {
            world.Allow(line);
            await world.Run("x").Fails(ExitStatus.Data, carol.Fingerprint);
        }
    }

    [Theory]
    [InlineData("20200101:20200201", "whose certificate has expired")]
    [InlineData("20990101:20990201", "whose certificate is not valid yet")]
    public async Task A_certificate_that_is_not_valid_now_is_called_that(string validity, string words)
    {
        await using var world = await World.Serving();
        var (carol, authority) = (new Signer(world, "carol"), new Signer(world, "ca"));
        world.SourceWith("signers: ~/signers");
        world.Server["/x"] = Saying("signed");
        world.Server["/x.sig"] = carol.Sign(Saying("signed"), with: authority.Certify(carol, validity));
        world.Allow($"*@example.com cert-authority {authority.PublicKey}\n");
        await world.Run("x").Fails(ExitStatus.Data, carol.Fingerprint, words);
    }
}
