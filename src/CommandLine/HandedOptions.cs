using Run.Naming;

namespace Run.CommandLine;

/// <summary>
/// The options that concern the machine where a script starts. With <c>--on</c> that is another one, and they are handed on.
/// </summary>
internal static class HandedOptions
{
    private const string Lock = "--lock", Offline = "--offline";

    private static readonly string[] s_names =
        [Offline, "--interpreter", "--wait", "--replace", "--detach", "--conflict-exit-code", "--quiet", "--verbose"];

    /// <summary>These options, as they are written before SCRIPT.</summary>
    /// <param name="offline">Whether the network must not be touched; a variable may say so too.</param>
    /// <param name="exclusive">Whether the script's source asks for a lock, which the other machine may not know.</param>
    /// <param name="place">Where the script's source asks for a lock that several machines share; null: nowhere.</param>
    /// <param name="identity">
    /// What to lock if no name is given; null: the other machine finds that out by itself. It cannot if it is told a commit's URL: the
    /// script's next version has another one, and would not be locked out.
    /// </param>
    public static IEnumerable<string> Of(Invocation invocation, bool offline, bool exclusive, string? place, string? identity)
    {
        if (LockWord(invocation, exclusive, place, identity) is { } word)
        {
            yield return word;
        }

        // If an option is repeated, the last one counts.
        foreach (var option in Sequence.Reverse(invocation.Options).DistinctBy(Name).Reverse())
        {
            if (s_names.Contains(Name(option)))
            {
                yield return option;
            }
        }

        if (offline && !invocation.Offline)
        {
            yield return Offline;
        }
    }

    private static string Name(string word) => word.Split('=', 2)[0];

    private static string? LockWord(Invocation invocation, bool exclusive, string? place, string? identity) => invocation switch
    {
        // A place for locks, and what is locked there is not named.
        { LockName: { } name } => $"{Lock}={name}{(LockPlace.Split(name) is (_, null) ? identity : "")}",
        _ when place is not null => $"{Lock}={place}:{identity}",
        _ when identity is not null && (invocation.Lock || exclusive) => $"{Lock}={identity}",
        _ => invocation.Options.Contains(Lock) || (exclusive && !invocation.Lock) ? Lock : null,
    };
}
