using System.Diagnostics;
using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>
/// HOME, the XDG directories, PATH and a working directory for one test. Nothing of the test runner's environment gets in.
/// <code>
/// using var box = new Sandbox();
/// box.Sources(server);
/// await box.Run("hello", "a b").Succeeds("hello a b\n");
/// await box.Run("helo").Fails(ExitStatus.NotFound, "helo", "404");
/// </code>
/// Arguments, variables and paths are OsText: "\udcff" is the byte 0xff. When the test ends, every process that it started is killed, and
/// the directory is deleted.
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

    /// <summary>The environment of every command in this sandbox.</summary>
    public Dictionary<string, string> Variables { get; }

    /// <summary>Starts <c>run</c> with these arguments.</summary>
    public Command Run(params string[] arguments) => new(this, Suite.Binary, ["run", .. arguments]);

    /// <summary>Starts a line of sh, in which <c>run</c> is the binary under test.</summary>
    public Command Sh(string line) => new(this, "/bin/sh", ["sh", "-c", line]);

    /// <summary>Starts another program, from the usual directories.</summary>
    public Command Exec(string program, params string[] arguments) => new(this, program, [program, .. arguments]);

    /// <summary>Writes the user's run.conf.</summary>
    public void Conf(string text) => Write(ConfFile, text);

    /// <summary>Writes a run.conf whose <c>default</c> is the server. More lines go below <c>sources:</c>, indented by two.</summary>
    public void Sources(ScriptServer server, params string[] more) => Sources(server.Url, more);

    public void Sources(string url, params string[] more) =>
        Conf($"sources:\n  default: {url}/%s\n{string.Concat(more.Select(line => $"  {line}\n"))}");

    /// <summary>Makes every command trust the certificates of the authority.</summary>
    public void Trust(Certificates authority) => Variables["SSL_CERT_FILE"] = Put("ca.pem", authority.AuthorityPem);

    /// <summary>Writes a file, executable by default, into the working directory or to an absolute path. Returns its path.</summary>
    public string Put(string name, string content, bool executable = true)
    {
        var path = Path.Combine(Work, name);
        Write(path, content);
        const UnixFileMode plain = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        const UnixFileMode execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(path, executable ? plain | execute : plain);
        return path;
    }

    /// <summary>All files in the cache, of any kind.</summary>
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
            // A test may have removed permissions from a directory; its owner can restore them.
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
        TestFile.Write(path, OsText.ToBytes(content));
    }
}
