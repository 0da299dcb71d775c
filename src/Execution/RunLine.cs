using Run.Posix;

namespace Run.Execution;

/// <summary>A <c>#!</c> line that leads to <c>run</c>: by itself, by env(1), or by wrappers such as nice(1).</summary>
/// <param name="Shebang">The line.</param>
/// <param name="Before">The words before <c>run</c>; those that env splits itself are split.</param>
/// <param name="Options">The words behind it, as the kernel and env would hand them over.</param>
internal sealed record RunLine(Shebang Shebang, string[] Before, string[] Options)
{
    private const string Program = "run";

    /// <summary>The options without the <c>--</c> that ends them.</summary>
    public string[] OptionsAlone => Options is [.. var before, "--"] ? before : Options;

    /// <summary>What env changes in the environment, if that is all that the words before <c>run</c> do; else null.</summary>
    public EnvCommand? Environment { get; private init; }

    /// <summary>Whether the words before <c>run</c> do more than to start it with another environment.</summary>
    public bool IsWrapped { get; private init; }

    /// <summary>Whether it is called <c>run</c> there. If not, that it is this program is seen only by looking for it.</summary>
    public bool IsUsualName { get; private init; }

    /// <summary>Null if the line leads to another program.</summary>
    /// <param name="variable">The value of an environment variable; null if it is not set.</param>
    public static RunLine? Of(Shebang line, Func<string, string?> variable)
    {
        var before = new List<string>();
        string[] words = line.Argument is null ? [line.Interpreter] : [line.Interpreter, line.Argument];
        EnvCommand? environment = null;
        var isWrapped = false;
        while (true)
        {
            var name = Name(words[0]);
            if (name == Program || IsThisProgram(words[0], variable))
            {
                return new RunLine(line, [.. before], words[1..])
                {
                    Environment = isWrapped ? null : environment,
                    IsWrapped = isWrapped,
                    IsUsualName = name == Program,
                };
            }

            before.Add(words[0]);
            if (name == "env")
            {
                if (EnvCommand.Of(words[1..], variable) is not { } env)
                {
                    return null;
                }

                isWrapped |= env.DoesMore || environment is not null;
                var outer = variable;
                variable = asked => env.Value(asked, outer);
                environment = env;
                before.AddRange(env.Own);
                words = env.Program;
            }
            else if (Wrapper.Own(name, words.AsSpan(1)) is { } own)
            {
                isWrapped = true;
                before.AddRange(words[1..(own + 1)]);
                words = words[(own + 1)..];
            }
            else
            {
                return null;
            }
        }
    }

    /// <summary>
    /// Whether this program was started as <c>run</c>. Under another name it takes files for its own that <c>run</c> does not.
    /// </summary>
    public static bool IsCalledAsUsual => Name(Processes.Name) == Program;

    /// <summary>
    /// Whether it is this program under another name. Whatever has the usual name counts, so that a wrapper cannot lead in a circle.
    /// </summary>
    private static bool IsThisProgram(string program, Func<string, string?> variable) =>
        program.Length > 0
        && SearchPath.Find(program, variable, out _) is { } path && Files.Status(path).Value is { IsRegular: true } there
        && Files.Status(Processes.Self).Value is { } self && there.IsSameFile(self);

    private static string Name(string path) => path[(path.LastIndexOf('/') + 1)..];
}
