using Run.Inputs;
using Run.Posix;
using Run.Reporting;

namespace Run.Execution;

/// <summary>
/// What stands before <c>run</c> on the line of a file counts for <c>run FILE</c> as it does for the kernel's own start of the file: other
/// variables, a time limit, a niceness. If it has not had its effect yet, this process starts what stands there, and that starts
/// <c>run</c> again.
/// </summary>
internal static class LineStart
{
    /// <summary>Returns if nothing has to be started: the line has been followed, as far as that can be told.</summary>
    /// <param name="typed">The command line up to the file, without it.</param>
    /// <param name="options">The options of <paramref name="typed"/>.</param>
    /// <param name="operands">The file and its arguments.</param>
    /// <param name="namesScript">Whether the words behind <c>run</c> name a script, whose argument the file is.</param>
    /// <returns>Whether the environment has to be this very one, which no plan describes.</returns>
    /// <exception cref="RunException">126, 127: what stands before <c>run</c> cannot be started.</exception>
    public static bool Follow(
        RunLine line, string[] typed, IReadOnlyList<string> options, string[] operands, bool namesScript, ReadSet reads)
    {
        if (!line.IsWrapped && line.Environment is null or { Clears: false, Unset: [], Assignments: [] })
        {
            return false;
        }

        if (line.Environment is { } environment)
        {
            var present = EnvironmentVariables.All();
            var wanted = Changed(present, environment);
            if (IsLast(line, wanted))
            {
                foreach (var name in environment.Unset.Concat(environment.Assignments.Select(Name)))
                {
                    _ = reads.Variable(name);
                }

                return AreSame(present, wanted)
                    ? environment.Clears
                    : throw StartAgain(line, [.. typed, .. operands], wanted, operands[0]);
            }
        }

        // The kernel's start hands over the options of the line. Without any, nothing tells it from a call by hand.
        var own = line.OptionsAlone;
        if (namesScript || own.Length == 0 || Contains(typed, own))
        {
            return false;
        }

        // By the path of this program: a wrapper of that name might lose the options, and this would begin again.
        string[] words = [.. line.Before, Processes.OwnPath, .. own, .. options, "--", .. operands];
        Messages.Step(() => $"starting the line {line.Shebang}");
        throw CannotStart(operands[0], words[0], line, Processes.Execute(words[0], words));
    }

    /// <summary>Starts this program again with that environment. Returns only if that fails.</summary>
    private static RunException StartAgain(RunLine line, string[] arguments, List<string> environment, string displayName)
    {
        Messages.Step(() => $"starting again with the variables of the line {line.Shebang}");
        var path = Processes.OwnPath;
        return CannotStart(displayName, path, line, Processes.Execute(path, [Processes.Name, .. arguments], environment));
    }

    /// <summary>The environment as env(1) makes it.</summary>
    private static List<string> Changed(List<string> present, EnvCommand env)
    {
        List<string> changed = env.Clears ? [] : [.. present];
        foreach (var name in env.Unset)
        {
            changed.RemoveAll(one => Name(one) == name);
        }

        foreach (var assignment in env.Assignments)
        {
            var name = Name(assignment);
            var first = changed.FindIndex(one => Name(one) == name);
            if (first < 0)
            {
                changed.Add(assignment);
                continue;
            }

            changed[first] = assignment;
            for (var i = changed.Count - 1; i > first; i--)
            {
                if (Name(changed[i]) == name)
                {
                    changed.RemoveAt(i);
                }
            }
        }

        return changed;
    }

    /// <summary>
    /// Whether the line changes nothing more in an environment that it has changed. <c>PATH=${HOME}/bin:${PATH}</c> would, every time.
    /// </summary>
    private static bool IsLast(RunLine line, List<string> environment) =>
        RunLine.Of(line.Shebang, name => Value(environment, name)) is { Environment: { } again, IsWrapped: false }
        && AreSame(Changed(environment, again), environment);

    private static bool AreSame(List<string> one, List<string> other) =>
        one.Count == other.Count && one.Zip(other).All(static pair => pair.First == pair.Second);

    private static string? Value(List<string> environment, string name) =>
        environment.Find(one => Name(one) == name && one.Length > name.Length) is { } found ? found[(name.Length + 1)..] : null;

    private static string Name(string assignment) =>
        assignment.IndexOf('=', StringComparison.Ordinal) is >= 0 and var equals ? assignment[..equals] : assignment;

    /// <summary>Whether the words stand among the others, one behind the other.</summary>
    private static bool Contains(string[] words, string[] wanted)
    {
        for (var at = 0; at + wanted.Length <= words.Length; at++)
        {
            if (words.AsSpan(at, wanted.Length).SequenceEqual(wanted))
            {
                return true;
            }
        }

        return false;
    }

    private static RunException CannotStart(string displayName, string program, RunLine line, Errno error) =>
        error is Errno.NoEntry or Errno.NotDirectory
            ? new RunException(ExitStatus.NotFound, $"{displayName}: no such interpreter: {program}", $"its first line is {line.Shebang}")
            : new RunException(
                ExitStatus.CannotStart, $"{displayName}: {program} cannot be started: {error.Describe()}",
                $"its first line is {line.Shebang}");
}
