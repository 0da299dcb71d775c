namespace Run.Execution;

/// <summary>Programs that become, or start, the command that follows their own options: <c>nice -n 5 COMMAND</c>.</summary>
/// <param name="WithValue">Its options whose value may be the next word.</param>
/// <param name="Operands">How many words it needs before the command.</param>
/// <param name="TakesVariables">Whether <c>NAME=VALUE</c> may stand before the command.</param>
internal sealed record Wrapper(string[] WithValue, int Operands = 0, bool TakesVariables = false)
{
    private const string Architecture = "setarch";

    private static readonly string[] s_architectures =
    [
        "aarch64", "arm", "i386", "i486", "i586", "i686", "linux32", "linux64", "loongarch64", "mips", "mips64", "ppc", "ppc64", "ppc64le",
        "riscv64", "s390", "s390x", "uname26", "x86_64",
    ];

    /// <summary>
    /// How many words stand before the command, behind the wrapper's name; null if it is no wrapper, or starts no command.
    /// </summary>
    public static int? Own(string name, ReadOnlySpan<string> words)
    {
        if (Of(name) is not { } wrapper)
        {
            return null;
        }

        var at = wrapper.AfterOptions(words, 0);
        at = name == Architecture && at < words.Length && s_architectures.Contains(words[at])
            ? wrapper.AfterOptions(words, at + 1)
            : at + wrapper.Operands;
        while (wrapper.TakesVariables && at < words.Length && words[at].IndexOf('=', StringComparison.Ordinal) > 0)
        {
            at++;
        }

        return at < words.Length ? at : null;
    }

    /// <summary>Null if it is none. Nearly every interpreter is none, so nothing is made ahead.</summary>
    private static Wrapper? Of(string name) => name switch
    {
        "chrt" => new(["-D", "-P", "-T", "--sched-deadline", "--sched-period", "--sched-runtime"], Operands: 1),
        "doas" => new(["-a", "-C", "-u"]),
        "flock" => new(["-E", "-w", "--conflict-exit-code", "--timeout", "--wait"], Operands: 1),
        "ionice" => new(["-c", "-n", "--class", "--classdata"]),
        "nice" => new(["-n", "--adjustment"]),
        "nohup" => new([]),
        "prlimit" => new(["-o", "--output"]),
        Architecture => new([]),
        "setpriv" => new(
        [
            "--ambient-caps", "--apparmor-profile", "--bounding-set", "--egid", "--euid", "--groups", "--inh-caps", "--landlock-access",
            "--landlock-rule", "--pdeathsig", "--ptracer", "--regid", "--reuid", "--rgid", "--ruid", "--seccomp-filter", "--securebits",
            "--selinux-label",
        ]),
        "setsid" => new([]),
        "stdbuf" => new(["-e", "-i", "-o", "--error", "--input", "--output"]),
        "sudo" => new(
        [
            "-C", "-D", "-g", "-h", "-p", "-R", "-r", "-T", "-t", "-U", "-u", "--chdir", "--chroot", "--close-from", "--command-timeout",
            "--group", "--host", "--other-user", "--prompt", "--role", "--type", "--user",
        ], TakesVariables: true),
        "taskset" => new([], Operands: 1),
        "time" => new(["-f", "-o", "--format", "--output"]),
        "timeout" => new(["-k", "-s", "--kill-after", "--signal"], Operands: 1),
        "unshare" => new(
        [
            "-G", "-l", "-R", "-S", "-w", "--boottime", "--load-interp", "--map-group", "--map-groups", "--map-user", "--map-users",
            "--monotonic", "--propagation", "--root", "--setgid", "--setgroups", "--setuid", "--wd",
        ]),
        _ => null,
    };

    private int AfterOptions(ReadOnlySpan<string> words, int at)
    {
        while (at < words.Length && words[at] is ['-', _, ..] word)
        {
            at++;
            if (word == "--")
            {
                break;
            }

            at += NeedsNext(word) ? 1 : 0;
        }

        return at;
    }

    /// <summary>Whether the option's value is the next word.</summary>
    private bool NeedsNext(string word)
    {
        if (word[1] == '-')
        {
            return !word.Contains('=', StringComparison.Ordinal)
                && WithValue.Any(option => option.StartsWith(word, StringComparison.Ordinal));
        }

        // Of a group, the first that takes a value takes the rest of the word, or the next word if there is no rest.
        for (var i = 1; i < word.Length; i++)
        {
            if (WithValue.Contains($"-{word[i]}"))
            {
                return i + 1 == word.Length;
            }
        }

        return false;
    }
}
