using System.Net;
using System.Net.Sockets;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>Which certificates are accepted, and what the message says about the others.</summary>
public sealed class CertificateTests
{
    [Fact]
    public async Task Of_an_authority_in_SSL_CERT_FILE_is_accepted()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue("localhost"), "localhost", ("/x", Script));
        world.Trust(authority);
        await world.Run("x").Succeeds("ran\n");
    }

    /// <summary>
    /// Kestrel prefers HTTP/2 if the client offers it, and this one announces HTTP/3 as well; the program contains neither
    /// (Substitutions.xml).
    /// </summary>
    [Fact]
    public async Task A_server_that_speaks_newer_versions_of_http_is_asked_in_the_old_one()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue("localhost"), "localhost");
        world.Trust(authority);
        var protocol = "";
        world.Server.Map("/x", context =>
        {
            protocol = context.Request.Protocol;
            context.Response.Headers.AltSvc = $"h3=\":{world.Server.Port}\"; ma=86400";
            return ScriptServer.Send(context, Script);
        });
        world.Server.Redirect("/old", "/x");
        await world.Run("old").Succeeds("ran\n");
        Assert.Equal("HTTP/1.1", protocol);
    }

    [Fact]
    public async Task Of_an_authority_in_SSL_CERT_DIR_is_accepted_once_it_has_its_hash_for_a_name()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue(), "127.0.0.1", ("/x", Script));
        world.Put("trusted/ca.pem", authority.AuthorityPem, executable: false);
        world.Variables["SSL_CERT_DIR"] = $"{world.Work}/none:{world.Work}/trusted";
        await world.Run("x").Fails(ExitStatus.Refused, "unknown issuer");
        await world.Exec("openssl", "rehash", world.Work + "/trusted").Succeeds("");
        await world.Run("x").Succeeds("ran\n");
    }

    [Fact]
    [Needs("strace", "openssl")]
    public async Task Only_those_that_are_needed_are_read_of_a_whole_store()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue(), "127.0.0.1", ("/x", Script));
        world.Put("trusted/needed.pem", authority.AuthorityPem, executable: false);
        for (var i = 0; i < 5; i++)
        {
            using var other = new Certificates($"Authority number {i}");
            world.Put($"trusted/other{i}.pem", other.AuthorityPem, executable: false);
        }

        await world.Exec("openssl", "rehash", world.Work + "/trusted").Succeeds("");
        await world.Run("x").Env("SSL_CERT_DIR", world.Work + "/trusted").Env("SSL_CERT_FILE", world.Put("none.pem", ""))
            .Traced(out var trace, "-e", "trace=openat").Succeeds("ran\n");
        var opened = await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken);
        Assert.Single(opened, static line => line.Contains("/trusted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_an_unknown_authority_is_refused_and_named()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue(), "127.0.0.1");
        await world.Run("x").Fails(ExitStatus.Refused, "127.0.0.1", "unknown issuer: Test authority", "SSL_CERT_FILE");
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task Of_another_authority_with_the_same_name_is_refused()
    {
        using var authority = new Certificates();
        using var impostor = new Certificates();
        await using var world = await World.ServingTls(impostor.Issue(), "127.0.0.1");
        world.Trust(authority);
        await world.Run("x").Fails(ExitStatus.Refused, "127.0.0.1", "certificate");
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task Self_signed_is_refused_unless_it_is_trusted_itself()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.SelfSigned(), "127.0.0.1", ("/x", Script));
        await world.Run("x").Fails(ExitStatus.Refused, "self-signed", "SSL_CERT_FILE");
        await world.Run("x").Env("SSL_CERT_FILE", world.Put("self.pem", authority.SelfSigned().ExportCertificatePem())).Succeeds("ran\n");
    }

    [Fact]
    public async Task Expired_is_refused_with_the_date()
    {
        using var authority = new Certificates();
        var end = DateTimeOffset.UtcNow.AddDays(-3);
        await using var world = await World.ServingTls(authority.Issue(until: end), "127.0.0.1");
        world.Trust(authority);
        await world.Run("x").Fails(ExitStatus.Refused, "expired", $"{end:yyyy-MM-dd HH:mm} UTC", "clock");
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task For_another_name_is_refused_with_both_names()
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue("other.example.com"), "localhost");
        world.Trust(authority);
        await world.Run("x").Fails(ExitStatus.Refused, "other.example.com", "localhost");
        Assert.Empty(world.Server.Requests);
    }

    [Fact]
    public async Task A_server_that_speaks_no_TLS_is_told_from_a_bad_certificate()
    {
        using var box = new Sandbox();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepted = Accept(listener);
        await box.Run($"https://{listener.LocalEndpoint}/x").Fails(ExitStatus.Unavailable, "TLS");
        listener.Stop();
        await accepted;

        static async Task Accept(TcpListener listener)
        {
            try
            {
                while (true)
                {
                    using var client = await listener.AcceptTcpClientAsync();
                    await client.GetStream().WriteAsync("HTTP/1.0 400 Bad Request\r\n\r\n"u8.ToArray());
                    client.Client.Shutdown(SocketShutdown.Send);
                    await client.GetStream().CopyToAsync(Stream.Null);
                }
            }
            catch (Exception e) when (e is SocketException or IOException or InvalidOperationException)
            {
            }
        }
    }

    [RootFact]
    public async Task Without_OpenSSL_plain_http_works_and_https_says_what_is_missing()
    {
        await using var world = await World.Serving(("/x", Script));
        const string hide = "for f in /usr/lib/*/libssl.so.* /usr/lib/*/libcrypto.so.* /usr/lib/libssl.so.* /usr/lib/libcrypto.so.*; do "
            + "[ ! -e \"$f\" ] || mount --bind /dev/null \"$f\"; done";
        await world.Run("x").InMountNamespace(hide).Succeeds("ran\n");
        await world.Run("https://127.0.0.1/x").InMountNamespace(hide).Fails(ExitStatus.Unavailable, "OpenSSL", "libssl.so.3");
    }
}
