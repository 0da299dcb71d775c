using System.IO.Compression;
using System.Text;
using Run.Git;

namespace Run.Tests.Git;

/// <summary>Repositories behind smart HTTP, as git's own http-backend serves them.</summary>
[Collection(Kept.Alone)]
[Needs("git")]
public sealed class ServerTests : IDisposable
{
    private const string UserInfo = "ann:pass%word";
    private const string UserInfoInUrl = "ann:pass%25word";

    private readonly Sandbox _box = new();
    private readonly GitSource _source;
    private readonly string _commit;

    public ServerTests()
    {
        _source = new GitSource(_box);
        _commit = _source.Commit(("bin/x", "#!/bin/sh\n"), ("lib/y", "y\n"));
    }

    public void Dispose() => _box.Dispose();

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("2")]
    public async Task Every_version_of_the_protocol(string version)
    {
        await using var server = await ScriptServer.Start();
        TestFile.Write($"{_box.Home}/.gitconfig", $"[protocol]\n\tversion = {version}\n");
        var kept = new Kept(_box, _source.ServeOn(server));
        Assert.Equal(_commit, kept.Fetch().Commit);
        Assert.Equal("- y\n", kept.Write(_commit)["lib/y"]);
        Assert.Equal(_commit, kept.Fetch("main").Commit);
        Assert.Equal(_commit, kept.Fetch(_commit).Commit);
        kept.Refuses(ExitStatus.NotFound, "mian", "did you mean 'main'?");
        new Kept(_box, $"{server.Url}/nothing.git").Refuses(ExitStatus.NotFound, "HEAD", "no such repository");
    }

    [Fact]
    public async Task An_old_server_that_gives_no_commit_by_its_digits()
    {
        await using var server = await ScriptServer.Start();
        _ = _source.Git("config", "--unset", "uploadpack.allowAnySHA1InWant");
        TestFile.Write($"{_box.Home}/.gitconfig", "[protocol]\n\tversion = 0\n");
        _ = _source.Commit(("a", "1\n"));
        new Kept(_box, _source.ServeOn(server)).Refuses(
            ExitStatus.Unavailable, _commit, "the server gives no commit by its digits",
            "Server does not allow request for unadvertised object");
    }

    [Fact]
    public async Task Tls_and_its_certificates()
    {
        using var authority = new Certificates();
        using var certificate = authority.Issue();
        await using var server = await ScriptServer.StartTls(certificate);
        var url = _source.ServeOn(server);
        new Kept(_box, url).Refuses(ExitStatus.Refused, "HEAD", "the server's certificate cannot be verified", "git: ");
        _box.Variables["GIT_SSL_CAINFO"] = _box.Put("ca.pem", authority.AuthorityPem);
        Assert.Equal(_commit, new Kept(_box, url).Fetch().Commit);
    }

    [Fact]
    public async Task A_redirect_from_https_to_http()
    {
        using var authority = new Certificates();
        using var certificate = authority.Issue();
        await using var plain = await ScriptServer.Start();
        await using var server = await ScriptServer.StartTls(certificate);
        var target = _source.ServeOn(plain);
        const string Request = "/info/refs?service=git-upload-pack";
        server.Redirect($"/r.git{Request}", target + Request, 301);
        _box.Variables["GIT_SSL_CAINFO"] = _box.Put("ca.pem", authority.AuthorityPem);
        new Kept(_box, $"{server.Url}/r.git").Refuses(ExitStatus.Refused, "HEAD", "leads to a protocol that is refused");
        Assert.Empty(plain.Requests);

        // To https it is followed, as by git itself.
        server.Redirect($"/s.git{Request}", _source.ServeOn(server) + Request, 301);
        Assert.Equal(_commit, new Kept(_box, $"{server.Url}/s.git").Fetch().Commit);
    }

    [Fact]
    public async Task A_private_repository()
    {
        await using var server = await ScriptServer.Start();
        var url = _source.ServeOn(server, UserInfo);

        // Even if there is somebody who could be asked, off a terminal nobody is.
        var asker = _box.Put("asker", $"#!/bin/sh\necho asked >>'{_box.Root}/asked'\necho x\n");
        (_box.Variables["GIT_ASKPASS"], _box.Variables["SSH_ASKPASS"], _box.Variables["DISPLAY"]) = (asker, asker, ":0");
        new Kept(_box, url).Refuses(ExitStatus.Refused, "HEAD", "access denied", "git: could not read Username");
        Assert.False(File.Exists($"{_box.Root}/asked"));

        // With .netrc and with a credential helper it works as with git.
        TestFile.Write($"{_box.Home}/.netrc", "machine 127.0.0.1 login ann password pass%word\n");
        Assert.Equal(_commit, new Kept(_box, url).Fetch().Commit);
        File.Delete($"{_box.Home}/.netrc");
        var helper = _box.Put("helper", "#!/bin/sh\ntest \"$1\" = get && printf 'username=ann\\npassword=pass%%word\\n'\n");
        TestFile.Write($"{_box.Home}/.gitconfig", $"[credential]\n\thelper = {helper}\n");
        Assert.Equal(_commit, new Kept(_box, url).Fetch().Commit);
        TestFile.Write($"{_box.Home}/.gitconfig", "");

        // On a terminal git may ask.
        TestFile.Write(asker, "#!/bin/sh\ncase $1 in Username*) echo ann ;; *) echo pass%word ;; esac\n");
        Assert.Equal(_commit, new Kept(_box, url, mayPrompt: true).Fetch().Commit);
    }

    /// <summary>git itself would hand them to a helper on its command line, which everybody can read.</summary>
    [Fact]
    public async Task User_name_and_password_in_the_url()
    {
        await using var server = await ScriptServer.Start();
        var real = _source.ServeOn(server, UserInfo);
        var url = real.Replace("://", $"://{UserInfoInUrl}@", StringComparison.Ordinal);
        const string Request = "/tools.git/git-upload-pack";
        var seen = "";
        server.Map("/slow.git/info/refs?service=git-upload-pack", context =>
        {
            seen = string.Concat(Infra.Processes.Under(_box.Root).Select(static pid => File.ReadAllText($"/proc/{pid}/cmdline")));
            return ScriptServer.Refuse(context, 404);
        });
        Assert.Equal(_commit, new Kept(_box, url).Fetch().Commit);
        Assert.Equal(UserInfo, server.Requests.Last(static request => request.Path == Request).UserInfo);

        new Kept(_box, url.Replace("tools", "slow", StringComparison.Ordinal)).Refuses(ExitStatus.NotFound, "HEAD", "no such repository");
        Assert.Contains("git-remote-http", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("pass%", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("ann", seen, StringComparison.Ordinal);

        var failure = Assert.Throws<RunException>(() => new Kept(
            _box, url.Replace("ann", "bob", StringComparison.Ordinal)).Fetch());
        Assert.Equal(ExitStatus.Refused, failure.Status);
        Assert.DoesNotContain("pass", failure.Message + failure.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("bob", failure.Message + failure.Hint, StringComparison.Ordinal);
    }

    /// <summary>What a server says is shown, in one line, and without what a terminal would obey or a secret would give away.</summary>
    [Fact]
    public async Task What_the_server_says()
    {
        await using var server = await ScriptServer.Start();
        server.Map("/r.git/info/refs?service=git-upload-pack", static context =>
        {
            context.Response.ContentType = "text/plain";
            context.Response.StatusCode = 403;
            return ScriptServer.Send(context, "blocked: https://ann:pass@example.com/?token=pass \e[31m by policy\n");
        });
        var failure = Assert.Throws<RunException>(() => new Kept(_box, $"{server.Url}/r.git").Fetch());
        Assert.Equal(ExitStatus.Refused, failure.Status);
        Assert.DoesNotContain("pass", failure.Hint!, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", failure.Hint!, StringComparison.Ordinal);
        Assert.Contains("403", failure.Hint!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_fails()
    {
        await using var server = await ScriptServer.Start();
        server.Status("/r.git/info/refs?service=git-upload-pack", 500);
        new Kept(_box, $"{server.Url}/r.git").Refuses(ExitStatus.Unavailable, "HEAD", "cannot be fetched", "500");
        new Kept(_box, $"http://127.0.0.1:{Ports.Free()}/r.git").Refuses(ExitStatus.Unavailable, "HEAD", "cannot be fetched");
    }

    /// <summary>A pack that never ends: objects of random bytes, one after the other, as many as were announced.</summary>
    [Fact]
    public async Task A_repository_that_grows_without_end()
    {
        await using var server = await ScriptServer.Start();
        _ = _source.ServeOn(server);
        TestFile.Write($"{_box.Home}/.gitconfig", "[protocol]\n\tversion = 0\n");
        var sent = 0L;
        server.Map("/tools.git/git-upload-pack", async context =>
        {
            var request = new MemoryStream();
            await context.Request.Body.CopyToAsync(request);
            context.Response.ContentType = "application/x-git-upload-pack-result";
            await Send(context, $"0034shallow {_commit}0000");
            if (!Encoding.ASCII.GetString(request.ToArray()).Contains("0009done\n", StringComparison.Ordinal))
            {
                return;
            }

            await Send(context, "0008NAK\n");

            // PACK, version 2, 100,000 objects.
            await SendBand(context, [.. "PACK"u8, 0, 0, 0, 2, 0, 1, 134, 160]);
            var piece = new byte[60_000];
            while (!context.RequestAborted.IsCancellationRequested)
            {
                Random.Shared.NextBytes(piece);
                await SendBand(context, Entry(piece));
                sent += piece.Length;
            }
        });
        new Kept(_box, $"{server.Url}/tools.git").Refuses(ExitStatus.Data, "HEAD", "more than 64 MiB packed");
        Assert.InRange(sent, 64L << 20, 1L << 30);
    }

    [Fact]
    public async Task A_pack_that_is_cut_or_broken()
    {
        await using var server = await ScriptServer.Start();
        _ = _source.ServeOn(server);
        server.Map("/tools.git/git-upload-pack", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Response.ContentType = "application/x-git-upload-pack-result";
            await Send(context, "000dpackfile\n");
            await SendBand(context, [.. "PACK"u8, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3]);
        });
        var kept = new Kept(_box, $"{server.Url}/tools.git");
        kept.Refuses(ExitStatus.Unavailable, "HEAD", "cannot be fetched");
        Assert.Empty(Directory.GetFiles($"{kept.Directory}/objects/pack"));
        Assert.Empty(Directory.GetFiles($"{kept.Directory}/commits"));
    }

    /// <summary>An entry of a pack: a blob, compressed.</summary>
    private static byte[] Entry(byte[] content)
    {
        var entry = new MemoryStream();
        var size = content.Length >> 4;
        entry.WriteByte((byte)(0xb0 | (content.Length & 15)));
        for (; size >= 128; size >>= 7)
        {
            entry.WriteByte((byte)(0x80 | (size & 127)));
        }

        entry.WriteByte((byte)size);
        using (var zlib = new ZLibStream(entry, CompressionLevel.NoCompression, leaveOpen: true))
        {
            zlib.Write(content);
        }

        return entry.ToArray();
    }

    private static async Task Send(Microsoft.AspNetCore.Http.HttpContext context, string text) =>
        await context.Response.Body.WriteAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>In side band 1, a packet of at most 65,520 bytes: gitprotocol-pack(5).</summary>
    private static async Task SendBand(Microsoft.AspNetCore.Http.HttpContext context, byte[] bytes) =>
        await context.Response.Body.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes($"{bytes.Length + 5:x4}\u0001"), .. bytes]);
}

/// <summary>Servers that do not answer. They take their time, so they run beside the other tests.</summary>
[Needs("git")]
public sealed class SilentServerTests : IDisposable
{
    private readonly Sandbox _box = new();

    public void Dispose() => _box.Dispose();

    /// <summary>With a terminal, too: nobody is being asked anything there.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_is_an_error_within_30_seconds(bool mayPrompt)
    {
        using var silent = Ports.Silent(out var port);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        new Kept(_box, $"http://127.0.0.1:{port}/r.git", mayPrompt)
            .Refuses(ExitStatus.Unavailable, "HEAD", "the server does not answer");
        Assert.InRange(clock.Elapsed.TotalSeconds, 20, 30);

        // What git has started for itself ends when git does, but not in the same moment.
        await Eventually.True(() => !Infra.Processes.Under(_box.Root).Any(), "no process is left");
    }
}

/// <summary>Over a real sshd.</summary>
[Collection(Kept.Alone)]
[Needs("git", "ssh", "sshd", "ssh-keygen")]
public sealed class SshTests : IDisposable
{
    private readonly Sandbox _box = new();

    public void Dispose() => _box.Dispose();

    [Fact]
    public async Task With_a_key()
    {
        var source = new GitSource(_box);
        var commit = source.Commit(("a", "1\n"));
        await using var server = await SshServer.Start(_box);
        _box.Variables["GIT_SSH_COMMAND"] = server.Command;
        var kept = new Kept(_box, server.Url(source.Directory));
        Assert.Equal(new GitCommit(commit, null), kept.Fetch());
        Assert.Equal("- 1\n", kept.Write(commit)["a"]);
        var next = source.Commit(("a", "2\n"));
        Assert.Equal(next, kept.Fetch("main").Commit);
        Assert.Equal(commit, kept.Fetch(commit).Commit);
        kept.Refuses(ExitStatus.NotFound, "mian", "no branch or tag 'mian'", "did you mean 'main'?");
        new Kept(_box, server.Url("/nothing")).Refuses(ExitStatus.NotFound, "HEAD", "no such repository");

        // Off a terminal nobody is asked for a password, or about a server's key.
        var asker = _box.Put("asker", $"#!/bin/sh\necho asked >>'{_box.Root}/asked'\necho yes\n");
        (_box.Variables["SSH_ASKPASS"], _box.Variables["SSH_ASKPASS_REQUIRE"], _box.Variables["DISPLAY"]) = (asker, "force", ":0");
        _box.Variables["GIT_SSH_COMMAND"] = server.StrangersCommand;
        new Kept(_box, server.Url(source.Directory)).Refuses(ExitStatus.Refused, "HEAD", "access denied", "Permission denied");
        _box.Variables["GIT_SSH_COMMAND"] = server.SuspiciousCommand;
        new Kept(_box, server.Url(source.Directory)).Refuses(ExitStatus.Refused, "HEAD", "access denied", "Host key verification failed");
        Assert.False(File.Exists($"{_box.Root}/asked"));
    }
}
