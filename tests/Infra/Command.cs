using System.Diagnostics;
using System.Globalization;
using System.Text;
using Run.Posix;

namespace Run.Tests.Infra;

/// <summary>A command that has not been started yet, and the circumstances of its start. Each method returns the same command.</summary>
internal sealed class Command
{
    private readonly Sandbox _box;
    private readonly Dictionary<string, string> _variables;
    private readonly List<string> _orders = [];
    private string _program;
    private List<string> _arguments;
    private string _directory;
    private byte[]? _input = [];
    private TimeSpan _deadline = TimeSpan.FromSeconds(60);

    public Command(Sandbox box, string program, IEnumerable<string> arguments)
    {
        _box = box;
        _program = program;
        _arguments = [.. arguments];
        _directory = box.Work;
        _variables = new(box.Variables, StringComparer.Ordinal);
    }

    /// <summary>Sets a variable; null removes it.</summary>
    public Command Env(string name, string? value)
    {
        if (value is null)
        {
            _variables.Remove(name);
        }
        else
        {
            _variables[name] = value;
        }

        return this;
    }

    public Command In(string directory)
    {
        _directory = directory;
        return this;
    }

    /// <summary>The content of standard input, which is an empty pipe by default.</summary>
    public Command Input(string text)
    {
        _input = OsText.ToBytes(text);
        return this;
    }

    /// <summary>Leaves standard input open, for <see cref="Child.Type"/>.</summary>
    public Command InputStaysOpen()
    {
        _input = null;
        return this;
    }

    /// <summary>On a terminal of its own, 80×24, as the leader of a session. Standard output is then what the terminal shows.</summary>
    public Command OnTerminal() => InputStaysOpen().Order("terminal", "");

    /// <summary>Sets argv[0] to something else than the program's usual name.</summary>
    public Command CalledAs(string name)
    {
        _arguments[0] = name;
        return this;
    }

    /// <summary>setrlimit(2), soft and hard: nofile, fsize, core, stack, as, cpu, nproc, memlock, data.</summary>
    public Command Limit(string name, long value)
    {
        _orders.AddRange("limit", name, value.ToString(CultureInfo.InvariantCulture));
        return this;
    }

    public Command Ignoring(params int[] signals) => Orders("ignore", signals);

    public Command Blocking(params int[] signals) => Orders("block", signals);

    /// <summary>The process sends itself these signals before the program starts. That is useful only if they are blocked.</summary>
    public Command WithPending(params int[] signals) => Orders("pend", signals);

    public Command WithClosed(params int[] descriptors) => Orders("close", descriptors);

    /// <summary>Leaves the file open for the program, as descriptor 7, for reading and appending, three bytes of it read already.</summary>
    public Command WithOpen(string path) => Order("open", Path.Combine(_directory, path));

    public Command Umask(string octal) => Order("umask", octal);

    public Command Nice(int value) => Orders("nice", value);

    public Command TimerSlack(int nanoseconds) => Orders("slack", nanoseconds);

    public Command WithAlarm(int seconds) => Orders("alarm", seconds);

    public Command NoNewPrivileges() => Order("nonewprivs", "");

    /// <summary>As another user, and a group with the same ID. Only for root: see <see cref="RootFactAttribute"/>.</summary>
    public Command As(int user) => Orders("user", user);

    /// <summary>In a mount namespace of its own, which these lines of sh set up. Only for root.</summary>
    public Command InMountNamespace(string setup) =>
        Through("unshare", "-m", "sh", "-c", $"set -e\n{setup}\nprogram=$1; shift 2; exec \"$program\" \"$@\"", "sh", _program);

    /// <summary>Puts another program in front: <c>strace -f -o file</c>, <c>prlimit</c>, <c>env --block-signal</c>.</summary>
    public Command Through(params string[] prefix)
    {
        // The prefix executes the program by its path, so argv[0] is that path.
        _arguments = prefix.Contains(_program) ? [.. prefix, .. _arguments] : [.. prefix, _program, .. _arguments[1..]];
        _program = prefix[0];
        return this;
    }

    /// <summary>Under strace(1), with all that it starts. Each line of the file is a PID and a system call.</summary>
    public Command Traced(out string file, params string[] options)
    {
        Tools.Need("strace");
        file = Path.Combine(_box.Root, Path.GetRandomFileName() + ".trace");
        return Through(["strace", "-f", "-qq", "-s", "4096", .. options, "-o", file]);
    }

    /// <summary>If it takes longer than this, by default a minute, the test fails and the processes are killed.</summary>
    public Command Within(TimeSpan deadline)
    {
        _deadline = deadline;
        return this;
    }

    public Child Start()
    {
        var orders = new List<string> { "program", _program, "directory", _directory };
        orders.AddRange(_arguments.SelectMany(static argument => (string[])["argument", argument]));
        orders.AddRange(_variables.SelectMany(static variable => (string[])["variable", $"{variable.Key}={variable.Value}"]));
        orders.AddRange(_orders);
        var file = Path.Combine(_box.Root, Path.GetRandomFileName() + ".orders");
        TestFile.Write(file, [.. orders.SelectMany(static word => OsText.ToCString(word))]);

        var process = Starter.Start(new ProcessStartInfo(Suite.Start, [file])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        });
        var child = new Child(process, Describe(), _deadline);
        if (_input is { } input)
        {
            child.GiveInput(input);
        }

        return child;
    }

    /// <summary>Runs it and waits until it has ended.</summary>
    public async Task<Result> Result()
    {
        await using var child = Start();
        return await child.Exit();
    }

    /// <summary>It must end with exactly this status and output, and print nothing else.</summary>
    public async Task<Result> Expect(int status, string stdout, string stderr = "") => (await Result()).Is(status, stdout, stderr);

    /// <summary>It must print this, nothing on standard error, and exit 0.</summary>
    public Task<Result> Succeeds(string stdout) => Expect(0, stdout);

    /// <summary>
    /// It must fail in the way of <c>run</c>: with this status, nothing on standard output and, on standard error, one message that
    /// contains each of these words, in one line and at most one more for a hint.
    /// </summary>
    internal async Task<Result> Fails(ExitStatus status, params string[] words) => (await Result()).Failed((int)status, words);

    private Command Order(string what, string value)
    {
        _orders.AddRange(what, value);
        return this;
    }

    private Command Orders(string what, params int[] values)
    {
        foreach (var value in values)
        {
            Order(what, value.ToString(CultureInfo.InvariantCulture));
        }

        return this;
    }

    /// <summary>The command as one would type it, with the variables that differ from the sandbox's own.</summary>
    private string Describe()
    {
        var text = new StringBuilder("$ ");
        foreach (var (name, value) in _variables.Where(v => !_box.Variables.TryGetValue(v.Key, out var usual) || usual != v.Value))
        {
            text.Append(CultureInfo.InvariantCulture, $"{name}={Quote(value)} ");
        }

        foreach (var name in _box.Variables.Keys.Where(name => !_variables.ContainsKey(name)))
        {
            text.Append(CultureInfo.InvariantCulture, $"env -u {name} ");
        }

        text.AppendJoin(' ', _arguments.Select(Quote));
        if (_orders.Count > 0)
        {
            text.Append("   # ").AppendJoin(' ', _orders);
        }

        return text.ToString();
    }

    private static string Quote(string word) =>
        word.Length > 0 && word.All(static c => char.IsAsciiLetterOrDigit(c) || "-_./:=@%+,#".Contains(c, StringComparison.Ordinal))
            ? word
            : $"'{Messages.Printable(word).Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
