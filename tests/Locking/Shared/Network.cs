using System.Diagnostics;
using System.Globalization;

namespace Run.Tests.Locking.Shared;

/// <summary>
/// Machines as network namespaces: the server has a link to each of the others, which have a host name of their own. Nothing is changed in
/// the namespace of the tests, and all is gone with the processes that hold the namespaces.
/// </summary>
internal sealed class Network : IDisposable
{
    private readonly List<Process> _holders = [];

    public Network(int machines)
    {
        Holder("db");
        for (var i = 1; i <= machines; i++)
        {
            Holder($"web{i}");
            if (!Try(0, "ip", "link", "add", Link(i), "type", "veth", "peer", "name", "eth0", "netns", Id(i)))
            {
                Assert.SkipWhen(!Tools.InCI(), "this root may not create network links");
            }


            Configure(0, "ip", "address", "add", $"{Address(i)}/24", "dev", Link(i));
            Configure(0, "ip", "link", "set", Link(i), "up");
            Configure(i, "ip", "address", "add", $"10.77.{i}.2/24", "dev", "eth0");
            Configure(i, "ip", "link", "set", "eth0", "up");
        }

        Configure(0, "ip", "link", "set", "lo", "up");
    }

    /// <summary>The server's address in the network of a machine.</summary>
    public static string Address(int machine) => $"10.77.{machine}.1";

    /// <summary>The command that starts another one on a machine; the server is 0.</summary>
    public string[] On(int machine) => ["nsenter", "-t", Id(machine), "-n", "-u", "--"];

    /// <summary>Cuts the cable.</summary>
    public void Cut(int machine) => Configure(0, "ip", "link", "set", Link(machine), "down");

    public void Mend(int machine) => Configure(0, "ip", "link", "set", Link(machine), "up");

    public void Dispose()
    {
        foreach (var holder in _holders)
        {
            holder.Kill();
            holder.WaitForExit();
            holder.Dispose();
        }
    }

    private static string Link(int machine) => $"v{machine}";

    private string Id(int machine) => _holders[machine].Id.ToString(CultureInfo.InvariantCulture);

    /// <summary>Starts a process in namespaces of its own. It ends with the tests.</summary>
    private void Holder(string name)
    {
        var holder = Starter.Start(new ProcessStartInfo(
            "setpriv", ["--pdeathsig", "KILL", "unshare", "-n", "-u", "sh", "-c", $"hostname {name}; echo; exec sleep infinity"])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Suite.Root,
        });
        _holders.Add(holder);
        Assert.SkipWhen(holder.StandardOutput.ReadLine() is null && !Tools.InCI(), "this root may not create namespaces");
    }

    private void Configure(int machine, params string[] command) =>
        Assert.True(Try(machine, command), string.Join(' ', command));

    private bool Try(int machine, params string[] command)
    {
        using var process = Starter.Start(
            new ProcessStartInfo("nsenter", [.. On(machine)[1..], .. command]) { RedirectStandardError = true });
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
