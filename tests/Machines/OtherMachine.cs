using System.Globalization;

namespace Run.Tests.Machines;

/// <summary>
/// Another machine, as far as one can tell through ssh: an sshd on loopback that leads to a HOME, a cache, a run.conf and a PATH of its
/// own, with <c>run</c> in it.
/// </summary>
internal sealed class OtherMachine : IAsyncDisposable
{
    private readonly Child _server;

    private OtherMachine(Sandbox box, Child server, int port) => (Box, _server, Port) = (box, server, port);

    /// <summary>What is there.</summary>
    public Sandbox Box { get; }

    private int Port { get; }

    public static async Task<OtherMachine> Start()
    {
        var box = new Sandbox();
        await box.Exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", box.Root + "/host").Succeeds("");
        await box.Exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", box.Root + "/user").Succeeds("");
        if (Libc.IsRoot)
        {
            // What the package's service would create.
            Directory.CreateDirectory("/run/sshd");
        }

        for (var attempt = 1; ; attempt++)
        {
            var port = Ports.Free();
            TestFile.Write(box.Root + "/sshd.conf", string.Create(CultureInfo.InvariantCulture, $"""
                ListenAddress 127.0.0.1
                Port {port}
                HostKey {box.Root}/host
                AuthorizedKeysFile {box.Root}/user.pub
                StrictModes no
                UsePAM no
                PidFile none
                MaxStartups 100
                SetEnv {string.Join(' ', box.Variables.Select(static v => $"\"{v.Key}={v.Value}\""))}

                """));

            // It starts itself again for each connection, and wants a path for that.
            var server = box.Exec("/usr/sbin/sshd", "-D", "-e", "-f", box.Root + "/sshd.conf").Start();
            try
            {
                await server.Errors("Server listening on ");
                return new OtherMachine(box, server, port);
            }
            catch (InvalidOperationException) when (attempt < 5)
            {
                // Another process has taken the port meanwhile.
                await server.DisposeAsync();
            }
        }
    }

    /// <summary>Writes an ssh_config(5) that leads to these machines as web1, web2 and so on. Returns its path.</summary>
    public static string Configure(Sandbox client, params OtherMachine[] machines)
    {
        var text = string.Concat(machines.Select(static (machine, index) => string.Create(CultureInfo.InvariantCulture, $"""
            Host web{index + 1}
              Port {machine.Port}
              IdentityFile {machine.Box.Root}/user

            """)));
        return client.Put("ssh.conf", $"""
            {text}
            Host *
              HostName 127.0.0.1
              User {Environment.UserName}
              IdentitiesOnly yes
              StrictHostKeyChecking no
              UserKnownHostsFile /dev/null
              LogLevel ERROR
              BatchMode yes

            """, executable: false);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Box.Dispose();
    }
}
