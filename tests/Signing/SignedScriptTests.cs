using System.Text.Json;
using Run.Tests.Planning;

namespace Run.Tests.Signing;

/// <summary><c>signers:</c> of a source, for scripts that are one file.</summary>
[Needs("ssh-keygen")]
public sealed class SignedScriptTests
{
    [Theory]
    [InlineData("ed25519")]
    [InlineData("rsa")]
    [InlineData("ecdsa")]
    public async Task What_one_of_the_signers_has_signed_runs_and_then_by_plan(string type)
    {
        await using var world = await World.Serving();
        var (alice, bob) = (new Signer(world, "alice", type), new Signer(world, "bob"));
        world.SourceWith("signers: ~/signers");
        world.Allow("# who may sign\n", bob.Line(), alice.Line());
        world.Server.Signed("/x", Saying("signed"), alice);
        await Planned.Is(() => world.Run("x"), "signed\n");
        Assert.Equal((1, 1), (world.Server.Count("/x"), world.Server.Count("/x.sig")));

        var list = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout).RootElement[0];
        Assert.Equal(alice.Principal, list.GetProperty("signer").GetString());
        var said = await world.Run("-u", "--verbose", "x").Result();
        Assert.Contains($"signed by {alice.Principal} ({alice.Fingerprint})", said.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_signers_nothing_is_asked_and_none_is_listed()
    {
        await using var world = await World.Serving(("/x", Saying("plain")));
        await world.Run("x").Succeeds("plain\n");
        Assert.Equal(0, world.Server.Count("/x.sig"));
        var list = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout).RootElement[0];
        Assert.Equal(JsonValueKind.Null, list.GetProperty("signer").ValueKind);
    }

    [Fact]
    public async Task Whatever_none_of_them_has_signed_is_refused_and_not_kept()
    {
        await using var world = await World.Serving();
        var (alice, mallory) = (new Signer(world, "alice"), new Signer(world, "mallory"));
        world.SourceWith($"signers: {world.Signers()}");
        world.Allow(alice.Line());
        var text = Saying("evil");
        world.Server["/x"] = text;
        await world.Run("x").Fails(ExitStatus.Data, "x: not signed", "/x.sig", "has signers");
        foreach (var (signature, words) in new (string, string[])[]
        {
            (mallory.Sign(text), [$"x: signed by {mallory.Fingerprint}, whom {world.Signers()} does not name"]),
            (alice.Sign(text, "file"), [alice.Fingerprint, "'file'", "-n run"]),
            (alice.Sign(text, "git"), [alice.Fingerprint, "'git'"]),
            (alice.Sign("other bytes"), [alice.Fingerprint, "of other bytes"]),
            (alice.Sign(text + "\n"), [alice.Fingerprint, "of other bytes"]),
            ("-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----\n", ["an OpenPGP signature"]),
        })
        {
            world.Server["/x.sig"] = signature;
            await world.Run("x").Fails(ExitStatus.Data, words);
            await world.Run("--fetch", "x").Fails(ExitStatus.Data, words);
        }

        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x");
        await world.Run("--list").Succeeds("");
    }

    [Fact]
    public async Task A_new_version_that_is_not_signed_leaves_the_copy()
    {
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        world.Server.Signed("/x", Saying("one"), alice);
        await world.Run("x").Succeeds("one\n");
        world.Server["/x"] = Saying("two");
        await world.Run("-u", "x").Fails(ExitStatus.Data, "of other bytes");
        await world.Run("x").Succeeds("one\n");
        world.Server.Signed("/x", Saying("two"), alice);
        await world.Run("-u", "x").Succeeds("two\n");

        // What a signature does not protect from: an old version is as well signed as a new one.
        world.Server.Signed("/x", Saying("one"), alice);
        await world.Run("-u", "x").Succeeds("one\n");
    }

    [Fact]
    public async Task A_304_keeps_what_was_verified()
    {
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        var text = Saying("one");
        Trees.Packed.Archive(world.Server, "/x", System.Text.Encoding.UTF8.GetBytes(text));
        world.Server["/x.sig"] = alice.Sign(text);
        await world.Run("x").Succeeds("one\n");
        await world.Run("-u", "x").Succeeds("one\n");
        Assert.Equal((2, 1), (world.Server.Count("/x"), world.Server.Count("/x.sig")));
        var list = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout).RootElement[0];
        Assert.Equal(alice.Principal, list.GetProperty("signer").GetString());

        // Of one who is no signer any more, a 304 would keep nothing, so the server is asked for all of it.
        var bob = new Signer(world, "bob");
        world.Allow(bob.Line());
        world.Server["/x.sig"] = bob.Sign(text);
        await world.Run("-u", "x").Succeeds("one\n");
    }

    [Fact]
    public async Task A_signer_who_was_struck_off_no_longer_runs_planned_or_not_offline_or_not()
    {
        await using var world = await World.Serving();
        var (alice, bob) = (world.OnlySigner("alice"), new Signer(world, "bob"));
        world.Server.Signed("/x", Saying("signed"), alice);
        await Planned.Is(() => world.Run("x"), "signed\n");
        world.Server.ForgetRequests();

        world.Allow(bob.Line());
        await Planned.IsNot(() => world.Run("x"));
        foreach (var run in (string[][])[["x"], ["--offline", "x"], ["-n", "x"], ["-q", "x"]])
        {
            await world.Run(run).Fails(ExitStatus.Data, alice.Fingerprint, $"{world.Signers()} does not name", "-u x");
        }

        Assert.Empty(world.Server.Requests);
        world.Allow(bob.Line(), alice.Line());
        await Planned.Is(() => world.Run("x"), "signed\n");
        Assert.Empty(world.Server.Requests);

        // bob takes over.
        world.Allow(bob.Line());
        world.Server.Signed("/x", Saying("signed"), bob);
        await world.Run("-u", "x").Succeeds("signed\n");
        await world.Run("x").Succeeds("signed\n");
    }

    [Fact]
    public async Task A_copy_that_is_too_old_asks_the_server_whoever_has_signed_it()
    {
        await using var world = await World.Serving();
        var (alice, bob) = (world.OnlySigner("alice", "max-age: 0s"), new Signer(world, "bob"));
        world.Server.Signed("/x", Saying("signed"), alice);
        await world.Run("x").Succeeds("signed\n");
        world.Allow(bob.Line());
        world.Server.Signed("/x", Saying("anew"), bob);
        await world.Run("x").Succeeds("anew\n");
        world.Allow(alice.Line());
        await world.Run("--offline", "x").Fails(ExitStatus.Data, bob.Fingerprint);
        await world.Server.DisposeAsync();

        // The old copy would run with a note if it were signed.
        await world.Run("x").Fails(ExitStatus.Unavailable);
    }

    [Fact]
    public async Task A_file_of_signers_that_was_only_touched_is_read_and_nothing_else_happens()
    {
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        world.Server.Signed("/x", Saying("signed"), alice);
        await Planned.Is(() => world.Run("x"), "signed\n");
        File.SetLastWriteTimeUtc(world.Signers(), DateTime.UtcNow.AddMinutes(-1));
        await Planned.IsNot(() => world.Run("x"));
        world.Put($"{world.Bin}/ssh-keygen", "#!/bin/sh\necho called >&2\nexit 1\n");
        await Planned.Is(() => world.Run("x"), "signed\n");
    }

    [Fact]
    public async Task Signers_that_were_added_later_count_for_the_copy_that_is_there()
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        world.Server.Signed("/x", Saying("signed"), alice);
        await Planned.Is(() => world.Run("x"), "signed\n");
        world.SourceWith("signers: ~/signers");
        world.Allow(alice.Line());
        await world.Run("--offline", "x").Fails(ExitStatus.Unavailable, "has no signature, and offline");
        await world.Run("x").Succeeds("signed\n");
        Assert.Equal(1, world.Server.Count("/x.sig"));
        await world.Run("--offline", "x").Succeeds("signed\n");

        // Another source of the same URL, without signers, replaces the copy. It must not be run by this one.
        world.Sources(world.Server);
        world.Server["/x"] = Saying("unsigned");
        await world.Run("-u", "x").Succeeds("unsigned\n");
        world.SourceWith("signers: ~/signers");
        await world.Run("x").Fails(ExitStatus.Data, "of other bytes");
    }

    [Fact]
    public async Task Options_of_the_file_of_signers_are_those_of_ssh_keygen()
    {
        await using var world = await World.Serving();
        var (alice, authority) = (new Signer(world, "alice"), new Signer(world, "ca"));
        world.SourceWith("signers: ~/signers");
        var text = Saying("signed");
        world.Server.Signed("/x", text, alice);
        foreach (var (options, isAllowed) in new (string, bool)[]
        {
            ("namespaces=\"run,git\"", true),
            ("namespaces=\"git\"", false),
            ("valid-after=\"20200101\"", true),
            ("valid-after=\"20990101\"", false),
            ("valid-before=\"20990101\"", true),
            ("valid-before=\"20200101\"", false),
        })
        {
            world.Allow(alice.Line(options));
            await world.Run("--clean", "--yes").Succeeds("");
            if (isAllowed)
            {
                await world.Run("x").Succeeds("signed\n");
            }
            else
            {
                await world.Run("x").Fails(ExitStatus.Data, alice.Fingerprint, $"ssh-keygen: {world.Signers()}:1:");
            }
        }

        // A certificate, by an authority that may certify some principals.
        world.Server["/x.sig"] = alice.Sign(text, with: authority.Certify(alice));
        world.Allow($"*@example.com cert-authority {authority.PublicKey}\n");
        await world.Run("x").Succeeds("signed\n");
        var list = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout).RootElement[0];
        Assert.Equal(alice.Principal, list.GetProperty("signer").GetString());
        world.Allow($"*@example.org cert-authority {authority.PublicKey}\n");
        await world.Run("x").Fails(ExitStatus.Data, alice.Fingerprint);
        world.Allow($"*@example.com {authority.PublicKey}\n");
        await world.Run("x").Fails(ExitStatus.Data, alice.Fingerprint);
    }

    [Fact]
    public async Task A_key_of_several_principals_or_lines_is_found_by_one_that_fits()
    {
        await using var world = await World.Serving();
        var (alice, bob) = (new Signer(world, "alice"), new Signer(world, "bob"));
        world.SourceWith("signers: ~/signers");
        world.Server.Signed("/x", Saying("signed"), alice);
        foreach (var names in (string[])["-n,a@b", "!a@b,*@b", "\"a@b\"", "*", "a@b,!a@b,c@d", "\t a@b"])
        {
            world.Allow(bob.Line(), $"# {alice.Line()}", $"{names} {alice.PublicKey}\n");
            await world.Run("-u", "x").Succeeds("signed\n");
        }

        // A line that cannot be the one, before one that can.
        world.Allow(alice.Line("namespaces=\"git\""), alice.Line("valid-before=\"20200101\""), $"c@d {alice.PublicKey}\n");
        await world.Run("-u", "x").Succeeds("signed\n");
    }

    [Fact]
    public async Task With_mirrors_the_signature_is_that_of_the_one_which_served_it()
    {
        await using var world = await World.Serving();
        await using var mirror = await ScriptServer.Start();
        var alice = world.OnlySigner("alice", $"mirrors: {mirror.Url}/m/%s", "headers: {X-Token: secret}");
        mirror.Signed("/m/x", Saying("mirrored"), alice);
        world.Server["/x.sig"] = alice.Sign("other");
        await world.Run("x").Succeeds("mirrored\n");
        Assert.Equal(0, world.Server.Count("/x.sig"));
        Assert.DoesNotContain(mirror.Requests, static request => request.Header("x-token") is not null);

        world.Server["/x"] = Saying("main");
        await world.Run("-u", "x").Fails(ExitStatus.Data, "of other bytes");
        Assert.Equal("secret", world.Server.Requests[^1].Header("x-token"));
    }

    [Fact]
    public async Task A_query_stays_behind_the_path_with_its_secret_unseen_and_so_do_credentials()
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        var text = Saying("signed");
        world.Server["/raw/x?token=hunter2"] = text;
        world.Server["/raw/x.sig?token=hunter2"] = alice.Sign(text);
        world.Allow(alice.Line());
        var origin = world.Server.Url.Replace("://", "://u:p@", StringComparison.Ordinal);
        world.SignedSource("q", $"{origin}/raw/%s?token=hunter2");
        await world.Run("q:x").Succeeds("signed\n");
        Assert.Equal("u:p", world.Server.Requests.Single(static r => r.Path.StartsWith("/raw/x.sig", StringComparison.Ordinal)).UserInfo);
        world.Server.Status("/raw/x.sig?token=hunter2", 404);
        var failed = (await world.Run("-u", "--verbose", "q:x").Result()).Stderr;
        Assert.Contains("/raw/x.sig?token=", failed, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failed, StringComparison.Ordinal);
        Assert.DoesNotContain(world.CachedFiles(), static path => File.ReadAllText(path).Contains("hunter2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_a_pin_or_a_digest_both_must_hold()
    {
        await using var world = await World.Serving();
        var (alice, mallory) = (world.OnlySigner("alice"), new Signer(world, "mallory"));
        world.Server.Signed("/x", Saying("one"), alice);
        var pinned = await world.Run("--pin", "x").Result();
        pinned.Is(0, "", pinned.Stderr);
        Assert.Contains($"1 added; signed by {alice.Principal} ({alice.Fingerprint})", pinned.Stderr, StringComparison.Ordinal);
        await world.Run("--pinned", "x").Succeeds("one\n");

        world.Server.Signed("/x", Saying("two"), alice);
        await world.Run("-u", "x").Fails(ExitStatus.Data, "does not match the pin");
        await world.Run("--clean", "--yes").Succeeds("");
        world.Server.Signed("/x", Saying("one"), mallory);
        await world.Run("x").Fails(ExitStatus.Data, mallory.Fingerprint);
        await world.Run($"x#sha256={DigestOf(Saying("one"))}").Fails(ExitStatus.Data, mallory.Fingerprint);
        var before = File.ReadAllText(world.Work + "/run.pins");
        await world.Run("--pin", "x").Fails(ExitStatus.Data, mallory.Fingerprint);
        Assert.Equal(before, File.ReadAllText(world.Work + "/run.pins"));
        world.Server.Signed("/x", Saying("one"), alice);
        await world.Run("x").Succeeds("one\n");
    }

    [Fact]
    public async Task To_be_looked_at_it_need_not_be_signed()
    {
        await using var world = await World.Serving();
        var (alice, bob, mallory) = (new Signer(world, "alice"), new Signer(world, "bob"), new Signer(world, "mallory"));
        world.SourceWith("signers: ~/signers");
        world.Allow(alice.Line(), bob.Line());
        world.Server.Signed("/x", Saying("evil"), mallory);
        var shown = await world.Run("--view", "x").Result();
        shown.Is(0, Saying("evil"), shown.Stderr);
        Assert.Contains($"signed by {mallory.Fingerprint}", shown.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) == "x");

        world.Server.Signed("/x", Saying("one"), alice);
        await world.Run("--view", "x").Succeeds(Saying("one"));
        await world.Run("--offline", "x").Succeeds("one\n");
        world.Server.Signed("/x", Saying("two"), bob);
        var diff = await world.Run("--diff", "x").Result();
        Assert.Equal(1, diff.Status);
        Assert.Contains(
            $"signed by {bob.Principal} ({bob.Fingerprint}), and the cached copy by {alice.Principal}", diff.Stderr,
            StringComparison.Ordinal);
        world.Server.Signed("/x", Saying("two"), mallory);
        diff = await world.Run("--diff", "x").Result();
        Assert.Equal(1, diff.Status);
        Assert.Contains(mallory.Fingerprint, diff.Stderr, StringComparison.Ordinal);
        world.Server.Signed("/x", Saying("two"), alice);
        diff = await world.Run("--diff", "x").Result();
        diff.Is(1, diff.Stdout);
    }

    [Fact]
    public async Task Outdated_tells_of_what_is_not_signed_too_and_says_so()
    {
        await using var world = await World.Serving();
        var (alice, mallory) = (world.OnlySigner("alice"), new Signer(world, "mallory"));
        world.Server.Signed("/x", Saying("one"), alice);
        await world.Run("-q", "--pin", "x").Succeeds("");
        world.Server.Signed("/x", Saying("two"), mallory);
        var outdated = await world.Run("--outdated").Result();
        Assert.Equal(1, outdated.Status);
        Assert.Contains(DigestOf(Saying("two")), outdated.Stdout, StringComparison.Ordinal);
        Assert.Contains(mallory.Fingerprint, outdated.Stderr, StringComparison.Ordinal);
        Assert.Contains("so it would not be run", outdated.Stderr, StringComparison.Ordinal);
        world.Server.Signed("/x", Saying("two"), alice);
        outdated = await world.Run("--outdated").Result();
        outdated.Is(1, outdated.Stdout);
    }

    [Fact]
    public async Task The_question_names_the_signer_and_what_is_not_signed_is_not_asked_about()
    {
        await using var world = await World.Serving();
        var (alice, mallory) = (world.OnlySigner("alice", "trust: ask"), new Signer(world, "mallory"));
        world.Server.Signed("/x", Saying("signed"), mallory);
        await using (var refused = world.Run("x").OnTerminal().Start())
        {
            Assert.Equal((int)ExitStatus.Data, (await refused.Exit()).Status);
            Assert.DoesNotContain("run it?", refused.OutputSoFar, StringComparison.Ordinal);
        }

        world.Server.Signed("/x", Saying("signed"), alice);
        await using var child = world.Run("x").OnTerminal().Start();
        await child.Output("run it? [y/N] ");
        Assert.Contains($"signer  {alice.Principal} ({alice.Fingerprint})", child.OutputSoFar, StringComparison.Ordinal);
        await child.Type("y\n");
        await child.Output("signed");
        Assert.Equal(0, (await child.Exit()).Status);
    }

    [Fact]
    public async Task Another_machine_gets_the_name_and_checks_it_by_its_own_signers()
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        world.Allow(alice.Line());
        world.Server.Signed("/x", Saying("signed"), alice);
        world.Conf(
            $"sources: {{ops: {{url: '{world.Server.Url}/%s', signers: ~/signers}}}}\n"
            + "launchers: {tell: {command: echo, quoting: none}}\n");
        await world.Run("--on", "tell", "ops:x").Succeeds($"run --sha256 {DigestOf(Saying("signed"))} ops:x\n");
    }

    [Fact]
    public async Task Many_at_once_are_each_held_against_their_signers()
    {
        await using var world = await World.Serving();
        var (alice, mallory) = (world.OnlySigner("alice"), new Signer(world, "mallory"));
        var names = Enumerable.Range(0, 16).Select(static i => $"x{i}").ToArray();
        foreach (var name in names)
        {
            world.Server.Signed($"/{name}", Saying(name), name == "x7" ? mallory : alice);
        }

        var fetched = await world.Run(["--fetch", .. names]).Result();
        Assert.Equal((int)ExitStatus.Data, fetched.Status);
        Assert.Contains("x7: signed by", fetched.Stderr, StringComparison.Ordinal);
        Assert.Equal(1, fetched.Stderr.Split("run: ").Length - 1);
        foreach (var name in names.Where(static name => name != "x7"))
        {
            await world.Run("--offline", name).Succeeds($"{name}\n");
        }
    }
}
