using Run.Inputs;
using Run.Posix;

namespace Run.Execution;

/// <summary>The search for a command as execvp(3) does it.</summary>
internal static class SearchPath
{
    // execvp's own default.
    private const string Default = "/bin:/usr/bin";

    /// <summary>The command's path; null if it is not found. A name with a slash is already a path, and is not checked.</summary>
    /// <param name="unusable">A file with that name that cannot be executed, if no other was found; else null.</param>
    public static string? Find(string command, ReadSet reads, out string? unusable) => Find(command, reads.Variable, out unusable);

    /// <summary>The same with the variables that the command will be looked up with.</summary>
    /// <param name="variable">The value of a variable; null if it is not set.</param>
    public static string? Find(string command, Func<string, string?> variable, out string? unusable)
    {
        unusable = null;
        if (command.Contains('/', StringComparison.Ordinal))
        {
            return command;
        }

        foreach (var directory in (variable("PATH") ?? Default).Split(':'))
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
