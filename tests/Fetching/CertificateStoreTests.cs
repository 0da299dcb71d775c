using System.Security.Cryptography;
using static Run.Tests.Fetching.Answers;

namespace Run.Tests.Fetching;

/// <summary>
/// What SSL_CERT_FILE and SSL_CERT_DIR may hold: whatever it is, they mean to <c>run</c> what they mean to OpenSSL.
/// </summary>
public sealed class CertificateStoreTests
{
    private const string Begin = "-----BEGIN CERTIFICATE-----\n";
    private const string End = "-----END CERTIFICATE-----\n";

    [Theory]
    [InlineData("as it is", true)]
    [InlineData("comments", true)]
    [InlineData("CRLF", true)]
    [InlineData("no line feed at the end", true)]
    [InlineData("blanks at the ends of lines", true)]
    [InlineData("a private key first", true)]
    [InlineData("X509 CERTIFICATE", true)]
    [InlineData("text before BEGIN", false)]
    [InlineData("indented", false)]
    [InlineData("lines of 76", true)]
    [InlineData("headers in the block", false)]
    [InlineData("a bad block first", false)]
    [InlineData("a block without end first", false)]
    public async Task A_bundle_is_read_as_OpenSSL_reads_it(string form, bool isRead)
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue("localhost"), "localhost", ("/x", Script));
        var pem = authority.AuthorityPem + "\n";
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var base64 = string.Concat(pem.Split('\n')[1..^2]);
        world.Variables["SSL_CERT_FILE"] = world.Put("ca.pem", form switch
        {
            "comments" => $"# Test authority\n=====\n{pem}\n{pem}# the end\n",
            "CRLF" => pem.ReplaceLineEndings("\r\n"),
            "no line feed at the end" => pem.TrimEnd('\n'),
            "blanks at the ends of lines" => pem.ReplaceLineEndings(" \n"),
            "a private key first" => $"{key.ExportPkcs8PrivateKeyPem()}\n{pem}",
            "X509 CERTIFICATE" => pem.Replace(" CERT", " X509 CERT", StringComparison.Ordinal),
            "text before BEGIN" => "Test authority " + pem,
            "indented" => "  " + pem.ReplaceLineEndings("\n  "),
            "lines of 76" => Begin + string.Join('\n', base64.Chunk(76).Select(static line => new string(line))) + "\n" + End,
            "headers in the block" => pem.Replace(Begin, Begin + "Name: Test\n\n", StringComparison.Ordinal),
            "a bad block first" => $"{Begin}AAAA\n{End}{pem}",
            "a block without end first" => Begin + pem,
            _ => pem,
        });
        await Agree(world, isRead);
    }

    /// <summary>
    /// What distributions install is usual, so OpenSSL need not read all of it: the file is opened once, and not by OpenSSL.
    /// </summary>
    [Fact]
    public async Task The_bundle_of_this_machine_takes_the_short_cut()
    {
        const string bundle = "/etc/ssl/certs/ca-certificates.crt";
        Assert.SkipUnless(File.Exists(bundle), "it needs the package ca-certificates");
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue("localhost"), "localhost", ("/x", Script));
        var file = world.Put("ca.pem", await File.ReadAllTextAsync(bundle, TestContext.Current.CancellationToken) + authority.AuthorityPem);
        world.Variables["SSL_CERT_FILE"] = file;
        await world.Run("x").Traced(out var trace, "-e", "trace=open,openat").Succeeds("ran\n");
        var opened = await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken);
        Assert.Single(opened, line => line.Contains(file, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("-addtrust serverAuth", true)]
    [InlineData("-addtrust emailProtection", false)]
    [InlineData("-addreject serverAuth", false)]
    public async Task An_authority_that_the_file_rejects_is_not_trusted_by_way_of_the_directory(string settings, bool isTrusted)
    {
        using var authority = new Certificates();
        await using var world = await World.ServingTls(authority.Issue("localhost"), "localhost", ("/x", Script));
        world.Variables["SSL_CERT_FILE"] = world.Put("ca.pem", "");
        world.Variables["SSL_CERT_DIR"] = world.Work + "/trusted";
        var plain = world.Put("trusted/ca.pem", authority.AuthorityPem, executable: false);
        await world.Exec("openssl", "rehash", world.Work + "/trusted").Succeeds("");
        await Agree(world, isTrusted: true);
        world.Server.ForgetRequests();
        await world.Exec("openssl", ["x509", "-in", plain, "-trustout", "-out", "ca.pem", .. settings.Split(' ')]).Succeeds("");
        await Agree(world, isTrusted);
    }

    /// <summary>Both accept the server's certificate, or both refuse it, and then nothing is sent.</summary>
    private static async Task Agree(World<ScriptServer> world, bool isTrusted)
    {
        var server = new Uri(world.Server.Url).Authority;
        var openssl = await world.Exec("openssl", "s_client", "-brief", "-verify_return_error", "-connect", server).Result();
        openssl.Check(openssl.Status == 0 == isTrusted, $"OpenSSL to {(isTrusted ? "accept" : "refuse")} it");
        world.Server.ForgetRequests();
        if (isTrusted)
        {
            await world.Run("-u", "x").Succeeds("ran\n");
        }
        else
        {
            await world.Run("-u", "x").Fails(ExitStatus.Refused, "localhost", "certificate");
            Assert.Empty(world.Server.Requests);
        }
    }
}
