using System.Security.Cryptography.X509Certificates;

namespace Run.Tests.Fetching;

/// <summary>A real script from a real server: Debian's pt-summary from nginx, over HTTP and over TLS.</summary>
public sealed class RealInputTests
{
    private const string PtSummary = "/usr/bin/pt-summary";

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task Pt_summary_runs_by_its_bare_name_and_the_second_run_asks_for_nothing(string scheme)
    {
        Tools.Need("pt-summary", "nginx");
        using var box = new Sandbox();
        using var authority = new Certificates();
        await using var nginx = await StartNginx(box, authority);
        var origin = scheme == "http" ? $"http://127.0.0.1:{nginx.Http}" : $"https://127.0.0.1:{nginx.Https}";
        box.Sources(origin);
        box.Variables["SSL_CERT_FILE"] = box.Put("authority.pem", authority.AuthorityPem, executable: false);

        // It exits with 1 after it has printed its version.
        var direct = await box.Exec(PtSummary, "--version").Result();
        Assert.StartsWith("pt-summary ", direct.Stdout, StringComparison.Ordinal);
        await box.Run("pt-summary", "--version").Expect(direct.Status, direct.Stdout);
        await nginx.HasLogged(1);
        await box.Run("pt-summary", "--version").Expect(direct.Status, direct.Stdout);

        var real = await box.Run("pt-summary", "--sleep", "1", "--summarize-network").Result();
        var usage = await box.Run("pt-summary", "--help").Result();
        Assert.Contains("Usage: pt-summary", usage.Stdout, StringComparison.Ordinal);
        Assert.StartsWith("# Percona Toolkit System Summary Report", real.Stdout, StringComparison.Ordinal);
        Assert.EndsWith("# The End ####################################################\n", real.Stdout, StringComparison.Ordinal);

        // According to nginx's log there was one request for the script, and none since.
        Assert.Matches(@"^GET /pt-summary HTTP/1.1 200\n$", nginx.Log);
        await box.Run("-u", "pt-summary", "--version").Expect(direct.Status, direct.Stdout);
        await nginx.HasLogged(2);
        Assert.EndsWith(" 304\n", nginx.Log, StringComparison.Ordinal);
    }

    private static async Task<Nginx> StartNginx(Sandbox box, Certificates authority)
    {
        using var certificate = authority.Issue();
        var directory = Directory.CreateDirectory(box.Root + "/nginx").FullName;
        var (http, https) = (Ports.Free(), Ports.Free());
        TestFile.Copy(PtSummary, Directory.CreateDirectory(directory + "/www").FullName + "/pt-summary");
        box.Put(directory + "/server.pem", certificate.ExportCertificatePem(), executable: false);
        box.Put(directory + "/server.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(), executable: false);
        box.Put(directory + "/nginx.conf", $$"""
            daemon off;
            master_process off;
            user root;
            pid {{directory}}/pid;
            error_log {{directory}}/errors;
            events {}
            http {
                log_format brief '$request $status';
                access_log {{directory}}/log brief;
                client_body_temp_path {{directory}}/t1;
                proxy_temp_path {{directory}}/t2;
                fastcgi_temp_path {{directory}}/t3;
                uwsgi_temp_path {{directory}}/t4;
                scgi_temp_path {{directory}}/t5;
                gzip on;
                gzip_types *;
                server {
                    listen 127.0.0.1:{{http}};
                    listen 127.0.0.1:{{https}} ssl;
                    ssl_certificate server.pem;
                    ssl_certificate_key server.key;
                    root {{directory}}/www;
                }
            }
            """, executable: false);
        var child = box.Exec("/usr/sbin/nginx", "-p", directory, "-c", directory + "/nginx.conf", "-e", directory + "/errors").Start();
        await Eventually.True(() => Ports.IsOpen(http) || child.HasExited, "nginx listens");
        Assert.False(child.HasExited, child.ErrorsSoFar);
        return new Nginx(child, http, https, directory + "/log");
    }

    private sealed class Nginx(Child child, int http, int https, string log) : IAsyncDisposable
    {
        public int Http => http;

        public int Https => https;

        public string Log => File.ReadAllText(log);

        /// <summary>Waits, because nginx writes its log after it has answered.</summary>
        public Task HasLogged(int lines) =>
            Eventually.True(() => Log.Count(static c => c == '\n') >= lines, $"nginx has logged {lines} requests");

        public ValueTask DisposeAsync() => child.DisposeAsync();
    }
}
