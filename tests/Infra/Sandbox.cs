using System.Diagnostics;
using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>
/// A world of its own for one test: HOME, the XDG directories, PATH, a working directory; nothing of the runner's environment gets in.
/// <code>
/// using var box = new Sandbox();
/// box.Sources(server);
/// await box.Run("hello", "a b").Succeeds("hello a b\n");
/// await box.Run("helo").Fails(ExitStatus.NotFound, "helo", "404");
/// </code>
/// Texts that stand for arguments, variables and paths are OsText: "\udcff" is the byte 0xff. When the test ends, so does every process
/// that it started, and the directory is gone.
/// </summary>
internal class Sandbox : IDisposable
{
    public Sandbox()
    {
        Root = Directory.CreateDirectory(Path.Combine(Suite.Root, Path.GetRandomFileName())).FullName;
        foreach (var directory in (ReadOnlySpan<string>)[Home, ConfigHome, CacheHome, StateHome, Work, Temporary, Bin])
        {
            Directory.CreateDirectory(directory);
        }

        File.CreateSymbolicLink(Path.Combine(Bin, "run"), Suite.Binary);
        Variables = new(StringComparer.Ordinal)
        {
            ["HOME"] = Home,
            ["XDG_CONFIG_HOME"] = ConfigHome,
            ["XDG_CACHE_HOME"] = CacheHome,
            ["XDG_STATE_HOME"] = StateHome,
            ["TMPDIR"] = Temporary,
            ["PATH"] = Bin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ["LANG"] = "C.UTF-8",
        };
    }

    public string Root { get; }

    public string Home => Root + "/home";

    public string ConfigHome => Home + "/.config";

    public string CacheHome => Home + "/.cache";

    public string StateHome => Home + "/.local/state";

    /// <summary>Where commands are started.</summary>
    public string Work => Root + "/work";

    public string Temporary => Root + "/tmp";

    /// <summary>The first directory of PATH; <c>run</c> is in it.</summary>
    public string Bin => Root + "/bin";

    /// <summary>The cache of <c>run</c>.</summary>
    public string Cache => CacheHome + "/run";

    /// <summary>The locks of <c>run</c>.</summary>
    public string Locks => StateHome + "/run/locks";

    /// <summary>The user's run.conf.</summary>
    public string ConfFile => ConfigHome + "/run/run.conf";

    /// <summary>What every command of this sandbox finds in its environment.</summary>
    public Dictionary<string, string> Variables { get; }

    /// <summary>Starts <c>run</c> with these arguments.</summary>
    public Command Run(params string[] arguments) => new(this, Suite.Binary, ["run", .. arguments]);

    /// <summary>Starts a line of sh, in which <c>run</c> is the binary under test.</summary>
    public Command Sh(string line) => new(this, "/bin/sh", ["sh", "-c", line]);

    /// <summary>Starts another program, found in the usual places.</summary>
    public Command Exec(string program, params string[] arguments) => new(this, program, [program, .. arguments]);

    /// <summary>Writes the user's run.conf.</summary>
    public void Conf(string text) => Write(ConfFile, text);

    /// <summary>Writes a run.conf whose <c>default</c> is the server; more lines belong to <c>sources:</c> and are indented by two.</summary>
    public void Sources(ScriptServer server, params string[] more) => Sources(server.Url, more);

    public void Sources(string url, params string[] more) => Conf($"sources:\n  default: {url}/%s\n{string.Concat(more.Select(line => $"  {line}\n"))}");

    /// <summary>Has every command trust the certificates that the authority has issued.</summary>
    public void Trust(Certificates authority) => Variables["SSL_CERT_FILE"] = Put("ca.pem", authority.AuthorityPem);

    /// <summary>Writes a file, by default one that can be executed, into the working directory (or to an absolute path); returns where.</summary>
    public string Put(string name, string content, bool executable = true)
    {
        var path = Path.Combine(Work, name);
        Write(path, content);
        const UnixFileMode plain = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(path, executable ? plain | execute : plain);
        return path;
    }

    /// <summary>All files of the cache, whatever they are.</summary>
    public string[] CachedFiles() => Directory.Exists(Cache) ? Directory.GetFiles(Cache, "*", SearchOption.AllDirectories) : [];

    /// <summary>The one cached file that holds the script of this name.</summary>
    public string CachedScript(string name) => Assert.Single(CachedFiles(), path => Path.GetFileName(path) == name);

    /// <summary>Gives the whole sandbox to another user, for commands that are started <see cref="Command.As"/> that user.</summary>
    public void GiveTo(int user)
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(Root, "*", SearchOption.AllDirectories).Prepend(Root))
        {
            Libc.ChangeOwner(path, user);
        }
    }

    public void Dispose()
    {
        Processes.KillAllUnder(Root);
        Delete(Root);
    }

    private static void Delete(string directory)
    {
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (UnauthorizedAccessException)
        {
            // A test that took permissions away leaves directories that only their owner can open again.
            foreach (var path in Directory.EnumerateDirectories(directory, "*", new EnumerationOptions { RecurseSubdirectories = true }))
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            Directory.Delete(directory, recursive: true);
        }
        catch (IOException)
        {
            // .NET cannot name a file whose name is not UTF-8.
            using var rm = Starter.Start(new ProcessStartInfo("rm", ["-rf", directory]));
            rm.WaitForExit();
        }
    }

    private static void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, OsText.ToBytes(content));
    }
}
