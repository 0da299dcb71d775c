using System.Diagnostics;

namespace Run.Tests.Git;

/// <summary>A real sshd on loopback, with keys of its own, that lets the user who runs the tests in, and nobody else.</summary>
internal sealed class SshServer : IAsyncDisposable
{
    private readonly Process _sshd;
    private readonly string _directory;

    private SshServer(Process sshd, string directory, int port) => (_sshd, _directory, Port) = (sshd, directory, port);

    public int Port { get; }

    /// <summary>For GIT_SSH_COMMAND: with the user's key.</summary>
    public string Command => $"ssh -F {_directory}/config -i {_directory}/user";

    /// <summary>For GIT_SSH_COMMAND: with a key that the server does not know.</summary>
    public string StrangersCommand => $"ssh -F {_directory}/config -i {_directory}/stranger";

    /// <summary>For GIT_SSH_COMMAND: it has never seen the server, and wants to ask about its key.</summary>
    public string SuspiciousCommand => $"ssh -F /dev/null -i {_directory}/user -o UserKnownHostsFile={_directory}/none";

    /// <summary>What git is told of an absolute path on the server.</summary>
    public string Url(string path) => $"ssh://{Environment.UserName}@127.0.0.1:{Port}{path}";

    public static async Task<SshServer> Start(Sandbox box)
    {
        var directory = Directory.CreateDirectory(box.Root + "/sshd").FullName;
        foreach (var key in new[] { "host", "user", "stranger" })
        {
            string[] arguments = ["-q", "-t", "ed25519", "-N", "", "-f", $"{directory}/{key}"];
            using var keygen = Starter.Start(new ProcessStartInfo("ssh-keygen", arguments));
            await keygen.WaitForExitAsync();
        }

        if (Libc.IsRoot)
        {
            Directory.CreateDirectory("/run/sshd"); // where sshd locks its unprivileged half in
        }

        var port = Ports.Free();
        TestFile.Copy($"{directory}/user.pub", $"{directory}/authorized_keys");
        TestFile.Write($"{directory}/known_hosts", $"[127.0.0.1]:{port} {File.ReadAllText($"{directory}/host.pub")}");
        TestFile.Write($"{directory}/config", $"""
            UserKnownHostsFile {directory}/known_hosts
            GlobalKnownHostsFile /dev/null
            IdentitiesOnly yes
            """ + "\n");
        TestFile.Write($"{directory}/sshd_config", $"""
            ListenAddress 127.0.0.1:{port}
            HostKey {directory}/host
            AuthorizedKeysFile {directory}/authorized_keys
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin yes
            AcceptEnv GIT_PROTOCOL
            """ + "\n");
        var sshd = Starter.Start(new ProcessStartInfo("/usr/sbin/sshd", ["-D", "-e", "-f", $"{directory}/sshd_config"])
        {
            RedirectStandardError = true,
        });
        _ = sshd.StandardError.ReadToEndAsync();
        await Eventually.True(() => sshd.HasExited || Ports.IsOpen(port), "sshd listens");
        return new SshServer(sshd, directory, port);
    }

    public async ValueTask DisposeAsync()
    {
        _sshd.Kill(entireProcessTree: true);
        await _sshd.WaitForExitAsync();
        _sshd.Dispose();
    }
}
