using Run.CommandLine;
using Run.Generated;
using Run.Inputs;
using Run.Posix;
using Run.Reporting;
using Run.Storage;


namespace Run.Commands;

/// <summary><c>--init</c>: a first run.conf that explains itself.</summary>
internal static class InitCommand
{
    private const string Text = """
        # run.conf: where `run` finds scripts. What is here comes after what is built in, and wins.
        #
        # In a pattern, %s is a part of what is typed after "NAME:"; with several, it is split at "/", and the last one takes
        # all that is left. {ref} is a branch, tag or commit: what follows "@", else "ref:", else HEAD.

        sources:
          # run tools:backup.sh
          # tools: https://git.example.com/ops/tools/-/raw/{ref}/%s

          # The long form. Every key but url is optional.
          # ops:
          #   url: https://git.example.com/ops/scripts/-/raw/{ref}/%s
          #   mirrors: [https://mirror.example.com/ops/%s]
          #   ref: main
          #   headers: {PRIVATE-TOKEN: "${OPS_TOKEN}"}   # sent only when the variable is set, and only to the host of url
          #   max-age: 1d               # ask the server again when the copy is older: s, m, h or d
          #   lock: exclusive           # one at a time, as with --lock
          #   trust: pinned             # always (default), ask or pinned
          #   plain-http: allow         # http:// is refused otherwise, loopback aside
          #   # What tells the commit of a ref, for --pin; its %s are the first of url's.
          #   commit: https://git.example.com/api/v4/projects/ops%2Fscripts/repository/commits/{ref}

        # What starts a script without a #! line, by the end of its name; sh starts the others.
        interpreters:
          # .py: python3
          # .js: node

        # Built in, to be replaced by a source of the same name above:
        #

        """;

    public static int Execute(RunContext context, Invocation invocation)
    {
        var path = context.NamedConfiguration
            ?? (Processes.EffectiveUser == Processes.Root ? XdgPaths.SystemConfiguration : context.Paths.Configuration)
            ?? throw new RunException(ExitStatus.CannotWrite, "HOME is not set, so there is no place for a run.conf", "--config FILE names one");
        if (Files.LinkStatus(path).Value is not null)
        {
            throw new RunException(ExitStatus.CannotWrite, $"{path}: is there already, and stays as it is");
        }

        var builtIn = BuiltIn.run_conf.Split('\n').SkipWhile(static l => !l.StartsWith("sources:", StringComparison.Ordinal));
        AtomicFile.Create(path, OsText.ToBytes(Text + string.Join('\n', builtIn.Select(static l => l.Length > 0 ? $"# {l}" : l)).TrimEnd() + "\n"), Permissions.PublicFile);
        Messages.Note($"wrote {path}");
        return 0;
    }
}
