using Run.Inputs;
using Run.Posix;

namespace Run.Execution;

/// <summary>The search for a command as execvp(3) does it.</summary>
internal static class SearchPath
{
    // What execvp falls back to.
    private const string Default = "/bin:/usr/bin";

    /// <summary>Where the command is; null where it is not there. A name with a slash is a path already.</summary>
    /// <param name="unusable">A file of that name that cannot be executed, where there is nothing better.</param>
    public static string? Find(string command, ReadSet reads, out string? unusable)
    {
        unusable = null;
        if (command.Contains('/', StringComparison.Ordinal))
        {
            return command;
        }

        foreach (var directory in (reads.Variable("PATH") ?? Default).Split(':'))
        {
            var path = directory.Length == 0 ? $"./{command}" : $"{directory}/{command}";
            if (Files.Status(path).Value is not { IsRegular: true })
            {
                continue;
            }

            if (Files.Access(path, AccessBits.Execute) == Errno.None)
            {
                return path;
            }

            unusable ??= path;
        }

        return null;
    }
}
