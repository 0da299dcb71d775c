namespace Run.CommandLine;

/// <summary>The options that concern the machine where a script starts: with <c>--on</c> that is another one, and they go with it.</summary>
internal static class HandedOptions
{
    private const string Lock = "--lock";

    private static readonly string[] s_names =
    [
        "--offline", "--interpreter", Lock, "--wait", "--replace", "--detach", "--conflict-exit-code", "--quiet", "--verbose",
    ];

    /// <summary>These options, as they are written before SCRIPT.</summary>
    /// <param name="offline">Whether the network must not be touched; a variable may say so too.</param>
    /// <param name="exclusive">Whether the script's source asks for a lock, which the other machine may not know.</param>
    /// <param name="identity">
    /// What to lock if no name is given; null: the other machine finds that out by itself. It cannot if it is told a commit's URL: the
    /// script's next version has another one, and would not be locked out.
    /// </param>
    public static IEnumerable<string> Of(Invocation invocation, bool offline, bool exclusive, string? identity)
    {
        var words = invocation.Options.Where(static word => s_names.Contains(word.Split('=', 2)[0])).ToList();
        if (offline && !invocation.Offline)
        {
            words.Add("--offline");
        }

        var name = invocation.LockName;
        var locks = invocation.Lock || exclusive;
        if (name is null ? locks && (identity is not null || !invocation.Lock) : name.EndsWith(':') && identity is not null)
        {
            words.RemoveAll(static word => word == Lock || word.StartsWith(Lock + "=", StringComparison.Ordinal));
            words.Add(name is null && identity is null ? Lock : $"{Lock}={name}{identity}");
        }

        return words;
    }
}
