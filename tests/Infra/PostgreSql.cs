using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace Run.Tests.Infra;

/// <summary>
/// A PostgreSQL server of its own for a test, or a class of them: a cluster in a temporary directory, on a free port, with TLS. Everybody
/// is trusted, but for the role <c>guarded</c>. Root starts it as another user, because the server insists.
/// </summary>
public sealed class PostgreSql : IAsyncLifetime
{
    private const int Nobody = 65534;

    private static readonly string? s_programs = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(static version => version + "/bin")
            .Where(static bin => File.Exists(bin + "/initdb") && File.Exists(bin + "/postgres"))
            .OrderByDescending(static bin => bin, StringComparer.Ordinal).FirstOrDefault()
        : null;

    private readonly string[] _through;
    private readonly string _listen;
    private readonly string _root = Path.Combine(Suite.Root, Path.GetRandomFileName());
    private Process? _server;
    private int _databases;

    public PostgreSql()
        : this("127.0.0.1")
    {
    }

    /// <param name="listen">The addresses.</param>
    /// <param name="through">The command that starts it: <c>nsenter</c>, with its options.</param>
    internal PostgreSql(string listen, params string[] through) => (_listen, _through) = (listen, through);

    /// <summary>The password of the role <c>guarded</c>.</summary>
    internal const string Password = "Open/Sesame@7";

    internal int Port { get; private set; }

    /// <summary>Where its Unix-domain socket is.</summary>
    internal string Sockets => _root + "/s";

    /// <summary>The certificate of the authority that has issued the server's, in a file.</summary>
    internal string Authority => _root + "/ca.pem";

    internal string Data => _root + "/data";

    /// <summary>A server for one test.</summary>
    internal static async Task<PostgreSql> Start(string listen = "127.0.0.1", params string[] through)
    {
        var server = new PostgreSql(listen, through);
        await server.InitializeAsync();
        Need();
        return server;
    }

    /// <summary>Skips the test if there is no PostgreSQL here.</summary>
    internal static void Need() => Tools.Need("pg_ctlcluster", "psql", s_programs is null ? "initdb of PostgreSQL" : "psql");

    public async ValueTask InitializeAsync()
    {
        if (s_programs is null)
        {
            return;
        }

        Directory.CreateDirectory(Sockets);
        using (var authority = new Certificates("Authority of the database"))
        using (var certificate = authority.Issue())
        {
            TestFile.Write(Authority, authority.AuthorityPem);
            TestFile.Write(_root + "/server.pem", certificate.ExportCertificatePem());
            TestFile.Write(_root + "/server.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }

        File.SetUnixFileMode(_root + "/server.key", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var path in Libc.IsRoot ? Directory.GetFileSystemEntries(_root).Prepend(_root) : [])
        {
            Libc.ChangeOwner(path, Nobody);
        }

        using (var initdb = AsOwner(s_programs + "/initdb", "-D", Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"))
        {
            await initdb.WaitForExitAsync();
            Assert.Equal(0, initdb.ExitCode);
        }

        TestFile.Write(Data + "/pg_hba.conf", """
            host all guarded all scram-sha-256
            local all all trust
            host all all all trust

            """);
        await Up();
        Sql($"CREATE ROLE guarded LOGIN PASSWORD '{Password}'; CREATE ROLE other LOGIN");
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await Down(Libc.SIGINT);
        }
    }

    /// <summary>Starts the server.</summary>
    internal async Task Up()
    {
        for (var attempt = 0; attempt < 5; attempt++)
        {
            Port = Port == 0 ? Ports.Free() : Port;
            var port = Port.ToString(CultureInfo.InvariantCulture);
            _server = AsOwner(
                s_programs + "/postgres", "-D", Data, "-p", port, "-k", Sockets, "-h", _listen, "-c", "fsync=off", "-c",
                "shared_buffers=16MB", "-c", "ssl=on", "-c", $"ssl_cert_file={_root}/server.pem", "-c",
                $"ssl_key_file={_root}/server.key");
            var clock = Stopwatch.StartNew();
            while (!_server.HasExited && clock.Elapsed < Eventually.Deadline)
            {
                if (TrySql("SELECT 1", "postgres").Status == 0)
                {
                    return;
                }

                await Task.Delay(20);
            }

            // Another process may have taken the port.
            _server.Kill();
            Port = 0;
        }

        Assert.Fail("PostgreSQL does not start");
    }

    /// <summary>
    /// Ends the server: SIGINT ends all sessions in order, SIGQUIT at once, SIGKILL leaves the sessions to find out.
    /// </summary>
    internal async Task Down(int signal)
    {
        Libc.Signal(_server!.Id, signal);
        await _server.WaitForExitAsync();
        _server.Dispose();
        _server = null;
    }

    /// <summary>A new, empty database. Locks belong to a database, so each test has those of its own.</summary>
    internal string Database()
    {
        Need();
        var name = $"d{Interlocked.Increment(ref _databases)}";
        Sql($"CREATE DATABASE {name}");
        return name;
    }

    /// <summary>The URL of a database.</summary>
    internal string Url(string database, string user = "postgres", string host = "127.0.0.1", string rest = "") =>
        $"postgresql://{user}@{host}:{Port}/{database}{rest}";

    /// <summary>Executes statements as the superuser. Returns the values, one row a line.</summary>
    internal string Sql(string statements, string database = "postgres")
    {
        var (status, output) = TrySql(statements, database);
        Assert.True(status == 0, $"{statements}: {output}");
        return output;
    }

    /// <summary>The server's sessions that hold a lock.</summary>
    internal int Locked(string database) => int.Parse(
        Sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
            + $"(SELECT oid FROM pg_database WHERE datname = '{database}')"),
        CultureInfo.InvariantCulture);

    /// <summary>Ends the session that holds a lock, as its administrator would.</summary>
    internal void Terminate(string database) => Sql(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.database = "
        + $"(SELECT oid FROM pg_database WHERE datname = '{database}')");

    /// <summary>Starts a program as the owner of the cluster; it ends with the test runner.</summary>
    internal Process AsOwner(params string[] command)
    {
        string[] user = Libc.IsRoot ? [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups"] : [];
        string[] words = [.. _through, "setpriv", "--pdeathsig", "QUIT", .. user, .. command];
        var process = Starter.Start(new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _root,
        });

        // What it prints is nothing that a test needs, but it must not fill the pipe.
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private (int Status, string Output) TrySql(string statements, string database)
    {
        var how = new ProcessStartInfo(
            "psql",
            [
                "-X", "-A", "-t", "-q", "-h", Sockets, "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", "postgres", "-d", database,
                "-c", statements,
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        using var psql = Starter.Start(how);
        var errors = psql.StandardError.ReadToEndAsync();
        var output = psql.StandardOutput.ReadToEnd();
        psql.WaitForExit();
        return (psql.ExitCode, (output + errors.Result).TrimEnd('\n'));
    }
}
