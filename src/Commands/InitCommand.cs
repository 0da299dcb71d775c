using Run.CommandLine;
using Run.Generated;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;
using Run.Storage;

namespace Run.Commands;

/// <summary><c>--init</c>: creates a first run.conf with comments.</summary>
internal static class InitCommand
{
    private const string Text = """
        # run.conf: where `run` finds scripts. A source here overrides the built-in one of the same name.
        #
        # In a pattern, %s is what is typed after "NAME:". With several %s, it is split at "/", and the last %s takes the rest.
        # {ref} is a branch, tag or commit: what follows "@", else "ref:", else HEAD.

        sources:
          # run tools:backup.sh
          # tools: https://git.example.com/ops/tools/-/raw/{ref}/%s

          # run team:backup.sh (in a directory of this machine)
          # team: /srv/scripts/%s

          # run app:bin/deploy (with all files of an archive or a git repository, which is what stands before the //)
          # app: https://example.com/app-1.2.tar.gz//%s
          # repo: git+ssh://git@git.example.com/ops/tools.git//bin/%s

          # The long form. Every key but url is optional.
          # ops:
          #   url: https://git.example.com/ops/scripts/-/raw/{ref}/%s
          #   mirrors: [https://mirror.example.com/ops/%s]
          #   ref: main
          #   headers: {PRIVATE-TOKEN: "${OPS_TOKEN}"}   # sent only if the variable is set, and only to the host of url
          #   max-age: 1d               # ask the server again if the copy is older: s, m, h or d
          #   lock: exclusive           # one at a time, as with --lock; or a place of locks:, for several machines
          #   trust: pinned             # always (default), ask or pinned
          #   signers: ~/.config/run/ops.signers   # only what one of these has signed: ssh's allowed_signers
          #   plain-http: allow         # otherwise http:// is refused, except to loopback
          #   # The URL that tells the commit of a ref, for --pin. Its %s are the first ones of url.
          #   commit: https://git.example.com/api/v4/projects/ops%2Fscripts/repository/commits/{ref}

        # What starts scripts on other machines, for --on.
        launchers:
          # web: ssh web1
          # fleet: parallel --nonall --tag -S web1,web2,web3
          # batch: {command: sbatch --wait --wrap, quoting: shell}   # shell: one word for a shell; none: words as they are
          # alone: {command: "etcdctl lock {script} --", hands: path}   # path: the cached file instead of run SCRIPT

        # Places for locks that several machines share, as in --lock=fleet:NAME: PostgreSQL databases. Passwords belong in ~/.pgpass.
        locks:
          # fleet: postgresql://cron@db.example.com/ops?sslmode=verify-full

        # What starts a script without a #! line, by the end of its name. sh starts the others.
        interpreters:
          # .py: python3
          # .js: node

        # Built in. A source of the same name above replaces one:
        #

        """;

    public static int Execute(RunContext context, Invocation invocation)
    {
        var path = context.NamedConfiguration
            ?? (Processes.EffectiveUser == Processes.Root ? XdgPaths.SystemConfiguration : context.Paths.Configuration)
            ?? throw new RunException(
                ExitStatus.CannotWrite, "HOME is not set, so there is no place for a run.conf", "name one with --config FILE");
        if (Files.LinkStatus(path).Value is not null)
        {
            throw new RunException(ExitStatus.CannotWrite, $"{path}: already exists; left unchanged");
        }

        var builtIn = BuiltIn.run_conf[BuiltIn.run_conf.IndexOf("\nsources:", StringComparison.Ordinal)..].TrimStart().Split('\n')
            .Select(static line => line.Length > 0 ? $"# {line}" : line);
        AtomicFile.Create(path, OsText.ToBytes(Text + string.Join('\n', builtIn).TrimEnd() + "\n"), Permissions.PublicFile);
        Messages.Note($"wrote {path}");
        return 0;
    }
}
