namespace Run.Tests.Locking.Shared;

/// <summary>Machines: sandboxes with a home of their own, so that they share nothing but a database.</summary>
internal static class Machines
{
    /// <summary>A script that says when it is asked to end, and does so.</summary>
    public const string Telling = "#!/bin/sh\ntrap 'echo told; exit 9' TERM\necho started\nwhile :; do sleep 0.05; done\n";

    /// <summary>
    /// A machine whose run.conf has the database as the place <c>fleet</c>, and that has two scripts of <see cref="Holding"/>.
    /// </summary>
    public static Sandbox New(string url)
    {
        var box = new Sandbox();
        box.Conf($"locks:\n  fleet: {url}\n");
        box.PutHolder();
        box.PutHolder("y");
        return box;
    }

    /// <summary>The name of this machine, which is that of all of them.</summary>
    public static string Name { get; } = File.ReadAllText("/proc/sys/kernel/hostname").Trim();
}
