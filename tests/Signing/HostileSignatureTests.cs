using Run.Tests.Planning;

namespace Run.Tests.Signing;

/// <summary>What may be found where a signature should be, and files of signers that others could choose.</summary>
[Needs("ssh-keygen")]
public sealed class HostileSignatureTests
{
    [Fact]
    public async Task Whatever_is_served_as_a_signature_is_refused_in_a_sentence()
    {
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        var text = Saying("evil");
        world.Server["/x"] = text;
        var good = alice.Sign(text);
        var blob = Convert.FromBase64String(string.Concat(good.Split('\n')[1..^2]));
        string Armoured(byte[] bytes) => $"-----BEGIN SSH SIGNATURE-----\n{Convert.ToBase64String(bytes)}\n-----END SSH SIGNATURE-----\n";
        byte[] Changed(Action<byte[]> change)
        {
            var copy = (byte[])blob.Clone();
            change(copy);
            return copy;
        }

        var endless = new byte[40 << 10];
        "SSHSIG"u8.CopyTo(endless);
        endless[9] = 1;
        foreach (var signature in (string[])[
            "garbage", "\0\u001b[2J\u0007", "-----BEGIN SSH SIGNATURE-----", "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
            "-----BEGIN SSH SIGNATURE----------END SSH SIGNATURE-----", "-----BEGIN SSH SIGNATURE-----\n!!\n-----END SSH SIGNATURE-----",
            Armoured([]), Armoured("SSHSIG"u8.ToArray()), Armoured(endless),
            Armoured(blob[..^1]), Armoured([.. blob, 0]), Armoured(blob[..20]),
            Armoured(Changed(static b => b[9] = 2)), Armoured(Changed(static b => b[^1] ^= 1)), Armoured(Changed(static b => b[10] = 0xff)),
            Armoured(Changed(static b => b.AsSpan(14, 11).Fill((byte)'x'))), "\ufeff" + good[1..], alice.PublicKey, text,
        ])
        {
            world.Server["/x.sig"] = signature;
            var failed = await world.Run("x").Fails(ExitStatus.Data, "x: ");
            Assert.DoesNotContain('\u001b', failed.Stderr);
        }

        foreach (var (body, words) in new (string, string)[]
        {
            (good + new string('\n', 64 << 10), "longer than 64 KiB"), ("<!DOCTYPE html><html><body>not found</body></html>", "web page"),
            ("", "empty"),
        })
        {
            world.Server["/x.sig"] = body;
            await world.Run("x").Fails(ExitStatus.Data, "/x.sig", words);
        }

        foreach (var status in (int[])[404, 410, 403])
        {
            world.Server.Status("/x.sig", status);
            await world.Run("x").Fails(status == 403 ? ExitStatus.Refused : ExitStatus.Data, "/x.sig");
        }

        // What stands around the armour does not matter.
        world.Server["/x.sig"] = "\n " + good.Replace("\n", "\r\n", StringComparison.Ordinal) + "\n\n";
        await world.Run("x").Succeeds("evil\n");
    }

    [Fact]
    public async Task A_server_that_fails_at_first_is_asked_again()
    {
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        var text = Saying("signed");
        world.Server["/x"] = text;
        world.Server.Sequence("/x.sig", static c => ScriptServer.Refuse(c, 503), c => ScriptServer.Send(c, alice.Sign(text)));
        await world.Run("x").Succeeds("signed\n");
        world.Server.Status("/x.sig", 503);
        await world.Run("-u", "x").Fails(ExitStatus.Unavailable, "/x.sig", "503");
        await world.Run("x").Succeeds("signed\n");
    }

    [Fact]
    public async Task Control_characters_of_a_principal_reach_no_terminal()
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        world.SourceWith("signers: ~/signers");
        world.Allow($"a\u001b]0;x\u0007\u202e@b {alice.PublicKey}\n");
        world.Server.Signed("/x", Saying("signed"), alice);
        var said = await world.Run("--verbose", "x").Result();
        Assert.Equal(0, said.Status);
        Assert.Contains("signed by a\\x1b", said.Stderr, StringComparison.Ordinal);
        foreach (var output in (string[])[said.Stderr, (await world.Run("--list", "--json").Result()).Stdout])
        {
            Assert.DoesNotContain('\u001b', output);
            Assert.DoesNotContain('\u202e', output);
        }

        await world.Run("--offline", "x").Succeeds("signed\n");
    }

    [Fact]
    public async Task Without_ssh_keygen_it_says_which_package_has_it()
    {
        await using var world = await World.Serving();
        var alice = world.OnlySigner("alice");
        world.Server.Signed("/x", Saying("signed"), alice);
        Directory.CreateDirectory(world.Root + "/few");
        File.CreateSymbolicLink(world.Root + "/few/sh", "/bin/sh");
        await world.Run("x").Env("PATH", world.Root + "/few")
            .Fails(ExitStatus.Unavailable, "ssh-keygen is not installed", "openssh-client");
        world.Put($"{world.Bin}/ssh-keygen", "#!/bin/sh\necho 'unknown option -- Y' >&2\necho usage: ssh-keygen >&2\nexit 1\n");
        await world.Run("x").Fails(ExitStatus.Unavailable, "cannot check signatures", "OpenSSH 8.2");
        world.Put($"{world.Bin}/ssh-keygen", "#!/bin/sh\nkill -9 $$\n");
        await world.Run("x").Fails(ExitStatus.Unavailable, "ssh-keygen was ended by signal 9");
        File.Delete($"{world.Bin}/ssh-keygen");
        await world.Run("x").Succeeds("signed\n");
    }

    [Fact]
    public async Task A_file_of_signers_that_others_can_write_or_that_is_no_file_is_refused_planned_or_not()
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        world.SourceWith("signers: ~/signers");
        world.Server.Signed("/x", Saying("signed"), alice);
        await world.Run("x").Fails(ExitStatus.Configuration, world.Signers(), "no such file", "default");
        Directory.CreateDirectory(world.Signers());
        await world.Run("x").Fails(ExitStatus.Configuration, world.Signers(), "not a regular file");
        Directory.Delete(world.Signers());
        world.Allow(alice.Line());
        await Planned.Is(() => world.Run("x"), "signed\n");

        var mode = File.GetUnixFileMode(world.Signers());
        foreach (var more in (UnixFileMode[])[UnixFileMode.OtherWrite, UnixFileMode.GroupWrite])
        {
            File.SetUnixFileMode(world.Signers(), mode | more);
            await world.Run("x").Fails(ExitStatus.Refused, world.Signers(), "writable by other users", "chmod go-w");
        }

        File.SetUnixFileMode(world.Signers(), mode);
        await Planned.Is(() => world.Run("x"), "signed\n");
        File.Delete(world.Signers());
        await world.Run("x").Fails(ExitStatus.Configuration, "no such file");
        File.CreateSymbolicLink(world.Signers(), world.Home + "/elsewhere");
        world.Put(world.Home + "/elsewhere", alice.Line(), executable: false);
        await Planned.Is(() => world.Run("x"), "signed\n");
        world.Put(world.Home + "/elsewhere", "", executable: false);
        await world.Run("x").Fails(ExitStatus.Data, alice.Fingerprint);
    }

    [RootFact]
    public async Task Nor_may_it_belong_to_another_user_or_lie_in_a_directory_of_one()
    {
        await using var world = await World.Serving();
        var alice = new Signer(world, "alice");
        world.Server.Signed("/x", Saying("signed"), alice);
        world.Allow(alice.Line());
        world.SourceWith("signers: ~/signers");
        await Planned.Is(() => world.Run("x"), "signed\n");
        Libc.ChangeOwner(world.Signers(), 1234);
        await world.Run("x").Fails(ExitStatus.Refused, world.Signers(), "uid 1234");

        world.Put(world.Root + "/theirs/signers", alice.Line(), executable: false);
        Libc.ChangeOwner(world.Root + "/theirs", 1234);
        world.SourceWith($"signers: {world.Root}/theirs/signers");
        await world.Run("x").Fails(ExitStatus.Refused, "/theirs", "uid 1234", "exchange");
    }

    [RootFact]
    public async Task A_cache_that_is_read_only_does_not_keep_it_from_being_checked()
    {
        await using var world = await World.Serving();
        var (alice, bob) = (world.OnlySigner("alice"), new Signer(world, "bob"));
        world.Server.Signed("/x", Saying("signed"), alice);
        await world.Run("x").Succeeds("signed\n");
        world.Allow(bob.Line(), alice.Line());
        Command ReadOnly() => world.Run("x").InMountNamespace(
            $"mount --bind {world.Cache} {world.Cache}\nmount -o remount,ro,bind {world.Cache}");
        await ReadOnly().Succeeds("signed\n");
        world.Allow(bob.Line());
        await ReadOnly().Fails(ExitStatus.Data, alice.Fingerprint);
    }
}
