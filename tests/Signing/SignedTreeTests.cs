using System.Text.Json;
using Run.Tests.Git;
using Run.Tests.Planning;
using static Run.Tests.Trees.Packed;

namespace Run.Tests.Signing;

/// <summary><c>signers:</c> of a source, for scripts of many files: signed archives, commits and tags.</summary>
[Needs("ssh-keygen", "git")]
public sealed class SignedTreeTests
{
    [Fact]
    public async Task An_archive_by_the_signature_of_its_bytes()
    {
        await using var world = await World.Serving();
        var (alice, mallory) = (new Signer(world, "alice"), new Signer(world, "mallory"));
        var bytes = Tar(Tools("one"));
        world.SignedSource("a", $"{world.Server.Url}/x.tar//bin/%s");
        world.Allow(alice.Line());
        world.Server.Archive("/x.tar", bytes);
        await world.Run("a:deploy").Fails(ExitStatus.Data, "not signed", "/x.tar.sig");
        world.Server["/x.tar.sig"] = mallory.Sign(bytes);
        await world.Run("a:deploy").Fails(ExitStatus.Data, mallory.Fingerprint);
        Assert.DoesNotContain(world.CachedFiles(), static path => Path.GetFileName(path) is "deploy" or "archive");

        world.Server["/x.tar.sig"] = alice.Sign(bytes);
        await Planned.Is(() => world.Run("a:deploy"), "one \n");
        await world.Run("-u", "a:deploy").Succeeds("one \n");
        await world.Run("a:other").Succeeds("other\n");
        world.Server.ForgetRequests();

        world.Allow(mallory.Line());
        await Planned.IsNot(() => world.Run("a:deploy"));
        await world.Run("--offline", "a:deploy").Fails(ExitStatus.Data, alice.Fingerprint);
        world.Allow(mallory.Line(), alice.Line());
        await world.Run("--offline", "a:deploy").Succeeds("one \n");
        Assert.Empty(world.Server.Requests);
        var list = JsonDocument.Parse((await world.Run("--list", "--json").Result()).Stdout).RootElement[0];
        Assert.Equal(alice.Principal, list.GetProperty("signer").GetString());
    }

    [Theory]
    [InlineData("sha1")]
    [InlineData("sha256")]
    public async Task A_repository_by_the_signature_of_the_commit(string hash)
    {
        using var box = new Sandbox();
        var (alice, mallory) = (new Signer(box, "alice"), new Signer(box, "mallory"));
        var tools = new GitSource(box, "tools", $"--object-format={hash}");
        box.SignedSource("g", $"git+{tools.FileUrl}//bin/%s");
        box.Allow(alice.Line());
        var unsigned = tools.Commit(Tools("none"));
        await box.Run("g:deploy").Fails(ExitStatus.Data, "not signed", unsigned);
        await box.Run($"g:deploy@{unsigned}").Fails(ExitStatus.Data, "not signed", unsigned);

        mallory.Signs(tools);
        var theirs = tools.Commit(Tools("theirs"));
        await box.Run("-u", "g:deploy").Fails(ExitStatus.Data, $"the commit {theirs}", mallory.Fingerprint, "does not name");

        alice.Signs(tools);
        var ours = tools.Commit(Tools("ours"));
        await box.Run("-u", "g:deploy").Succeeds("ours \n");
        await Planned.Is(() => box.Run("g:deploy"), "ours \n");
        await box.Run("--offline", $"g:deploy@{ours}").Succeeds("ours \n");
        await box.Run("-u", $"g:deploy@{theirs}").Fails(ExitStatus.Data, mallory.Fingerprint);

        // Other bytes with the same signature.
        var forged = tools.Git("cat-file", "commit", "HEAD").Replace("\n\nx", "\n\ny", StringComparison.Ordinal);
        _ = tools.Git("update-ref", "HEAD", tools.Store("commit", System.Text.Encoding.UTF8.GetBytes(forged)));
        await box.Run("-u", "g:deploy").Fails(ExitStatus.Data, "of other bytes", alice.Fingerprint);
        await box.Run("g:deploy").Succeeds("ours \n");

        box.Allow(mallory.Line());
        await box.Run("--offline", "g:deploy").Fails(ExitStatus.Data, alice.Fingerprint, "not run");
        box.Allow(mallory.Line(), alice.Line());
        await box.Run("--offline", "g:deploy").Succeeds("ours \n");
    }

    [Fact]
    public async Task A_tag_by_its_own_signature_and_else_by_that_of_the_commit()
    {
        using var box = new Sandbox();
        var (alice, mallory) = (new Signer(box, "alice"), new Signer(box, "mallory"));
        var tools = new GitSource(box);
        box.SignedSource("g", $"git+{tools.FileUrl}//bin/%s");
        box.Allow(alice.Line());
        tools.Commit(Tools("one"));
        alice.Signs(tools);
        _ = tools.Git("tag", "-s", "-m", "x", "signed");
        _ = tools.Git("tag", "-s", "-m", "of a tag", "twice", "signed");
        mallory.Signs(tools);
        _ = tools.Git("tag", "-s", "-m", "x", "theirs");
        _ = tools.Git("config", "tag.gpgSign", "false");
        _ = tools.Git("tag", "-m", "x", "unsigned");
        _ = tools.Git("tag", "light");
        alice.Signs(tools);
        var commit = tools.Commit(Tools("two"));
        _ = tools.Git("config", "tag.gpgSign", "false");
        _ = tools.Git("tag", "light2");
        _ = tools.Git("tag", "-m", "x", "unsigned2");
        await box.Run("g:deploy@signed").Succeeds("one \n");
        await box.Run("g:deploy@twice").Succeeds("one \n");
        await box.Run("g:deploy@theirs").Fails(ExitStatus.Data, "the tag theirs", mallory.Fingerprint);
        await box.Run("g:deploy@unsigned").Fails(ExitStatus.Data, "neither the tag nor the commit");
        await box.Run("g:deploy@light").Fails(ExitStatus.Data, "not signed");
        await box.Run("g:deploy@light2").Succeeds("two \n");
        await box.Run("g:deploy@unsigned2").Succeeds("two \n");

        // By its commit alone, nothing is signed; so a pin names the tag.
        await box.Run("-q", "--pin", "g:deploy@signed").Succeeds("");
        Assert.Contains("@signed tree:", File.ReadAllText(box.Work + "/run.pins"), StringComparison.Ordinal);
        await box.Run("--pinned", "g:deploy@signed").Succeeds("one \n");
        await box.Run("-q", "--pin", "g:deploy").Succeeds("");
        Assert.Contains($"@{commit} tree:", File.ReadAllText(box.Work + "/run.pins"), StringComparison.Ordinal);
        await box.Run("--clean", "--yes").Succeeds("");
        await box.Run("--pinned", "g:deploy@signed").Succeeds("one \n");
        await box.Run("--pinned", "g:deploy").Succeeds("two \n");

        // The tag that was kept is what is checked again.
        box.Allow(mallory.Line());
        await box.Run("--offline", "g:deploy@signed").Fails(ExitStatus.Data, "the tag signed", alice.Fingerprint);
        box.Allow(mallory.Line(), alice.Line());
        await box.Run("--offline", "g:deploy@signed").Succeeds("one \n");

        // Signed anew by another, at the same commit.
        File.Delete(box.Work + "/run.pins");
        mallory.Signs(tools);
        _ = tools.Git("tag", "-f", "-s", "-m", "x", "signed", "signed^{}");
        box.Allow(alice.Line());
        await box.Run("-u", "g:deploy@signed").Fails(ExitStatus.Data, mallory.Fingerprint);
        await box.Run("g:deploy@signed").Succeeds("one \n");
        box.Allow(mallory.Line());
        await box.Run("-u", "g:deploy@signed").Succeeds("one \n");
        await box.Run("--offline", "g:deploy@signed").Succeeds("one \n");
    }

    /// <summary>The user's own configuration of git says nothing about who is a signer, and the time is that of the check.</summary>
    [Fact]
    public async Task Neither_the_users_configuration_nor_the_commits_own_date_counts()
    {
        using var box = new Sandbox();
        var alice = new Signer(box, "alice");
        var tools = new GitSource(box);
        box.SignedSource("g", $"git+{tools.FileUrl}//bin/%s");
        alice.Signs(tools);
        tools.Commit(Tools("one"));
        box.Put(box.Home + "/all", alice.Line(), executable: false);
        box.Put(box.Home + "/yes", "#!/bin/sh\necho alice\n");
        box.Put(
            box.Home + "/.gitconfig",
            $"[gpg]\n\tformat = ssh\n\tprogram = {box.Home}/yes\n"
            + $"[gpg \"ssh\"]\n\tprogram = {box.Home}/yes\n\tallowedSignersFile = {box.Home}/all\n",
            executable: false);
        box.Allow("");
        await box.Run("g:deploy").Fails(ExitStatus.Data, alice.Fingerprint);
        await box.Run("g:deploy")
            .Env("GIT_CONFIG_COUNT", "1").Env("GIT_CONFIG_KEY_0", "gpg.ssh.program").Env("GIT_CONFIG_VALUE_0", box.Home + "/yes")
            .Fails(ExitStatus.Data, alice.Fingerprint);

        // Whoever has stolen an old key can write any date into a commit.
        box.Allow(alice.Line("valid-before=\"20210101\""));
        _ = tools.Git("-c", "user.name=x", "commit", "--quiet", "--allow-empty", "--amend", "--date=2020-01-01T00:00:00", "-m", "old");
        await box.Run("-u", "g:deploy").Fails(ExitStatus.Data, alice.Fingerprint, "not valid now", "expired");
        box.Allow(alice.Line("valid-after=\"20210101\",namespaces=\"git\""));
        await box.Run("-u", "g:deploy").Succeeds("one \n");
        box.Allow(alice.Line("namespaces=\"run\""));
        await box.Run("g:deploy").Fails(ExitStatus.Data, alice.Fingerprint, "namespace");
    }

    [Fact]
    public async Task An_openpgp_signature_is_called_that_and_no_git_is_said()
    {
        using var box = new Sandbox();
        var alice = new Signer(box, "alice");
        var tools = new GitSource(box);
        box.SignedSource("g", $"git+{tools.FileUrl}//bin/%s");
        box.Allow(alice.Line());
        tools.Commit(Tools("one"));
        var pgp = tools.Git("cat-file", "commit", "HEAD").Replace(
            "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----\n\n", StringComparison.Ordinal);
        _ = tools.Git("update-ref", "HEAD", tools.Store("commit", System.Text.Encoding.UTF8.GetBytes(pgp)));
        await box.Run("g:deploy").Fails(ExitStatus.Data, "an OpenPGP signature", "gpg.format ssh");

        alice.Signs(tools);
        tools.Commit(Tools("two"));
        await box.Run("-u", "g:deploy").Succeeds("two \n");
        Directory.CreateDirectory(box.Root + "/few");
        foreach (var tool in (string[])["sh", "ssh-keygen", "dirname"])
        {
            File.CreateSymbolicLink($"{box.Root}/few/{tool}", $"/usr/bin/{tool}");
        }

        await box.Run("g:deploy").Env("PATH", box.Root + "/few").Succeeds("two \n");
        box.Allow("# changed\n", alice.Line());
        await box.Run("g:deploy").Env("PATH", box.Root + "/few").Fails(ExitStatus.Unavailable, "git is not installed");
        await box.Run("g:deploy").Succeeds("two \n");
    }

    [Fact]
    public async Task Signers_that_were_added_later_count_for_the_commit_that_is_there()
    {
        using var box = new Sandbox();
        var alice = new Signer(box, "alice");
        var tools = new GitSource(box);
        alice.Signs(tools);
        tools.Commit(Tools("one"));
        _ = tools.Git("tag", "-s", "-m", "x", "v1");
        box.Conf($"sources:\n  g: git+{tools.FileUrl}//bin/%s\n");
        await box.Run("g:deploy@v1").Succeeds("one \n");
        box.SignedSource("g", $"git+{tools.FileUrl}//bin/%s");
        box.Allow("");
        await box.Run("--offline", "g:deploy@v1").Fails(ExitStatus.Data, "the tag v1", alice.Fingerprint);
        box.Allow(alice.Line());
        await box.Run("--offline", "g:deploy@v1").Succeeds("one \n");
        await Planned.Is(() => box.Run("g:deploy@v1"), "one \n");
    }
}
