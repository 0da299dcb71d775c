using System.Diagnostics;
using System.Globalization;
using Run.Tests.Git;
using Run.Tests.Planning;
using Run.Tests.Trees;

namespace Run.Tests.Signing;

/// <summary>A key that has expired stops a copy when the server is asked, whatever the server answers.</summary>
[Needs("ssh-keygen", "git")]
public sealed class ExpiredKeyTests
{
    [Theory]
    [InlineData("-u")]
    [InlineData("max-age: 0s")]
    public async Task A_304_does_not_keep_what_an_expired_key_has_signed(string asking)
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        world.Server.Archive("/x", System.Text.Encoding.UTF8.GetBytes(Saying("one")));
        world.Server["/x.sig"] = alice.Sign(Saying("one"));
        string[] keys = asking == "-u" ? [] : [asking];
        world.SourceWith(["signers: ~/signers", .. keys]);
        string[] update = asking == "-u" ? ["-u"] : [];
        await Expires(world, alice, [.. update, "x"]);
        await world.Run([.. update, "x"]).Env("TZ", "UTC0").Fails(ExitStatus.Data, alice.Fingerprint, "not valid now");

        // And it is not run by another way, until somebody signs it anew.
        await world.Run("x").Env("TZ", "UTC0").Fails(ExitStatus.Data, alice.Fingerprint, "not valid now");
        await world.Run("--offline", "x").Env("TZ", "UTC0").Fails(ExitStatus.Data, alice.Fingerprint, "so the cached copy is not run");
        var bob = new Signer(world, "bob");
        world.Allow(bob.Line());
        world.Server["/x.sig"] = bob.Sign(Saying("one"));
        await world.Run("-u", "x").Succeeds("one\n");
    }

    [Fact]
    public async Task An_archive_is_judged_again_too()
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        var archive = Packed.Tar(Packed.Tools("one"));
        world.Server.Archive("/t.tar", archive);
        world.Server["/t.tar.sig"] = alice.Sign(archive);
        world.SignedSource("ar", $"{world.Server.Url}/t.tar//bin/%s");
        await Expires(world, alice, ["-u", "ar:deploy"], "one \n");
        await world.Run("ar:deploy").Env("TZ", "UTC0").Fails(ExitStatus.Data, alice.Fingerprint, "not valid now");
    }

    [Fact]
    public async Task Nor_does_the_same_commit()
    {
        using var box = new Sandbox();
        var alice = new Signer(box, "alice");
        var tools = new GitSource(box);
        alice.Signs(tools);
        tools.Commit(Packed.Tools("one"));
        box.SignedSource("g", $"git+{tools.FileUrl}//bin/%s");
        await Expires(box, alice, ["-u", "g:deploy"], "one \n");
        await box.Run("g:deploy").Env("TZ", "UTC0").Fails(ExitStatus.Data, alice.Fingerprint, "not valid now");
        box.Allow(alice.Line("valid-before=\"20990101\""));
        await Planned.Is(() => box.Run("g:deploy"), "one \n");
    }

    /// <summary>Runs it with a key that is valid for some seconds, until it is refused.</summary>
    private static async Task Expires(Sandbox box, Signer by, string[] arguments, string output = "one\n")
    {
        var until = DateTime.UtcNow.AddSeconds(6).ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture);
        box.Allow(by.Line($"valid-before=\"{until}\""));
        await box.Run(arguments[^1]).Env("TZ", "UTC0").Succeeds(output);
        for (var clock = Stopwatch.StartNew(); (await box.Run(arguments).Env("TZ", "UTC0").Result()).Status == 0;)
        {
            Assert.True(clock.Elapsed < Eventually.Deadline, "a key that has expired stops it");
            await Task.Delay(200, TestContext.Current.CancellationToken);
        }

        await box.Run(arguments).Env("TZ", "UTC0").Fails(ExitStatus.Data, by.Fingerprint, "not valid now");
    }
}
